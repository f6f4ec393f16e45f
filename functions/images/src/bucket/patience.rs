//! Asking the storage again: how often, how long, and when not.

use shared::id::random;
use std::{error::Error, io, time::Duration};
use tokio::time::{sleep, timeout};

/// How often one request is sent at most.
const ATTEMPTS: u32 = 4;
/// How long one of them may take.
pub(super) const ATTEMPT: Duration = Duration::from_secs(5);
/// The pause before the second attempt; every further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// Why one attempt was in vain.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the storage answered, if it did.
    pub(super) status: Option<u16>,
    error: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// One without an answer.
    pub(super) fn passing(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            status: None,
            error: error.into(),
        }
    }

    /// Whether the same request would be refused again (Cloud Storage's documentation, "Retry strategy").
    fn is_lasting(&self) -> bool {
        matches!(self.status, Some(400..=407 | 409..=428 | 430..=499))
    }
}

impl From<google_cloud_storage::Error> for Failure {
    fn from(error: google_cloud_storage::Error) -> Self {
        Self {
            status: error.http_status_code(),
            error: error.into(),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self {
            status: error.status().map(|status| status.as_u16()),
            error: error.into(),
        }
    }
}

/// Asks until there is an answer, or one that asking again would not change, or the attempts or the time are used up.
pub(super) async fn patiently<T, A: Future<Output = Result<T, Failure>>>(
    patience: Duration,
    ask: impl Fn() -> A,
) -> io::Result<T> {
    let asking = async {
        let mut attempt = 1;
        loop {
            let in_vain = match timeout(ATTEMPT, ask()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) if failure.is_lasting() => {
                    return Err(io::Error::other(failure.error));
                }
                Ok(Err(failure)) => io::Error::other(failure.error),
                Err(_) => silence(),
            };
            if attempt == ATTEMPTS {
                return Err(in_vain);
            }
            tracing::debug!(attempt, error = %in_vain, "the storage is asked again");
            sleep(pause(attempt)).await;
            attempt += 1;
        }
    };
    timeout(patience, asking)
        .await
        .unwrap_or_else(|_| Err(silence()))
}

/// What a request that was not answered comes to.
pub(super) fn silence() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

/// Between half and the whole of the doubled pause, so that many who failed together do not come again together.
fn pause(attempt: u32) -> Duration {
    let whole = PAUSE * 2_u32.pow(attempt - 1);
    let [chance] = random::<1>();
    whole / 2 + whole / 2 * u32::from(chance) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_asked_again() {
        let lasting = |status| {
            let error = "refused".into();
            Failure { status, error }.is_lasting()
        };
        for status in [400, 401, 403, 404, 412] {
            assert!(lasting(Some(status)), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(!lasting(Some(status)), "{status}");
        }
        assert!(!lasting(None));
    }

    #[test]
    fn a_pause_doubles_and_varies() {
        for attempt in 1..ATTEMPTS {
            let whole = PAUSE * 2_u32.pow(attempt - 1);
            assert!((whole / 2..=whole).contains(&pause(attempt)));
        }
    }
}
