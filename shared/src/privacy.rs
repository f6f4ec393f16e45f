//! What is made from `PRIVACY_KEY`: it keeps personal data out of addresses, and lets an erased e-mail address be
//! recognised by nobody but us.

use crate::{
    config::{Env, key},
    email,
    id::hex,
    page::Cursors,
    seal,
};
use ring::hmac;
use std::{fmt, sync::Arc};

/// Separates the key of addresses' hashes from whatever else is made from `PRIVACY_KEY`.
const ADDRESSES: &str = "crm erased address 1";
/// The same of requests' hashes.
const REQUESTS: &str = "crm idempotent request 1";

/// `PRIVACY_KEY`.
#[derive(Clone)]
pub struct PrivacyKey {
    cursors: Cursors,
    addresses: Arc<hmac::Key>,
    requests: Arc<hmac::Key>,
}

impl PrivacyKey {
    /// Reads `PRIVACY_KEY`: 32 bytes as base64url, or `file:PATH` to it.
    pub fn read(env: &mut Env) -> Option<Self> {
        env.required("PRIVACY_KEY", key).map(Self::new)
    }

    fn new(secret: [u8; 32]) -> Self {
        Self {
            cursors: Cursors::derive(&secret),
            addresses: Arc::new(seal::hmac_key(&secret, ADDRESSES)),
            requests: Arc::new(seal::hmac_key(&secret, REQUESTS)),
        }
    }

    /// What makes the cursors of lists.
    #[must_use]
    pub const fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    /// What is kept of something that may hold anything, to know it again: HMAC-SHA256, 64 hexadecimal digits.
    #[must_use]
    pub fn hash(&self, bytes: &[u8]) -> String {
        hex(hmac::sign(&self.requests, bytes).as_ref())
    }

    /// Which key this is, without telling anything of it: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        let tag = hmac::sign(&self.addresses, b"");
        hex(&tag.as_ref()[..8])
    }

    /// What is kept of an erased e-mail address: HMAC-SHA256 of its [`email::key`], 64 hexadecimal digits.
    #[must_use]
    pub fn address_hash(&self, address: &str) -> String {
        let key = email::key(address);
        hex(hmac::sign(&self.addresses, key.as_bytes()).as_ref())
    }
}

impl fmt::Debug for PrivacyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivacyKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_hash_under_one_key_however_it_is_written() {
        let key = PrivacyKey::new([1; 32]);
        let hash = key.address_hash("ada@example.com");
        assert_eq!(hash.len(), 64);
        assert_eq!(key.address_hash("Ａda@EXAMPLE.com"), hash);
        assert_ne!(key.address_hash("bob@example.com"), hash);
        assert_ne!(
            PrivacyKey::new([2; 32]).address_hash("ada@example.com"),
            hash
        );
    }
}
