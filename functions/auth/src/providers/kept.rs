//! Something that a provider publishes, kept as long as it says: asked for by one at a time, and used on when the
//! provider does not answer.

use axum::http::{HeaderMap, header};
use shared::time::Timestamp;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long it is kept when the answer does not say.
const UNSAID: Duration = Duration::from_secs(5 * 60);
/// It is kept no shorter, whatever the answer says.
const SHORTEST: Duration = Duration::from_secs(60);
/// And no longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// For so long after that it is used when there is nothing newer to be had.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long nobody asks again after asking in vain, or for the sake of something that was not in it.
const PAUSE: Duration = Duration::from_secs(60);

/// A value, and when it has to be asked for again.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    state: Mutex<State<T>>,
    /// Held by whoever asks the provider.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State<T> {
    value: Option<(Arc<T>, Timestamp)>,
    asked: Option<Timestamp>,
    asked_for_newer: Option<Timestamp>,
    answers: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let state = State {
            value: None,
            asked: None,
            asked_for_newer: None,
            answers: 0,
        };
        Self {
            state: Mutex::new(state),
            flight: tokio::sync::Mutex::new(()),
        }
    }
}

impl<T> Kept<T> {
    /// The value; `ask` is run only when it has to be, and gives a value and how long to keep it.
    pub(crate) async fn get(
        &self,
        now: Timestamp,
        ask: impl Future<Output = io::Result<(T, Duration)>>,
    ) -> io::Result<Arc<T>> {
        let answers = {
            let state = self.state();
            if let Some(value) = state.good(now) {
                return Ok(value);
            }
            state.answers
        };
        let _flight = self.flight.lock().await;
        if self.state().answers != answers {
            // Whoever held it has just asked: nobody waits for a silent provider twice.
            let usable = self.state().usable(now);
            return usable.ok_or_else(|| io::Error::other("somebody else has just asked in vain"));
        }
        self.ask(now, ask).await
    }

    /// A newer value than `than`, if there is one to be had: asked for at most once a minute.
    pub(crate) async fn newer(
        &self,
        than: &Arc<T>,
        now: Timestamp,
        ask: impl Future<Output = io::Result<(T, Duration)>>,
    ) -> io::Result<Arc<T>> {
        let _flight = self.flight.lock().await;
        {
            let mut state = self.state();
            let current = state.usable(now).unwrap_or_else(|| Arc::clone(than));
            let recently = |asked| now.since(asked) < PAUSE;
            if !Arc::ptr_eq(&current, than) || state.asked_for_newer.is_some_and(recently) {
                return Ok(current);
            }
            state.asked_for_newer = Some(now);
        }
        self.ask(now, ask).await
    }

