//! Addresses of pictures: signed, expiring, and the same for hours so that browsers and caches can keep them.
//!
//! The form is Cloud CDN's signed URL (Google Cloud's documentation, "Signed URLs"): HMAC-SHA1 over the whole address
//! up to and including `KeyName=…`, base64url. `customers` signs and `images` checks with the same keys.

use crate::{
    api::schemas::text,
    config::{Env, PublicUrl, key, value_or_file},
    error::{ApiError, ApiResult},
    id::ImageId,
    time::Timestamp,
};
use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha1::Sha1;
use std::{
    convert::Infallible,
    fmt::{self, Arguments, Write as _},
    sync::Arc,
};
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

/// An address stays the same for this long and is good for at least as long again, in seconds.
const WINDOW: i64 = 12 * 60 * 60;
/// What a signed address has room in, in bytes.
const ROOM: usize = 192;

/// The sizes in which a picture is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageSize {
    /// A square of 128 pixels.
    Small,
    /// A square of 512 pixels.
    Medium,
    /// The whole picture, fitted into 2048 pixels.
    Large,
}

impl ImageSize {
    /// Every size.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// As the address and the stored object name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// The query of an address that somebody asked for, as it was written: the signature covers its very bytes.
#[derive(Debug)]
pub struct SignedQuery(String);

impl<S: Send + Sync> FromRequestParts<S> for SignedQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

impl IntoParams for SignedQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = |name, about, schema| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(place().unwrap_or_default())
                .required(Required::True)
                .description(Some(about))
                .schema(Some::<ObjectBuilder>(schema))
                .build()
        };
        let digits = text().pattern(Some("^[0-9]{1,19}$"));
        let word = || text().min_length(Some(1));
        vec![
            parameter(
                "Expires",
                "Until when the address is good, in seconds since 1970.",
                digits,
            ),
            parameter("KeyName", "Which key signed it.", word()),
            parameter(
                "Signature",
                "Over the whole address before it; in base64url.",
                word(),
            ),
        ]
    }
}

impl SignedQuery {
    /// What is signed, its `Expires` and `KeyName`, and the signature.
    fn parts(&self) -> Option<(&str, &str, &str, &str)> {
        let (signed, signature) = self.0.rsplit_once("&Signature=")?;
        let (expires, key_name) = signed.strip_prefix("Expires=")?.split_once("&KeyName=")?;
        Some((signed, expires, key_name, signature))
    }
}

/// Of RustCrypto and not of ring, whose SHA-1 uses no instruction made for it: a list signs hundreds of addresses.
type Key = Hmac<Sha1>;

/// `IMAGE_URL_KEYS`: what signs the addresses of pictures and checks them.
#[derive(Clone)]
pub struct ImageUrls {
    public: PublicUrl,
    keys: Arc<[(String, Key)]>,
}

impl ImageUrls {
    /// Reads `IMAGE_URL_KEYS`: `NAME:KEY`, several separated by commas; the first signs, all check.
    pub fn read(env: &mut Env, public: Option<&PublicUrl>) -> Option<Self> {
        let keys = env.required("IMAGE_URL_KEYS", parse_keys)?;
        Some(Self {
            public: public?.clone(),
            keys: keys.into(),
        })
    }

    /// The address of a picture in one size.
    #[must_use]
    pub fn sign(&self, id: &ImageId, size: ImageSize, now: Timestamp) -> String {
        let expires = (now.seconds().div_euclid(WINDOW) + 2) * WINDOW;
        let (name, key) = &self.keys[0];
        let query = format_args!("Expires={expires}&KeyName={name}");
        let mut address = self.address(id, size, query);
        let signature = key.clone().chain_update(&address).finalize().into_bytes();
        address.push_str("&Signature=");
        URL_SAFE.encode_string(signature, &mut address);
        address
    }

    /// Checks an address that somebody asked for; gives the instant until which it is good.
    ///
    /// # Errors
    /// `invalid_signature` or `link_expired`.
    pub fn check(
        &self,
        id: &ImageId,
        size: ImageSize,
        query: &SignedQuery,
        now: Timestamp,
    ) -> ApiResult<Timestamp> {
        let opened = || {
            let (signed, expires, key_name, signature) = query.parts()?;
            let (_, key) = self.keys.iter().find(|(name, _)| name == key_name)?;
            let signature = URL_SAFE.decode(signature).ok()?;
            let unsigned = self.address(id, size, format_args!("{signed}"));
            // In constant time.
            let right = key.clone().chain_update(&unsigned).verify_slice(&signature);
            right.ok()?;
            expires.parse().ok().map(Timestamp::from_seconds)
        };
        let expires = opened().ok_or(ApiError::InvalidSignature)?;
        if expires <= now {
            return Err(ApiError::LinkExpired);
        }
        Ok(expires)
    }

