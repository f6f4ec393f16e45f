//! Browsers in which an account's owner has signed in: who fails elsewhere cannot hold them up (OWASP, "Slow down online
//! guessing attacks with device cookies").

use crate::{
    cookies::{self, SameSite},
    limits::Account,
};
use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use serde::{Deserialize, Serialize};
use shared::{error::ApiResult, id::OperationId, seal::Seal, time::Timestamp};
use std::time::Duration;

/// What the cookies' names begin with. A part of the account's keyed hash follows: each account has a cookie of its own.
const PREFIX: &str = "__Host-device-";
/// How long a browser is known after its last sign-in.
const LASTS: Duration = Duration::from_secs(180 * 24 * 60 * 60);
/// As how many accounts one browser is known; a further one replaces the one that was longest away.
const KNOWN: usize = 10;
/// Separates the cookies' key from whatever else is made from `REFRESH_KEY`.
pub(crate) const LABEL: &str = "crm known device 1";

/// What is sealed in the cookie.
#[derive(Serialize, Deserialize)]
struct Device {
    id: OperationId,
    /// Of the password's hash at the last sign-in: whoever once knew the password is a stranger when it is another.
    password: String,
    /// The last sign-in, in seconds since 1970.
    signed_in: i64,
}

/// Seals and opens devices' cookies, with a key made from `REFRESH_KEY`.
#[derive(Debug, Clone)]
pub(crate) struct DeviceKey(Seal);

impl DeviceKey {
    pub(crate) fn derive(secret: &[u8; 32]) -> Self {
        Self(Seal::derive(secret, LABEL))
    }

    /// The id of this browser, if the account's owner has signed in in it with the password that has this hash.
    pub(crate) fn find(
        &self,
        headers: &HeaderMap,
        account: &Account,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Option<String> {
        let name = cookie_name(account);
        let device = self.open(&name, cookies::find(headers, &name)?)?;
        let same = device.password == mark(password_hash?);
        let signed_in = Timestamp::from_seconds(device.signed_in);
        (same && now.since(signed_in) <= LASTS).then(|| device.id.into())
    }

    /// The `Set-Cookie` headers after a sign-in: this account's cookie, and the end of those that are too many.
    pub(crate) fn keep(
        &self,
        headers: &HeaderMap,
        account: &Account,
        password_hash: &str,
        now: Timestamp,
    ) -> ApiResult<Vec<HeaderValue>> {
        let name = cookie_name(account);
        let device = Device {
            id: OperationId::generate(),
            password: mark(password_hash),
            signed_in: now.seconds(),
        };
        let value = self.0.seal(&name, &device);
        let own = cookies::set(&name, &value, SameSite::Strict, LASTS.as_secs())?;
        let since = |name: &str, value: &str| self.open(name, value).map(|device| device.signed_in);
        let over = cookies::too_many(headers, (PREFIX, &name), KNOWN, since);
        let over = over
            .into_iter()
            .map(|name| cookies::set(name, "", SameSite::Strict, 0));
        over.chain([Ok(own)]).collect()
    }

    fn open(&self, name: &str, value: &str) -> Option<Device> {
        self.0.open(name, value)
    }
}

/// What tells one password's hash from another.
fn mark(password_hash: &str) -> String {
    let hash = digest::digest(&digest::SHA256, password_hash.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12])
}

pub(crate) fn cookie_name(account: &Account) -> String {
    let hash = account.as_str();
    format!("{PREFIX}{}", hash.get(..16).unwrap_or(hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LimitKey;
    use axum::http::header;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);
    const HASH: &str = "$argon2id$one";

    fn account(email: &str) -> Account {
        LimitKey::derive(&[1; 32]).account(email)
    }

    /// What a browser with these cookies sends.
    fn browser(cookies: &[&str]) -> HeaderMap {
        let pairs: Vec<_> = cookies
            .iter()
            .filter_map(|cookie| cookie.split(';').next())
            .collect();
        let value = HeaderValue::from_str(&pairs.join("; ")).expect("a header");
        HeaderMap::from_iter([(header::COOKIE, value)])
    }

    #[test]
    fn a_device_is_known_by_its_account_alone_for_180_days() -> ApiResult<()> {
        let (key, ada) = (DeviceKey::derive(&[1; 32]), account("ada@example.com"));
        let set = key.keep(&HeaderMap::new(), &ada, HASH, NOW)?;
        let [cookie] = &set[..] else {
            panic!("{set:?}")
        };
        let cookie = cookie.to_str().expect("text");
        assert!(cookie.len() < 400 && !cookie.contains("ada"), "{cookie}");
        let headers = browser(&[cookie]);
        let id = key.find(&headers, &ada, Some(HASH), NOW.plus(LASTS));
        assert_eq!(id.map(|id| id.len()), Some(32));
        let late = NOW.plus(LASTS + Duration::from_secs(1));
        assert_eq!(key.find(&headers, &ada, Some(HASH), late), None);
        for other in [None, Some("$argon2id$other")] {
            assert_eq!(key.find(&headers, &ada, other, NOW), None);
        }
        let other = DeviceKey::derive(&[2; 32]);
        assert_eq!(other.find(&headers, &ada, Some(HASH), NOW), None);
        // Under another account's name it does not open.
        let bob = account("bob@example.com");
        let stolen = cookie.replacen(&cookie_name(&ada), &cookie_name(&bob), 1);
        let stolen = browser(&[&stolen]);
        assert_eq!(key.find(&stolen, &bob, Some(HASH), NOW), None);
        Ok(())
    }

    #[test]
    fn one_browser_is_known_as_the_ten_latest_accounts() -> ApiResult<()> {
        let key = DeviceKey::derive(&[1; 32]);
        let mut jar = vec![format!("{}=x", cookie_name(&account("broken")))];
        for day in 0..15 {
            let headers = browser(&jar.iter().map(String::as_str).collect::<Vec<_>>());
            let now = NOW.plus(Duration::from_secs(day * 24 * 60 * 60));
            // Again in the same account: its cookie is replaced.
            for _ in 0..2 {
                let account = account(&format!("{day}@example.com"));
                for set in key.keep(&headers, &account, HASH, now)? {
                    let set = set.to_str().expect("text").to_owned();
                    let name = set.split('=').next().expect("a name").to_owned() + "=";
                    jar.retain(|known| !known.starts_with(&name));
                    if !set.ends_with("Max-Age=0") {
                        jar.push(set);
                    }
                }
            }
            assert!(jar.len() <= KNOWN);
        }
        let headers = browser(&jar.iter().map(String::as_str).collect::<Vec<_>>());
        let known = |day: &u64| {
            let account = account(&format!("{day}@example.com"));
            key.find(&headers, &account, Some(HASH), NOW).is_some()
        };
        assert_eq!(
            (0..15).filter(known).collect::<Vec<_>>(),
            (5..15).collect::<Vec<_>>()
        );
        Ok(())
    }
}
