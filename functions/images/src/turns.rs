//! Nobody has more than two uploads under way, however many there is memory for: whoever sends slowly, or a lot, holds up
//! no one else.

use shared::{
    error::{ApiError, ApiResult},
    id::UserId,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How many uploads of one user are under way at once: less than half of those that there is memory for, if all are of
/// the largest size.
const AT_ONCE: usize = 2;
/// How long to wait for one's turn. Nothing is held meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whose uploads are under way. A clone is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<UserId, Weak<Semaphore>>>>);

/// A user's turn, over when dropped.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

impl Turns {
    /// Waits until an earlier upload of the user is done.
    ///
    /// # Errors
    /// 503 when none is done in time.
    pub(crate) async fn take(&self, user: UserId) -> ApiResult<Turn> {
        match timeout(PATIENCE, self.of(user).acquire_owned()).await {
            Ok(permit) => Ok(Turn(permit.expect("nobody closes the semaphore"))),
            Err(_) => Err(ApiError::Unavailable(
                "other pictures of yours are still being uploaded",
            )),
        }
    }

    fn of(&self, user: UserId) -> Arc<Semaphore> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, turns| turns.strong_count() > 0);
        let known = all.get(&user).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let turns = Arc::new(Semaphore::new(AT_ONCE));
            all.insert(user, Arc::downgrade(&turns));
            turns
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_third_upload_of_a_user_waits_and_another_user_s_does_not() {
        let turns = Turns::default();
        let [ada, bob] = [1, 2].map(|id| UserId::try_from(id).expect("an id"));
        let first = turns.take(ada).await.expect("free");
        let _second = turns.take(ada).await.expect("free");
        let soon = Duration::from_millis(20);
        assert!(timeout(soon, turns.take(ada)).await.is_err());
        assert!(turns.take(bob).await.is_ok());
        drop(first);
        assert!(turns.take(ada).await.is_ok());
        assert_eq!(turns.0.lock().expect("whole").len(), 1);
    }
}
