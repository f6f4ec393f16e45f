//! Connections that are kept open and lent, one to a piece of work.
//!
//! sqlx's own pool asks the database whether a connection is well each time that it comes back, in a task that runs after
//! the answer (docs/decisions/0016-what-a-request-costs.md). Here a connection is asked only when it has lain idle, and whatever
//! may have gone wrong with one closes it.

use super::refusal::{is_contention, is_unavailable};
use sqlx::{ConnectOptions as _, Connection};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a request waits for a free connection before it answers 503. A server that is away is noticed earlier.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a connection that lay idle may take to say that it is well.
const TEST: Duration = Duration::from_millis(500);

/// How long connections are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeping {
    /// A connection may lie idle so long and still be used untested: servers and what is between hang up unseen.
    pub(super) untested: Duration,
    /// One that was not needed for so long is closed.
    pub(super) idle: Duration,
    /// One that is so old is closed; some up to a quarter earlier, so that not all go at once.
    pub(super) life: Duration,
}

impl Keeping {
    /// For a server.
    pub(super) const SERVER: Self = Self {
        untested: Duration::from_secs(10),
        idle: Duration::from_secs(10 * 60),
        life: Duration::from_secs(30 * 60),
    };
    /// For a file, which hangs nobody up.
    #[cfg(feature = "sqlite")]
    pub(super) const FILE: Self = Self {
        untested: Duration::MAX,
        idle: Duration::MAX,
        life: Duration::MAX,
    };
}

/// Connections to one database, of which the one that came back last is lent first. A clone shares them.
pub struct Pool<C: Connection>(Arc<Inner<C>>);

struct Inner<C: Connection> {
    options: C::Options,
    keeping: Keeping,
    max: u32,
    places: Arc<Semaphore>,
    /// Whoever is further down has lain idle for longer.
    idle: Mutex<Vec<Kept<C>>>,
}

/// A connection with what is known of it.
struct Kept<C> {
    connection: C,
    opened: Instant,
    /// How old it may become.
    life: Duration,
    /// Since when nobody has used it.
    since: Instant,
    /// Whether another one broke since then.
    doubted: bool,
}

impl<C: Connection> Pool<C> {
    /// No connection is made until one is needed, and never more than `max`.
    pub(super) fn new(options: C::Options, max: u32, keeping: Keeping) -> Self {
        Self(Arc::new(Inner {
            options,
            keeping,
            max,
            places: Arc::new(Semaphore::new(usize::try_from(max).unwrap_or(usize::MAX))),
            idle: Mutex::default(),
        }))
    }

    /// A connection for one piece of work.
    ///
    /// # Errors
    /// When none is to be had.
    pub async fn lend(&self) -> sqlx::Result<Lent<C>> {
        self.lend_unless(|_| false).await
    }

    /// The same, of which `doubtful` does not say by its age that it may be broken.
    ///
    /// # Errors
    /// When none is to be had.
    pub(super) async fn lend_unless(
        &self,
        doubtful: impl Fn(Duration) -> bool,
    ) -> sqlx::Result<Lent<C>> {
        let lending = timeout(PATIENCE, async {
            let place = Arc::clone(&self.0.places).acquire_owned().await;
            let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
            let kept = match self.take(doubtful).await {
                Some(kept) => kept,
                None => self.open().await?,
            };
            Ok(Lent {
                kept: Some(kept),
                settled: true,
                pool: self.clone(),
                _place: place,
            })
        });
        lending.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// One that lies idle and is well.
    async fn take(&self, doubtful: impl Fn(Duration) -> bool) -> Option<Kept<C>> {
        loop {
            let mut kept = self.idle().pop()?;
            let age = kept.opened.elapsed();
            if age > kept.life || doubtful(age) {
                continue;
            }
            if !kept.doubted && kept.since.elapsed() <= self.0.keeping.untested {
                return Some(kept);
            }
            if matches!(timeout(TEST, kept.connection.ping()).await, Ok(Ok(()))) {
                return Some(kept);
            }
            // Those beneath it have lain idle for longer, and have met what it has met.
            let as_bad = std::mem::take(&mut *self.idle());
            drop(as_bad);
        }
    }

    async fn open(&self) -> sqlx::Result<Kept<C>> {
        let connection = self.0.options.connect().await?;
        let [chance] = crate::id::random();
        let life = self.0.keeping.life;
        Ok(Kept {
            connection,
            opened: Instant::now(),
            life: life - life / 4 / 256 * u32::from(chance),
            since: Instant::now(),
            doubted: false,
        })
    }

    fn keep(&self, mut kept: Kept<C>) {
        kept.since = Instant::now();
        kept.doubted = false;
        let mut idle = self.idle();
        if self.0.places.is_closed() {
            return;
        }
        idle.push(kept);
        let unneeded = match idle.first() {
            Some(first) if first.since.elapsed() > self.0.keeping.idle => Some(idle.remove(0)),
            _ => None,
        };
        drop(idle);
        drop(unneeded);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Kept<C>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections lie idle.
    pub(super) fn count_idle(&self) -> usize {
        self.idle().len()
    }

    /// How many connections are used, or being made.
    pub(super) fn count_used(&self) -> usize {
        let all = usize::try_from(self.0.max).unwrap_or(usize::MAX);
        all.saturating_sub(self.0.places.available_permits())
    }

    /// How many connections there may be at once.
    pub(super) fn max(&self) -> u32 {
        self.0.max
    }

    /// Closes every connection, waiting for those in use. Whoever wants one from now on is told that it is closed.
    pub(super) async fn close(&self) {
        // An error says that it is closed already.
        let everybody = self.0.places.acquire_many(self.0.max).await;
        self.0.places.close();
        drop(everybody);
        let idle = std::mem::take(&mut *self.idle());
        for kept in idle {
            // A server that does not hear it finds out by itself.
            let _ = kept.connection.close().await;
        }
    }
}

// By hand: `derive` would want `C: Clone` and `C: Debug`.
impl<C: Connection> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Connection> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("max", &self.0.max)
            .finish_non_exhaustive()
    }
}

/// A connection on loan. One whose work was given up half-way or broke is closed: what it still brings belongs to nobody,
/// and it may have fallen silent.
pub struct Lent<C: Connection> {
    /// There until it is dropped.
    kept: Option<Kept<C>>,
    settled: bool,
    pool: Pool<C>,
    _place: OwnedSemaphorePermit,
}

impl<C: Connection> Lent<C> {
    /// The connection, to work with until [`Lent::settle`].
    ///
    /// # Panics
    /// Never: it is taken when this is dropped.
    pub fn connection(&mut self) -> &mut C {
        self.settled = false;
        let kept = self.kept.as_mut();
        &mut kept
            .expect("a loan has its connection until it is dropped")
            .connection
    }

    /// Says that the work is done, and how. What the database itself refused leaves the connection well.
    pub fn settle<T>(&mut self, done: &sqlx::Result<T>) {
        self.settled = match done {
            Ok(_) => true,
            Err(error) => !is_unavailable(error) || is_contention(error),
        };
    }

    /// Whether its work is done and it is well.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }
}

impl<C: Connection> Drop for Lent<C> {
    fn drop(&mut self) {
        match self.kept.take() {
            Some(kept) if self.settled => self.pool.keep(kept),
            broken => {
                // What has broken one may have broken all.
                self.pool
                    .idle()
                    .iter_mut()
                    .for_each(|kept| kept.doubted = true);
                drop(broken);
            }
        }
    }
}

impl<C: Connection> fmt::Debug for Lent<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent")
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