    async fn ask(
        &self,
        now: Timestamp,
        ask: impl Future<Output = io::Result<(T, Duration)>>,
    ) -> io::Result<Arc<T>> {
        // Noted first: meanwhile the others go on with what there is.
        self.state().asked = Some(now);
        let answer = ask.await;
        let mut state = self.state();
        state.answers += 1;
        match answer {
            Ok((value, keep)) => {
                let value = Arc::new(value);
                state.value = Some((Arc::clone(&value), now.plus(keep)));
                Ok(value)
            }
            Err(error) => {
                let usable = state.usable(now).ok_or_else(|| {
                    io::Error::new(error.kind(), format!("nothing is kept, and {error}"))
                })?;
                tracing::warn!(%error, "a provider does not answer; what it published before is used on");
                Ok(usable)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// What need not be asked for: it is fresh, or somebody has just asked.
    fn good(&self, now: Timestamp) -> Option<Arc<T>> {
        let (_, fresh_until) = self.value.as_ref()?;
        let recently = |asked| now.since(asked) < PAUSE;
        let good = now < *fresh_until || self.asked.is_some_and(recently);
        self.usable(now).filter(|_| good)
    }

    fn usable(&self, now: Timestamp) -> Option<Arc<T>> {
        let (value, fresh_until) = self.value.as_ref()?;
        (now.since(*fresh_until) < STALE).then(|| Arc::clone(value))
    }
}

/// How long an answer may be kept by its `Cache-Control` (RFC 9111, section 5.2.2), within our bounds.
pub(crate) fn lifetime(headers: &HeaderMap) -> Duration {
    let value = headers.get(header::CACHE_CONTROL);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut said = UNSAID;
    for directive in value
        .split(',')
        .map(|part| part.trim().to_ascii_lowercase())
    {
        match directive.split_once('=') {
            Some(("max-age", seconds)) => {
                said = seconds
                    .trim_matches('"')
                    .parse()
                    .map_or(said, Duration::from_secs);
            }
            None if directive == "no-store" || directive == "no-cache" => return SHORTEST,
            _ => {}
        }
    }
    said.clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use std::sync::atomic::{AtomicU32, Ordering};

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);
    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn an_answer_is_kept_as_long_as_it_says_within_bounds() {
        let kept = |value: &'static str| {
            let headers = [(header::CACHE_CONTROL, HeaderValue::from_static(value))];
            lifetime(&HeaderMap::from_iter(headers)).as_secs()
        };
        assert_eq!(kept("public, max-age=3600, must-revalidate"), 3_600);
        assert_eq!(kept("Max-Age=\"600\""), 600);
        assert_eq!((kept("max-age=0"), kept("max-age=999999999")), (60, 86_400));
        assert_eq!((kept("max-age=600, no-store"), kept("no-cache")), (60, 60));
        assert_eq!((kept("max-age=soon"), kept("public")), (300, 300));
        assert_eq!(lifetime(&HeaderMap::new()).as_secs(), 300);
    }

    #[tokio::test]
    async fn a_value_is_asked_for_once_and_used_on_when_there_is_no_newer() -> io::Result<()> {
        let kept = Kept::default();
        let asked = AtomicU32::new(0);
        let ask = async |answer: io::Result<u32>| {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            answer.map(|value| (value, HOUR))
        };
        let broken = || Err(io::Error::other("broken"));
        assert!(kept.get(NOW, ask(broken())).await.is_err());
        // Many at once ask once, whether the answer is good or not.
        let both = tokio::join!(kept.get(NOW, ask(broken())), kept.get(NOW, ask(Ok(9))));
        assert!(both.0.is_err() && both.1.is_err());
        let both = tokio::join!(kept.get(NOW, ask(Ok(1))), kept.get(NOW, ask(Ok(2))));
        assert_eq!((*both.0?, *both.1?), (1, 1));
        assert_eq!(*kept.get(after(3_599), ask(Ok(3))).await?, 1);
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        // Stale: one asks in vain, the others do not for a minute.
        assert_eq!(*kept.get(after(3_600), ask(broken())).await?, 1);
        assert_eq!(*kept.get(after(3_659), ask(Ok(4))).await?, 1);
        assert_eq!(asked.load(Ordering::Relaxed), 4);
        assert_eq!(*kept.get(after(3_660), ask(Ok(5))).await?, 5);
        // Not for ever.
        assert!(kept.get(after(200_000), ask(broken())).await.is_err());
        Ok(())
    }

    #[tokio::test]
    async fn what_was_not_in_it_makes_nobody_ask_twice_a_minute() -> io::Result<()> {
        let kept = Kept::default();
        let asked = AtomicU32::new(0);
        let ask = async |value: u32| {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok((value, HOUR))
        };
        let first = kept.get(NOW, ask(1)).await?;
        let second = kept.newer(&first, after(1), ask(2)).await?;
        assert_eq!(*second, 2);
        for second_later in 1..60 {
            let none = kept.newer(&second, after(second_later), ask(3)).await?;
            assert!(Arc::ptr_eq(&none, &second));
        }
        // Who still has the first needs nobody to be asked.
        assert_eq!(*kept.newer(&first, after(2), ask(4)).await?, 2);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        assert_eq!(*kept.newer(&second, after(61), ask(5)).await?, 5);
        Ok(())
    }
}
