//! The row of a claim, and who has it.

use super::{REMEMBERED, UNDER_WAY};
use crate::{
    db::{self, Db, Tx},
    error::{ApiError, ApiResult},
    id::{OperationId, UserId},
    on_read, on_tx, on_write,
    time::Timestamp,
};

/// How often a claim is tried that others release or take meanwhile.
const ATTEMPTS: usize = 5;

/// A key as the database keeps it, while one request has it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) db: Db,
    pub(super) user: UserId,
    pub(super) route: String,
    /// Keyed hashes: a client's key, and a body that may be guessed, may be about somebody.
    pub(super) name: String,
    pub(super) fingerprint: String,
    /// Which request it is that has the key.
    pub(super) claim: OperationId,
}

/// Who has a key.
#[derive(Debug, sqlx::FromRow)]
struct Held {
    fingerprint: String,
    claim_id: OperationId,
    claimed_at: Timestamp,
    result: Option<String>,
}

impl Row {
    /// The result when the work was done before; `None` when it is to be done now.
    pub(super) async fn obtain(&self, now: Timestamp) -> ApiResult<Option<String>> {
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
                if self.take_over(&held, forgotten, now).await? {
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
            .bind(&self.claim).bind(now).execute(pool).await.map(drop))
    }

    async fn holder(&self) -> sqlx::Result<Option<Held>> {
        const SQL: &str = "SELECT fingerprint, claim_id, claimed_at, result FROM idempotency_keys \
            WHERE user_id = ? AND route = ? AND name = ?";
        on_read!(&self.db, pool => sqlx::query_as(SQL)
            .bind(self.user).bind(&self.route).bind(&self.name).fetch_optional(pool).await)
    }

    /// False when somebody else was quicker, or whoever has it finished meanwhile.
    async fn take_over(&self, held: &Held, forgotten: bool, now: Timestamp) -> sqlx::Result<bool> {
        const SQL: &str = "UPDATE idempotency_keys SET fingerprint = ?, claim_id = ?, claimed_at = ?, result = NULL \
            WHERE user_id = ? AND route = ? AND name = ? AND claim_id = ? AND (result IS NULL OR ? = 1)";
        on_write!(&self.db, pool => sqlx::query(SQL)
            .bind(&self.fingerprint).bind(&self.claim).bind(now)
            .bind(self.user).bind(&self.route).bind(&self.name).bind(&held.claim_id)
            .bind(i64::from(forgotten))
            .execute(pool).await.map(|done| done.rows_affected() == 1))
    }

    /// Says in a transaction that the work is done. False when another request took over.
    pub(super) async fn finish(&self, tx: &mut Tx, result: &str) -> sqlx::Result<bool> {
        const SQL: &str = "UPDATE idempotency_keys SET result = ? \
            WHERE user_id = ? AND route = ? AND name = ? AND claim_id = ? AND result IS NULL";
        on_tx!(tx, conn => sqlx::query(SQL)
            .bind(result).bind(self.user).bind(&self.route).bind(&self.name).bind(&self.claim)
            .execute(conn).await.map(|done| done.rows_affected() == 1))
    }

    /// Gives the key back when nothing was done with it; false when another request has it. If that fails, it can be
    /// taken over after a minute.
    pub(super) async fn release(&self) -> bool {
        let mut released = self.delete().await;
        for _ in 1..ATTEMPTS {
            match &released {
                Err(error) if db::is_contention(error) => released = self.delete().await,
                _ => break,
            }
        }
        released.unwrap_or_else(|error| {
            tracing::warn!(%error, "an Idempotency-Key stays claimed for a minute");
            true
        })
    }

    /// False when another request has it.
    async fn delete(&self) -> sqlx::Result<bool> {
        const SQL: &str = "DELETE FROM idempotency_keys \
            WHERE user_id = ? AND route = ? AND name = ? AND claim_id = ? AND result IS NULL";
        on_write!(&self.db, pool => sqlx::query(SQL)
            .bind(self.user).bind(&self.route).bind(&self.name).bind(&self.claim)
            .execute(pool).await.map(|done| done.rows_affected() == 1))
    }
}
