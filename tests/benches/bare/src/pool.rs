//! The least that can be called a pool: nothing is tested, nothing is given up. A failure stays where it is.

use sqlx::{ConnectOptions as _, MySqlConnection, mysql::MySqlConnectOptions};
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// As many as `tests/bench` gives the product.
const CONNECTIONS: usize = 10;

pub(crate) struct Pool {
    free: Mutex<Vec<MySqlConnection>>,
    permits: Semaphore,
}

pub(crate) struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<MySqlConnection>,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        let options: MySqlConnectOptions = url.parse()?;
        let mut free = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            free.push(options.connect().await?);
        }
        Ok(Self {
            free: Mutex::new(free),
            permits: Semaphore::new(CONNECTIONS),
        })
    }

    pub(crate) async fn lend(&self) -> Lent<'_> {
        let permit = self.permits.acquire().await;
        Lent {
            _permit: permit.expect("nobody closes the semaphore"),
            connection: self.free().pop(),
            pool: self,
        }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<MySqlConnection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent<'_> {
    pub(crate) fn connection(&mut self) -> &mut MySqlConnection {
        let connection = self.connection.as_mut();
        connection.expect("there is one for each permit")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.pool.free().extend(self.connection.take());
    }
}
