//! Requests that may be sent again: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
//!
//! A key is claimed before the work and finished in the work's own transaction, so that it is done once, whoever dies
//! when. What is kept says which records were made, nothing about anybody: an answer that is given again is made anew
//! from the records' history. docs/decisions/0007-idempotency.md says why.

use crate::{
    body::{self, FromFields},
    db::{self, Db, Tx},
    error::{ApiError, ApiResult},
    id::{OperationId, UserId},
    on_read, on_tx, on_write,
    privacy::PrivacyKey,
    time::Timestamp,
};
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderName},
};
use ring::digest::{Digest, SHA256, digest};
use std::{
    mem,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tracing::Instrument as _;

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a request may be under way before another with its key takes over: longer than any request may take.
const UNDER_WAY: Duration = Duration::from_secs(60);
/// How often a claim is tried that others release or take meanwhile.
const ATTEMPTS: usize = 5;

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
    db: Db,
    user: UserId,
    route: String,
    /// Keyed hashes: a client's key, and a body that may be guessed, may be about somebody.
    name: String,
    fingerprint: String,
    id: OperationId,
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
    let claim = Claim {
        db: db.clone(),
        user,
        route: key.route,
        name: privacy.hash(key.name.as_bytes()),
        fingerprint: privacy.hash(key.fingerprint.as_ref()),
        id: OperationId::generate(),
        held: AtomicBool::new(true),
    };
    // On its own: what was sent to the database may happen after whoever waited has hung up, and can only be given
    // back after that.
    let obtaining = async move {
        let before = claim.obtain(now).await;
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
/// Those of the work.
pub async fn released<T>(
    claim: Option<&Claim>,
    work: impl Future<Output = ApiResult<T>>,
) -> ApiResult<T> {
    let done = work.await;
    if let Some(claim) = claim {
        if done.is_err() {
            claim.release().await;
        }
        claim.let_go();
    }
    done
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !*self.held.get_mut() {
            return;
        }
        let claim = Self {
            db: self.db.clone(),
            user: self.user,
            route: mem::take(&mut self.route),
            name: mem::take(&mut self.name),
            fingerprint: mem::take(&mut self.fingerprint),
            id: self.id.clone(),
            held: AtomicBool::new(false),
        };
        tokio::spawn(async move { claim.release().await });
    }
}

/// Who has a key.
#[derive(Debug, sqlx::FromRow)]
struct Held {
    fingerprint: String,
    claim_id: OperationId,
    claimed_at: Timestamp,
    result: Option<String>,
}

impl Claim {
    /// The result when the work was done before; `None` when it is to be done now.
    async fn obtain(&self, now: Timestamp) -> ApiResult<Option<String>> {
        for _ in 0..ATTEMPTS {
            match self.insert(now).await {
                Ok(()) => return Ok(None),
                Err(error) if db::is_taken(&error) || db::is_contention(&error) => {}
                Err(error) => return Err(error.into()),
            }
            let Some(held) = self.holder().await? else {
                continue;
            };
            let age = now.since(held.claimed_at);
            let forgotten = age >= REMEMBERED;
            if !forgotten && held.fingerprint != self.fingerprint {
                return Err(ApiError::IdempotencyKeyReused);
            }
            if forgotten || (held.result.is_none() && age >= UNDER_WAY) {
                if self.take_over(&held, now).await? {
                    return Ok(None);
                }
                continue;
            }
            return match held.result {
                Some(result) => Ok(Some(result)),
                None => Err(ApiError::IdempotencyKeyInUse),
            };
        }
        Err(ApiError::IdempotencyKeyInUse)
    }

    async fn insert(&self, now: Timestamp) -> sqlx::Result<()> {
        const SQL: &str = "INSERT INTO idempotency_keys \
            (user_id, route, name, fingerprint, claim_id, claimed_at) VALUES (?, ?, ?, ?, ?, ?)";
        on_write!(&self.db, pool => sqlx::query(SQL)
            .bind(self.user).bind(&self.route).bind(&self.name).bind(&self.fingerprint)
            .bind(&self.id).bind(now).execute(pool).await.map(drop))
    }

    async fn holder(&self) -> sqlx::Result<Option<Held>> {
        const SQL: &str = "SELECT fingerprint, claim_id, claimed_at, result FROM idempotency_keys \
            WHERE user_id = ? AND route = ? AND name = ?";
        on_read!(&self.db, pool => sqlx::query_as(SQL)
            .bind(self.user).bind(&self.route).bind(&self.name).fetch_optional(pool).await)
    }

    /// False when somebody else was quicker.
    async fn take_over(&self, held: &Held, now: Timestamp) -> sqlx::Result<bool> {
        const SQL: &str = "UPDATE idempotency_keys SET fingerprint = ?, claim_id = ?, claimed_at = ?, result = NULL \
            WHERE user_id = ? AND route = ? AND name = ? AND claim_id = ?";
        on_write!(&self.db, pool => sqlx::query(SQL)
            .bind(&self.fingerprint).bind(&self.id).bind(now)
            .bind(self.user).bind(&self.route).bind(&self.name).bind(&held.claim_id)
            .execute(pool).await.map(|done| done.rows_affected() == 1))
    }

    /// Says in the work's transaction that it is done. False when another request took over: the work must not happen.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn finish(&self, tx: &mut Tx, result: &str) -> sqlx::Result<bool> {
        const SQL: &str = "UPDATE idempotency_keys SET result = ? \
            WHERE user_id = ? AND route = ? AND name = ? AND claim_id = ? AND result IS NULL";
        on_tx!(tx, conn => sqlx::query(SQL)
            .bind(result).bind(self.user).bind(&self.route).bind(&self.name).bind(&self.id)
            .execute(conn).await.map(|done| done.rows_affected() == 1))
    }

    /// Gives the key back when nothing was done with it. If that fails, it can be taken over after a minute.
    async fn release(&self) {
        let mut released = self.delete().await;
        for _ in 1..ATTEMPTS {
            match &released {
                Err(error) if db::is_contention(error) => released = self.delete().await,
                _ => break,
            }
        }
        if let Err(error) = released {
            tracing::warn!(%error, "an Idempotency-Key stays claimed for a minute");
        }
    }

    async fn delete(&self) -> sqlx::Result<()> {
        const SQL: &str = "DELETE FROM idempotency_keys \
            WHERE user_id = ? AND route = ? AND name = ? AND claim_id = ? AND result IS NULL";
        on_write!(&self.db, pool => sqlx::query(SQL)
            .bind(self.user).bind(&self.route).bind(&self.name).bind(&self.id)
            .execute(pool).await.map(drop))
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
