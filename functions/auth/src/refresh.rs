//! Refresh tokens: an HMAC over session and counter, under a key outside the database.
//!
//! Only one counter value is current, so a token is good once, and a dump of the database holds none.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use shared::id::SessionId;
use std::fmt;

/// What a token of this form begins with.
const FORM: &str = "rt1";

/// `REFRESH_KEY`.
#[derive(Clone)]
pub(crate) struct RefreshKey(hmac::Key);

impl RefreshKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The token of a session at a count.
    pub(crate) fn token(&self, session: &SessionId, counter: i64) -> String {
        let signed = format!("{FORM}.{session}.{counter}");
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, signed.as_bytes()));
        format!("{signed}.{tag}")
    }

    /// The session and count of a token that we made.
    pub(crate) fn open(&self, token: &str) -> Option<(SessionId, i64)> {
        let (signed, tag) = token.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, signed.as_bytes(), &tag).ok()?;
        let (session, counter) = signed
            .strip_prefix(FORM)?
            .strip_prefix('.')?
            .split_once('.')?;
        Some((session.to_owned().try_into().ok()?, counter.parse().ok()?))
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_whole_and_under_its_key() {
        let (key, session) = (RefreshKey::new([1; 32]), SessionId::generate());
        let token = key.token(&session, 41);
        assert_eq!(key.open(&token), Some((session.clone(), 41)));
        assert_eq!(RefreshKey::new([2; 32]).open(&token), None);
        let forged = token.replace(".41.", ".42.");
        let other = token.replace(session.as_str(), SessionId::generate().as_str());
        for bad in [
            forged.as_str(),
            &other,
            "",
            "rt1",
            "rt1...",
            &token[..token.len() - 1],
        ] {
            assert_eq!(key.open(bad), None, "{bad}");
        }
    }
}
