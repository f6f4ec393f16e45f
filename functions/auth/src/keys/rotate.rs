//! Changing keys without anybody noticing: publish the new one, sign with it later, retire the old one last.
//!
//! Between the steps every service must have started with what the step before gave, and after `sign` the tokens of the
//! old key must have run out: ten minutes.

use super::generate;
use serde_json::{Value, json};

/// The keys that are changed together, as the environment holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// `SIGNING_KEYS`: the first signs.
    pub signing: String,
    /// `VERIFYING_KEYS`: all check.
    pub verifying: String,
    /// `IMAGE_URL_KEYS`: the first signs, all check.
    pub image_urls: String,
}

/// One of the three steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Adds a new key that nothing is signed with yet.
    Publish,
    /// Signs with the newest key.
    Sign,
    /// Drops every key but the one that signs.
    Retire,
}

impl Keys {
    /// The keys after a step.
    ///
    /// # Errors
    /// When a set cannot be read, or the step before has not been taken.
    pub fn after(&self, step: Step) -> Result<Self, String> {
        let mut signing = set(&self.signing).ok_or("SIGNING_KEYS is not a JWK set")?;
        let mut verifying = set(&self.verifying).ok_or("VERIFYING_KEYS is not a JWK set")?;
        let image_urls = self.image_urls.split(',').map(str::trim);
        let mut image_urls: Vec<_> = image_urls
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect();
        match step {
            Step::Publish => {
                let new = generate();
                signing.extend(set(&new.signing).unwrap_or_default());
                verifying.extend(set(&new.verifying).unwrap_or_default());
                image_urls.push(new.image_urls);
            }
            Step::Sign => {
                if signing.len() < 2 {
                    return Err("there is no newer key to sign with; publish one first".to_owned());
                }
                signing.rotate_right(1);
                image_urls.rotate_right(1);
                if !verifying.iter().any(|key| key["kid"] == signing[0]["kid"]) {
                    return Err(
                        "VERIFYING_KEYS does not hold the newest key; publish it first".to_owned(),
                    );
                }
            }
            Step::Retire => {
                signing.truncate(1);
                image_urls.truncate(1);
                verifying.retain(|key| key["kid"] == signing[0]["kid"]);
            }
        }
        Ok(Self {
            signing: json!({ "keys": signing }).to_string(),
            verifying: json!({ "keys": verifying }).to_string(),
            image_urls: image_urls.join(","),
        })
    }
}

fn set(json: &str) -> Option<Vec<Value>> {
    let mut set: Value = serde_json::from_str(json).ok()?;
    let keys = set["keys"].as_array_mut().map(std::mem::take)?;
    keys.iter()
        .all(|key| key["kid"].is_string())
        .then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use shared::token::VerifyingKeys;

    #[test]
    fn at_every_step_the_signer_is_known_to_those_who_took_the_step_before() {
        let first = generate();
        let old = Keys {
            signing: first.signing,
            verifying: first.verifying,
            image_urls: first.image_urls,
        };
        assert!(old.after(Step::Sign).is_err(), "nothing is published yet");
        let published = old.after(Step::Publish).expect("published");
        let signing = published.after(Step::Sign).expect("signing");
        let retired = signing.after(Step::Retire).expect("retired");
        let signer = |keys: &Keys| {
            SigningKey::parse(&keys.signing)
                .expect("a key")
                .kid()
                .to_owned()
        };
        let image_signer = |keys: &Keys| keys.image_urls.split(',').next().map(str::to_owned);
        assert_eq!(signer(&old), signer(&published));
        assert_ne!(signer(&published), signer(&signing));
        assert_eq!(signer(&signing), signer(&retired));
        for (before, after) in [
            (&old, &published),
            (&published, &signing),
            (&signing, &retired),
        ] {
            let knows = |keys: &Keys, kid: &str| {
                VerifyingKeys::parse(&keys.verifying).is_ok_and(|set| set.contains(kid))
            };
            assert!(
                knows(before, &signer(after)) && knows(after, &signer(before)) || after == &retired
            );
            let image_key = image_signer(after).expect("a key");
            assert!(before.image_urls.contains(&image_key));
        }
        assert_eq!(set(&retired.verifying).map(|keys| keys.len()), Some(1));
        assert_eq!(retired.image_urls.matches(':').count(), 1);
    }
}
