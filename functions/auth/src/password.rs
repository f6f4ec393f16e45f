//! Passwords: argon2id, off the async threads, never more at once than there are processors.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use shared::{
    api::schemas::text,
    body::Refusal,
    config::Secret,
    error::{ApiError, ApiResult},
    id::random,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use utoipa::openapi::ObjectBuilder;

/// Memory in KiB, passes, lanes: OWASP's and ASVS 5.0's first choice (appendix C).
const PARAMS: (u32, u32, u32) = (19_456, 2, 1);
const OUTPUT: usize = 32;
/// How long a sign-in waits for its turn before it answers 503.
const PATIENCE: Duration = Duration::from_secs(2);
/// The shortest password that may be set, in characters.
const SHORTEST: usize = 8;
/// The longest password that may be set, in characters.
const LONGEST: usize = 128;
/// The longest that is tried, in bytes.
const LONGEST_TRIED: usize = 4 * LONGEST;
/// Stands in for the hash of a user who is not there: the same work, and nothing matches it.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZGVjb3lkZWNveWRlY295ZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passwords. A clone shares the permits and the memory.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    permits: Arc<Semaphore>,
    /// One block of working memory a permit, used again: 19 MiB freshly mapped cost as much as the hash.
    memory: Mutex<Vec<Vec<Block>>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// One hash at a time a processor.
    #[must_use]
    pub fn new() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Inner {
            permits: Arc::new(Semaphore::new(processors)),
            memory: Mutex::new(Vec::new()),
        }))
    }

    /// The PHC string to keep for a password.
    ///
    /// # Errors
    /// 503 when too many others are being hashed.
    pub async fn hash(&self, password: Secret) -> ApiResult<String> {
        let salt = Salt::generate();
        let (m, t, p) = PARAMS;
        let params = Params::new(m, t, p, Some(OUTPUT)).expect("the parameters are in range");
        let output = self.compute(password, salt, params.clone()).await?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(broken)?,
            salt: Some(salt),
            hash: Some(output),
        };
        Ok(hash.to_string())
    }

    /// Whether the password belongs to the hash. Without a hash the same work is done, and the answer is no.
    ///
    /// # Errors
    /// 503 when too many others are being hashed; 500 when the hash is not one of ours.
    pub async fn verify(&self, password: Secret, hash: Option<&str>) -> ApiResult<bool> {
        let expected = PasswordHash::new(hash.unwrap_or(DECOY)).map_err(broken)?;
        if expected.algorithm != Algorithm::Argon2id.ident() {
            return Err(broken("the stored hash is not argon2id"));
        }
        let (Some(salt), Some(output)) = (expected.salt, expected.hash) else {
            return Err(broken("the stored hash is incomplete"));
        };
        let params = Params::try_from(&expected).map_err(broken)?;
        let computed = self.compute(password, salt, params).await?;
        // `Output` compares in constant time.
        Ok(computed == output && hash.is_some())
    }

    async fn compute(&self, password: Secret, salt: Salt, params: Params) -> ApiResult<Output> {
        let waiting = Arc::clone(&self.0.permits).acquire_owned();
        let permit = timeout(PATIENCE, waiting)
            .await
            .map_err(|_| ApiError::Unavailable("too many people are signing in at once"))?
            .expect("nobody closes the semaphore");
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || inner.run(permit, &password, &salt, params))
            .await
            .map_err(broken)?
            .map_err(broken)
    }
}

impl Inner {
    /// Runs to its end even when nobody waits any more: the permit goes with it.
    fn run(
        &self,
        _permit: OwnedSemaphorePermit,
        password: &Secret,
        salt: &Salt,
        params: Params,
    ) -> Result<Output, String> {
        let mut memory = self.lock().pop().unwrap_or_default();
        if memory.len() < params.block_count() {
            memory.resize(params.block_count(), Block::new());
        }
        let mut out = vec![0; params.output_len().unwrap_or(OUTPUT)];
        let blocks = &mut memory[..params.block_count()];
        let hashed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.reveal().as_bytes(), salt, &mut out, blocks);
        self.lock().push(memory);
        hashed.map_err(|error| error.to_string())?;
        Output::new(&out).map_err(|error| error.to_string())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken(error: impl std::fmt::Display) -> ApiError {
    ApiError::Internal(anyhow::anyhow!("a password could not be hashed: {error}"))
}

/// A rule for a password that somebody wants to have: 8 to 128 characters of any kind but NUL.
pub(crate) fn new_password(text: &str) -> Result<Secret, Refusal> {
    match text.chars().count() {
        0..SHORTEST => Err((
            "too_short",
            format!("must be at least {SHORTEST} characters long"),
        )),
        SHORTEST..=LONGEST if text.contains('\0') => Err((
            "control_character",
            "must not hold the character NUL".to_owned(),
        )),
        SHORTEST..=LONGEST => Ok(text.to_owned().into()),
        _ => Err((
            "too_long",
            format!("must be at most {LONGEST} characters long"),
        )),
    }
}

/// The form of a new password.
pub(crate) fn new_password_schema() -> ObjectBuilder {
    text()
        .min_length(Some(SHORTEST))
        .max_length(Some(LONGEST))
        .pattern(Some(r"^[^\u0000]*$"))
        .examples(["correct horse battery"])
}

/// The form of a password that somebody says they have.
pub(crate) fn tried_password_schema() -> ObjectBuilder {
    // In bytes: a character has up to four.
    text()
        .max_length(Some(LONGEST_TRIED))
        .examples(["correct horse battery"])
}

/// A rule for a password that somebody says they have.
pub(crate) fn tried_password(text: &str) -> Result<Secret, Refusal> {
    if text.len() > LONGEST_TRIED {
        return Err(("too_long", "is longer than any password".to_owned()));
    }
    Ok(text.to_owned().into())
}

/// Twenty letters and digits that are not mistaken for each other: 100 random bits.
#[must_use]
pub fn random_password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let digit = |byte: u8| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]);
    random::<20>().map(digit).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn a_password_belongs_to_its_hash_alone() -> ApiResult<()> {
        let passwords = Passwords::new();
        let hash = passwords.hash(secret("correct horse")).await?;
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            passwords
                .verify(secret("correct horse"), Some(&hash))
                .await?
        );
        assert!(
            !passwords
                .verify(secret("correct horsf"), Some(&hash))
                .await?
        );
        assert!(!passwords.verify(secret("correct horse"), None).await?);
        assert_ne!(hash, passwords.hash(secret("correct horse")).await?);
        Ok(())
    }

    #[tokio::test]
    async fn the_hash_is_the_one_that_every_argon2_makes() -> ApiResult<()> {
        // From the reference implementation: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32 -e
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(
            Passwords::new()
                .verify(secret("password"), Some(hash))
                .await?
        );
        Ok(())
    }

    #[test]
    fn a_new_password_has_eight_to_128_characters() {
        assert!(new_password("pässwörd").is_ok() && new_password(&"🔑".repeat(128)).is_ok());
        assert!(new_password("sevenchr").is_ok() && new_password("seven ch\0").is_err());
        assert!(new_password("seven c").is_err() && new_password(&"a".repeat(129)).is_err());
    }
}