    fn address(&self, id: &ImageId, size: ImageSize, query: Arguments<'_>) -> String {
        let (base, size) = (self.public.as_str(), size.as_str());
        let mut address = String::with_capacity(ROOM);
        // A string takes everything.
        let _ = write!(address, "{base}/images/{id}/{size}?{query}");
        address
    }
}

impl fmt::Debug for ImageUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.keys.iter().map(|(name, _)| name).collect();
        f.debug_struct("ImageUrls")
            .field("keys", &names)
            .finish_non_exhaustive()
    }
}

fn parse_keys(value: &str) -> Result<Vec<(String, Key)>, String> {
    let form = "must be NAME:KEY, the key 16 bytes as base64url; several are separated by commas";
    let text = value_or_file(value)?;
    let one = |entry: &str| {
        let (name, secret) = entry.trim().split_once(':').ok_or(form)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(form.to_owned());
        }
        let secret = key::<16>(secret).map_err(|_| form)?;
        let key = Key::new_from_slice(&secret).map_err(|_| form)?;
        Ok((name.to_owned(), key))
    };
    text.reveal().split(',').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "old:AAAAAAAAAAAAAAAAAAAAAA";
    const NEW: &str = "new:AQEBAQEBAQEBAQEBAQEBAQ";

    fn urls(keys: &str) -> ImageUrls {
        let mut env = Env::of([("IMAGE_URL_KEYS".to_owned(), keys.to_owned())]);
        let public = PublicUrl::parse("https://crm.example.com").expect("an origin");
        ImageUrls::read(&mut env, Some(&public)).expect("keys")
    }

    fn check(urls: &ImageUrls, id: &ImageId, url: &str, now: Timestamp) -> ApiResult<Timestamp> {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let query = SignedQuery(query.to_owned());
        urls.check(id, ImageSize::Small, &query, now)
    }

    #[test]
    fn the_form_is_cloud_cdns() {
        // From `printf %s ADDRESS | openssl dgst -sha1 -mac HMAC -macopt hexkey:00… -binary | basenc --base64url`.
        let id = ImageId::try_from("0".repeat(32)).expect("an id");
        let url = urls(OLD).sign(&id, ImageSize::Small, Timestamp::from_seconds(0));
        let expected = "https://crm.example.com/images/00000000000000000000000000000000/small\
            ?Expires=86400&KeyName=old&Signature=ct0LvtH9c4n_Kx37N5cYYdgE5hw=";
        assert_eq!(url, expected);
    }

    #[test]
    fn an_address_is_stable_within_a_window_and_good_for_a_day_at_most() {
        let (urls, id) = (urls(OLD), ImageId::generate());
        let at = |seconds| urls.sign(&id, ImageSize::Small, Timestamp::from_seconds(seconds));
        assert_eq!(at(0), at(WINDOW - 1));
        assert_ne!(at(0), at(WINDOW));
        let until = |seconds| check(&urls, &id, &at(0), Timestamp::from_seconds(seconds));
        assert!(until(2 * WINDOW - 1).is_ok());
        assert!(matches!(until(2 * WINDOW), Err(ApiError::LinkExpired)));
    }

    #[test]
    fn keys_rotate_and_nothing_else_opens_a_picture() {
        let (id, now) = (ImageId::generate(), Timestamp::from_seconds(1_000));
        let url = urls(OLD).sign(&id, ImageSize::Small, now);
        assert!(check(&urls(&format!("{NEW},{OLD}")), &id, &url, now).is_ok());
        assert!(check(&urls(NEW), &id, &url, now).is_err());
        assert!(check(&urls(OLD), &ImageId::generate(), &url, now).is_err());
        for changed in [
            url.replace("Expires=", "Expires=0"),
            url.replace("&Signature", "&Other=1&Signature"),
            format!("{url}&Other=1"),
            url.replace("Expires=8", "Expires=9"),
            url.replace("Signature=", "Signature=A"),
            String::new(),
        ] {
            assert!(check(&urls(OLD), &id, &changed, now).is_err(), "{changed}");
        }
    }
}
