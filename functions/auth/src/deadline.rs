//! When a failure is answered: not when it is found out, so that nobody can tell why from how long it took.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Failures are answered at the first multiple of this since the request was read: several times what a hash takes.
const STEP: Duration = Duration::from_millis(250);

/// Begins when a request has been read.
#[derive(Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Waits until a failure may be answered. No thread and no connection of the database is held meanwhile.
    pub(crate) async fn reached(self) {
        let steps = self.0.elapsed().as_millis() / STEP.as_millis() + 1;
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        sleep_until(self.0 + STEP * steps).await;
    }
}
