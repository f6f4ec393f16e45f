//! Requests that may be sent again: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
//!
//! A key is claimed before the work and finished in the work's own transaction, so that it is done once, whoever dies
//! when. What is kept says which records were made, nothing about anybody: an answer that is given again is made anew
//! from the records' history. docs/decisions/0007-idempotency.md says why.

mod row;

use crate::{
    body::{self, FromFields},
    db::{Db, Tx},
    error::{ApiError, ApiResult},
    id::{OperationId, UserId},
    on_read, on_write,
    privacy::PrivacyKey,
    time::Timestamp,
};
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderName},
};
use ring::digest::{Digest, SHA256, digest};
use row::Row;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tracing::Instrument as _;

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a request may be under way before another with its key takes over: longer than any request may take. When
/// clocks are further apart than that, the one that was overtaken is told so, and only one of them is done.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// The header with the key.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A request's body, and the key under which it may be sent again.
#[derive(Debug)]
pub struct Repeatable<T> {
    /// The body.
    pub body: T,
    /// The key, when the client sent one.
    pub key: Option<Key>,
}

/// What a request is known by.
#[derive(Debug, Clone)]
pub struct Key {
    /// Method and path.
    route: String,
    name: String,
    /// SHA-256 of the body.
    fingerprint: Digest,
}

impl<S: Send + Sync, T: FromFields> FromRequest<S> for Repeatable<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> ApiResult<Self> {
        let name = key_name(request.headers())?;
        let route = format!("{} {}", request.method(), request.uri().path());
        let bytes = body::read_json::<T>(request).await?;
        let key = name.map(|name| Key {
            route,
            name,
            fingerprint: digest(&SHA256, &bytes),
        });
        let body = body::parse(&bytes)?;
        Ok(Self { body, key })
    }
}

fn key_name(headers: &HeaderMap) -> ApiResult<Option<String>> {
    const WRONG: ApiError =
        ApiError::MalformedHeader("an Idempotency-Key is one of 1 to 255 visible ASCII characters");
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(name) if visible && (1..=255).contains(&name.len()) && values.next().is_none() => {
            Ok(Some(name.to_owned()))
        }
        _ => Err(WRONG),
    }
}

/// What came of claiming a key.
#[derive(Debug)]
pub enum Claimed {
    /// The work is to be done; without a key there is nothing to claim.
    Now(Option<Claim>),
    /// The work was done, with this result.
    Before(String),
}

/// The right to do the work of a key, and the duty to say that it is done. Gives the key back when it is dropped
/// before [`released`] has seen what became of the work.
#[derive(Debug)]
pub struct Claim {
    row: Row,
    /// That it is to be given back.
    held: AtomicBool,
}

/// Claims a key for its user, if there is one.
///
/// # Errors
/// 422 when the key came with another request; 409 while a request with it is under way.
pub async fn claim(
    db: &Db,
    privacy: &PrivacyKey,
    user: UserId,
    key: Option<Key>,
    now: Timestamp,
) -> ApiResult<Claimed> {
    let Some(key) = key else {
        return Ok(Claimed::Now(None));
    };
    let row = Row {
        db: db.clone(),
        user,
        route: key.route,
        name: privacy.hash(key.name.as_bytes()),
        fingerprint: privacy.hash(key.fingerprint.as_ref()),
        claim: OperationId::generate(),
    };
    let held = AtomicBool::new(true);
    let claim = Claim { row, held };
    // On its own: what was sent to the database may happen after whoever waited has hung up, and can only be given
    // back after that.
    let obtaining = async move {
        let before = claim.row.obtain(now).await;
        (before, claim)
    };
    let (before, claim) = tokio::spawn(obtaining.in_current_span())
        .await
        .map_err(anyhow::Error::from)?;
    match before {
        Ok(None) => Ok(Claimed::Now(Some(claim))),
        Ok(Some(result)) => {
            claim.let_go();
            Ok(Claimed::Before(result))
        }
        Err(error) => {
            // Somebody else has the key; only of a database that failed is it unknown.
            if !matches!(error, ApiError::Database(_)) {
                claim.let_go();
            }
            Err(error)
        }
    }
}

/// Does the work of a claim; when it fails, gives the key back.
///
/// # Errors
/// Those of the work; 409 when it failed because another request took the key over and did it.
pub async fn released<T>(
    claim: Option<&Claim>,
    work: impl Future<Output = ApiResult<T>>,
) -> ApiResult<T> {
    let done = work.await;
    let Some(claim) = claim else {
        return done;
    };
    let ours = done.is_ok() || claim.row.release().await;
    claim.let_go();
    match done {
        // What a database that failed did of it is unknown: it may be that our own commit happened.
        Err(error) if !ours && !matches!(error, ApiError::Database(_)) => {
            Err(ApiError::IdempotencyKeyInUse)
        }
        done => done,
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if *self.held.get_mut() {
            let row = self.row.clone();
            tokio::spawn(async move { row.release().await });
        }
    }
}

impl Claim {
    /// Says in the work's transaction that it is done. False when another request took over: the work must not happen.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn finish(&self, tx: &mut Tx, result: &str) -> sqlx::Result<bool> {
        self.row.finish(tx, result).await
    }

    /// Says that there is nothing to give back.
    fn let_go(&self) {
        self.held.store(false, Ordering::Relaxed);
    }
}

/// Forgets keys that are not remembered any more. Gives how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(db: &Db, now: Timestamp, dry: bool) -> sqlx::Result<u64> {
    const COUNT: &str = "SELECT COUNT(*) FROM idempotency_keys WHERE claimed_at < ?";
    const END: &str = "SELECT claimed_at FROM idempotency_keys WHERE claimed_at < ? ORDER BY claimed_at LIMIT 1 OFFSET 1000";
    const DELETE: &str = "DELETE FROM idempotency_keys WHERE claimed_at < ?";
    let before = now.minus(REMEMBERED);
    if dry {
        let (count,): (i64,) =
            on_read!(db, pool => sqlx::query_as(COUNT).bind(before).fetch_one(pool).await)?;
        return Ok(count.unsigned_abs());
    }
    let mut forgotten = 0;
    loop {
        let end: Option<(Timestamp,)> =
            on_read!(db, pool => sqlx::query_as(END).bind(before).fetch_optional(pool).await)?;
        // A thousand at a time, and those of the same microsecond with them.
        let until = end.map_or(before, |(end,)| end.plus(Duration::from_micros(1)));
        forgotten += on_write!(db, pool => sqlx::query(DELETE).bind(until).execute(pool).await
            .map(|done| done.rows_affected()))?;
        if end.is_none() {
            return Ok(forgotten);
        }
    }
}
