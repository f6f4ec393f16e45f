//! The places for connections: so many, and when all are taken, whoever has been without a request for longest makes room.
//! Connections that only stand there keep nobody out, however many there are.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// How many make room at once: looking for them costs a look at all.
const AT_ONCE: usize = 64;
/// How long they may take to leave before others are asked as well.
const LEAVING: Duration = Duration::from_millis(100);

/// How many places there may be, at most `wanted`. A connection takes two descriptors at most, and two servers may run in
/// one process; a part is left for files and the database.
pub(super) fn most(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let lifted = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Systems begin with a low limit for old programs' sake, and let each program lift it.
    let current = match setrlimit(Resource::Nofile, lifted) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let open = current.map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    });
    wanted.min(open / 5).max(AT_ONCE)
}

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    count: usize,
    free: Arc<Semaphore>,
    guests: Guests,
    opened: Instant,
}

type Guests = Arc<Mutex<HashMap<u64, Arc<Rest>>>>;

/// Whether a connection rests, and since when.
#[derive(Debug, Default)]
struct Rest {
    /// How many of its requests are under way.
    requests: AtomicUsize,
    /// Whether there ever was one.
    greeted: AtomicBool,
    /// When it came, or its last request ended: microseconds since the places were opened.
    since: AtomicU64,
    leave: Notify,
}

/// A connection's place; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    id: u64,
    rest: Arc<Rest>,
    guests: Guests,
    opened: Instant,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            free: Arc::new(Semaphore::new(count)),
            guests: Arc::default(),
            opened: Instant::now(),
        }
    }

    /// A place, once there is one.
    pub(super) async fn take(&self) -> Place {
        loop {
            let free = Arc::clone(&self.free);
            let permit = match free.try_acquire_owned() {
                Ok(permit) => permit,
                Err(_) => {
                    self.make_room();
                    let waiting = Arc::clone(&self.free).acquire_owned();
                    match timeout(LEAVING, waiting).await {
                        Ok(permit) => permit.expect("nobody closes the semaphore"),
                        Err(_) => continue,
                    }
                }
            };
            return self.seat(permit);
        }
    }

    /// Waits until all are free.
    pub(super) async fn all_free(&self) {
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        let _ = self.free.acquire_many(all).await;
    }

    fn seat(&self, permit: OwnedSemaphorePermit) -> Place {
        let since = micros(self.opened);
        let rest = Arc::new(Rest {
            since: AtomicU64::new(since),
            ..Rest::default()
        });
        let mut guests = locked(&self.guests);
        let mut id = since;
        while guests.contains_key(&id) {
            id += 1;
        }
        guests.insert(id, Arc::clone(&rest));
        Place {
            _permit: permit,
            id,
            rest,
            guests: Arc::clone(&self.guests),
            opened: self.opened,
        }
    }

    /// Asks those to leave who have rested for longest.
    pub(super) fn make_room(&self) {
        let guests = locked(&self.guests);
        let resting = guests
            .values()
            .filter(|rest| rest.requests.load(Ordering::Acquire) == 0);
        let mut resting: Vec<_> = resting
            .map(|rest| (rest.since.load(Ordering::Relaxed), rest))
            .collect();
        let most = resting.len().min(AT_ONCE);
        if most == 0 {
            return;
        }
        resting.select_nth_unstable_by_key(most - 1, |(since, _)| *since);
        for (_, rest) in &resting[..most] {
            rest.leave.notify_one();
        }
    }
}

impl Place {
    /// Counts a request that is under way until what is given is dropped.
    pub(super) fn request(&self) -> UnderWay {
        self.rest.requests.fetch_add(1, Ordering::AcqRel);
        self.rest.greeted.store(true, Ordering::Release);
        UnderWay {
            rest: Arc::clone(&self.rest),
            opened: self.opened,
        }
    }

    /// Ends when no request came for so long after it was taken; never when one did.
    pub(super) async fn silent(&self, most: Duration) {
        sleep(most).await;
        if self.rest.greeted.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
    }

    /// Ends when it has rested for so long.
    pub(super) async fn idle(&self, most: Duration) {
        loop {
            let rested = match self.rest.requests.load(Ordering::Acquire) {
                0 => {
                    let since = self.rest.since.load(Ordering::Relaxed);
                    Duration::from_micros(micros(self.opened).saturating_sub(since))
                }
                _ => Duration::ZERO,
            };
            match most.checked_sub(rested) {
                None | Some(Duration::ZERO) => return,
                Some(left) => sleep(left).await,
            }
        }
    }

    /// Ends when it is to make room, and rests.
    pub(super) async fn asked_to_leave(&self) {
        loop {
            self.rest.leave.notified().await;
            if self.rest.requests.load(Ordering::Acquire) == 0 {
                return;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.guests).remove(&self.id);
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    rest: Arc<Rest>,
    opened: Instant,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.rest
            .since
            .store(micros(self.opened), Ordering::Relaxed);
        self.rest.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

fn micros(opened: Instant) -> u64 {
    u64::try_from(opened.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_rests_longest_makes_room_and_who_works_does_not() {
        let places = Places::new(2);
        let (first, second) = (places.take().await, places.take().await);
        let request = first.request();
        let (third, ()) = tokio::join!(places.take(), async {
            second.asked_to_leave().await;
            drop(second);
        });
        drop(request);
        let third_request = third.request();
        let (_fourth, ()) = tokio::join!(places.take(), async {
            first.asked_to_leave().await;
            drop(first);
        });
        drop((third, third_request));
    }

    #[tokio::test]
    async fn where_everybody_works_one_waits() {
        let places = Places::new(1);
        let only = places.take().await;
        let request = only.request();
        assert!(timeout(LEAVING * 3, places.take()).await.is_err());
        drop((request, only));
        places.take().await;
        places.all_free().await;
    }
}
