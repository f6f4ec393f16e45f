//! Sealing what leaves us and comes back: nobody else reads it, makes one, changes one, or puts it to another use.

use crate::id::random;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    hmac,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, sync::Arc};

/// Seals values with AES-256-GCM (RFC 5116). Its nonces are random: one key is good for 2³² seals.
#[derive(Clone)]
pub struct Seal(Arc<LessSafeKey>);

impl Seal {
    /// A seal made from a secret (HKDF, RFC 5869). `label` separates it from whatever else is made from that.
    #[must_use]
    pub fn derive(secret: &[u8; 32], label: &str) -> Self {
        let key = expand(secret, label, &AES_256_GCM, |okm| {
            LessSafeKey::new(okm.into())
        });
        Self(Arc::new(key))
    }

    /// A value as base64url text, which opens only for the same `purpose`.
    ///
    /// # Panics
    /// When the value does not serialise.
    #[must_use]
    pub fn seal<T: Serialize>(&self, purpose: &str, value: &T) -> String {
        let nonce = random::<NONCE_LEN>();
        let mut sealed = serde_json::to_vec(value).expect("what is sealed serialises");
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut sealed,
            )
            .expect("what is sealed is shorter than 64 GiB");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// What was sealed here for this purpose, and was not touched since.
    #[must_use]
    pub fn open<T: DeserializeOwned>(&self, purpose: &str, text: &str) -> Option<T> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        let opened = self.0.open_in_place(nonce, aad, &mut sealed).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

/// A key for HMAC-SHA256, made from a secret as a seal is.
#[must_use]
pub fn hmac_key(secret: &[u8; 32], label: &str) -> hmac::Key {
    expand(secret, label, hmac::HMAC_SHA256, |okm| okm.into())
}

fn expand<L: KeyType, K>(
    secret: &[u8; 32],
    label: &str,
    kind: L,
    make: impl FnOnce(ring::hkdf::Okm<'_, L>) -> K,
) -> K {
    let extracted: Prk = Salt::new(HKDF_SHA256, &[]).extract(secret);
    let info = [label.as_bytes()];
    let expanded = extracted.expand(&info, kind);
    make(expanded.expect("a key is not too long for HKDF"))
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_its_purpose_and_under_its_key_and_label_alone() {
        let seal = Seal::derive(&[1; 32], "a");
        let sealed = seal.seal("list", &("ada@example.com", 7));
        let open = |seal: &Seal, purpose: &str| seal.open::<(String, i64)>(purpose, &sealed);
        assert_eq!(open(&seal, "list"), Some(("ada@example.com".to_owned(), 7)));
        assert_eq!(open(&seal, "other"), None);
        assert_eq!(open(&Seal::derive(&[2; 32], "a"), "list"), None);
        assert_eq!(open(&Seal::derive(&[1; 32], "b"), "list"), None);
        assert_eq!(seal.open::<i64>("list", &sealed), None);
        let again = seal.seal("list", &("ada@example.com", 7));
        assert_ne!(again, sealed, "nobody sees that two are of the same value");
    }

    #[test]
    fn what_was_touched_does_not_open() {
        let seal = Seal::derive(&[1; 32], "a");
        let sealed = seal.seal("list", &7);
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).expect("base64url");
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let touched = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(seal.open::<i64>("list", &touched), None, "{bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(seal.open::<i64>("list", &sealed[..length]), None);
        }
        for bad in [format!("{sealed}="), format!("{sealed}A"), "🂡".to_owned()] {
            assert_eq!(seal.open::<i64>("list", &bad), None, "{bad}");
        }
    }
}
