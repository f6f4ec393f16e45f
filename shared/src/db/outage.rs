//! Noticing that the server is away, so that requests are answered at once instead of queueing for a connection.
//!
//! A piece of work that waits for long lets the server be looked at, and when it is away everybody who waits is told.

use sqlx::{ConnectOptions as _, Connection as _, mysql::MySqlConnectOptions};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// How long work waits before the server is looked at.
const SUSPICION: Duration = Duration::from_millis(100);
/// How long a look at the server may take, and how often the server is looked at while work waits.
const LOOK: Duration = Duration::from_millis(750);
/// How long one piece of work may take, waiting for a connection included.
const LONGEST: Duration = Duration::from_secs(10);
/// For so long a server that was found away counts as away; after that the next request looks again.
const STALE: Duration = Duration::from_millis(500);

/// What was last found out about the server. A clone shares it.
#[derive(Clone, Debug)]
pub(super) struct Outage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: MySqlConnectOptions,
    looking: AtomicBool,
    found: watch::Sender<Found>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// Set while the server is away: when it was last found so.
    away: Option<Instant>,
    /// When it was last away.
    last: Option<Instant>,
}

impl Found {
    fn is_away(&self) -> bool {
        self.away.is_some_and(|at| at.elapsed() < STALE)
    }
}

impl Outage {
    pub(super) fn new(options: MySqlConnectOptions) -> Self {
        Self(Arc::new(Inner {
            options,
            looking: AtomicBool::new(false),
            found: watch::Sender::new(Found::default()),
        }))
    }

    /// Whether the server was away at some time within the last `age`.
    pub(super) fn happened_within(&self, age: Duration) -> bool {
        let last = self.0.found.borrow().last;
        last.is_some_and(|at| at.elapsed() <= age)
    }

    /// The work's result, or an error as soon as the server is found away, or when it takes too long.
    pub(super) async fn unless_away<T>(
        &self,
        work: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        if self.0.found.borrow().is_away() {
            return Err(away());
        }
        tokio::select! {
            biased;
            done = work => done,
            error = self.patience_ends() => Err(error),
        }
    }

    /// Ends when the server is found away, or when work takes too long. Work that is done soon sets one timer, no more.
    async fn patience_ends(&self) -> sqlx::Error {
        if self.0.found.borrow().away.is_none() {
            sleep(SUSPICION).await;
        }
        match timeout(LONGEST, self.noticed()).await {
            Ok(()) => away(),
            // A connection can fall silent while others are well: a failover leaves such.
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "the database is silent").into(),
        }
    }

    /// Ends when the server is found away.
    async fn noticed(&self) {
        let mut found = self.0.found.subscribe();
        loop {
            self.look();
            // An error of the channel cannot be: we hold its other end.
            if timeout(LOOK, found.wait_for(Found::is_away)).await.is_ok() {
                return;
            }
        }
    }

    /// Lets the server be looked at, unless that is being done already.
    fn look(&self) {
        if self.0.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let there = match timeout(LOOK, inner.options.connect()).await {
                Ok(Ok(connection)) => {
                    let _ = timeout(LOOK, connection.close()).await;
                    true
                }
                // It answers, if only that it does not want us.
                Ok(Err(error)) => error.as_database_error().is_some(),
                Err(_) => false,
            };
            inner.found.send_modify(|found| {
                let now = (!there).then(Instant::now);
                match (found.away, now) {
                    (None, Some(_)) => tracing::warn!("the database is away"),
                    (Some(_), None) => tracing::info!("the database is back"),
                    _ => {}
                }
                found.away = now;
                found.last = now.or(found.last);
            });
            inner.looking.store(false, Ordering::Release);
        });
    }
}

fn away() -> sqlx::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the database is away").into()
}
