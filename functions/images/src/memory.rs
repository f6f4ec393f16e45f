//! What uploads and pictures in the making may hold together, so that a hundred at once stay inside an instance of
//! 512 MiB.
//!
//! | MiB | for |
//! |---|---|
//! | 336 | large pictures being made: what the decoder says it needs; no picture gets more than all of it |
//! | 32 | small pictures being made, which so never wait behind large ones |
//! | 56 | large uploads, from the first byte until their picture is made |
//! | 16 | small uploads |
//! | 72 | everything else: the program, connections, pictures being shown, what the allocator keeps |
//!
//! `tests/bench-uploads` shows it.

use crate::turns::Turns;
use shared::error::{ApiError, ApiResult};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

const MIB: u64 = 1024 * 1024;
/// For large pictures being made, in bytes.
const LARGE: u64 = 336 * MIB;

/// All memory that is set aside. A clone shares it.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// For what is uploaded.
    pub(crate) uploads: Lanes,
    /// For what making pictures takes.
    pub(crate) pictures: Lanes,
    /// Whoever uploads.
    pub(crate) turns: Turns,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            uploads: Lanes {
                small_up_to: MIB,
                small: lane(16 * MIB),
                large: lane(56 * MIB),
                largest: 56 * MIB,
                patience: Duration::from_secs(3),
                refusal: "too many pictures are being uploaded",
            },
            pictures: Lanes {
                small_up_to: 16 * MIB,
                small: lane(32 * MIB),
                large: lane(LARGE),
                largest: LARGE,
                patience: Duration::from_secs(10),
                refusal: "too many pictures are being worked on",
            },
            turns: Turns::default(),
        }
    }
}

fn lane(bytes: u64) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(kib(bytes) as usize))
}

/// Memory in two lanes, in each of which whoever comes first is served first.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    /// What takes more bytes than these is large.
    small_up_to: u64,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    /// All that the lane of the large has, in bytes.
    largest: u64,
    /// How long to wait for a share.
    patience: Duration,
    refusal: &'static str,
}

impl Lanes {
    /// The most bytes that one share can be.
    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }

    /// Sets so many bytes aside, at most [`Lanes::largest`], once they are free.
    ///
    /// # Errors
    /// 503 when they are not free in time.
    pub(crate) async fn take(&self, bytes: u64) -> ApiResult<Share> {
        let lane = match bytes <= self.small_up_to {
            true => &self.small,
            false => &self.large,
        };
        let waiting = Arc::clone(lane).acquire_many_owned(kib(bytes));
        match timeout(self.patience, waiting).await {
            Ok(permit) => Ok(Share(permit.expect("nobody closes the semaphore"))),
            Err(_) => Err(ApiError::Unavailable(self.refusal)),
        }
    }
}

/// Memory set aside, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share(OwnedSemaphorePermit);

impl Share {
    /// Keeps so many bytes, and gives back the rest.
    pub(crate) fn shrink(&mut self, bytes: u64) {
        let rest = self.0.num_permits().saturating_sub(kib(bytes) as usize);
        drop(self.0.split(rest));
    }
}

/// Permits are of 1 KiB.
fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes() -> Lanes {
        Lanes {
            patience: Duration::from_millis(20),
            ..Memory::new().pictures
        }
    }

    #[tokio::test]
    async fn the_small_do_not_wait_for_the_large_and_nobody_waits_for_ever() {
        let memory = lanes();
        let whole = memory.take(memory.largest()).await.expect("free");
        let large = memory.take(17 * MIB).await;
        assert!(matches!(large, Err(ApiError::Unavailable(_))));
        assert!(memory.take(16 * MIB).await.is_ok());
        drop(whole);
        assert!(memory.take(17 * MIB).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_kept_of_a_share_is_still_set_aside() {
        let memory = lanes();
        let mut kept = memory.take(LARGE).await.expect("free");
        kept.shrink(2 * MIB);
        kept.shrink(3 * MIB);
        assert!(memory.take(LARGE - 2 * MIB + 1).await.is_err());
        assert!(memory.take(LARGE - 2 * MIB).await.is_ok());
        drop(kept);
        assert!(memory.take(LARGE).await.is_ok());
    }
}
