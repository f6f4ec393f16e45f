//! What is kept of erased customers: receipts, hashes of their addresses, and which of their pictures are still to go.

use crate::{
    db::Db,
    id::{CustomerId, ImageId, OperationId, UserId},
    on_read, on_write,
    privacy::PrivacyKey,
    time::Timestamp,
};
use serde::Serialize;
use sqlx::QueryBuilder;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How many addresses are looked for with one statement.
const PIECE: usize = 200;

/// What an erasure has removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    customer_id: CustomerId,
    erased_at: Timestamp,
    by: UserId,
    operation_id: OperationId,
    /// How many rows of the history lost their values.
    history: i64,
    pictures: Pictures,
}

/// What became of the pictures that the customer ever had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
struct Pictures {
    /// Gone from the storage.
    removed: i64,
    /// Not yet: `admin sweep` finishes them.
    queued: i64,
}

/// What an erasure has removed by now; none for a customer who is not erased.
///
/// # Errors
/// When the database does not answer.
pub async fn receipt(db: &Db, id: CustomerId) -> sqlx::Result<Option<Receipt>> {
    const SQL: &str = "SELECT at, actor_id, operation_id, history_rows, pictures, \
        (SELECT COUNT(*) FROM erased_images WHERE customer_id = erasures.customer_id) \
        FROM erasures WHERE customer_id = ?";
    let row: Option<(Timestamp, UserId, OperationId, i64, i64, i64)> =
        on_read!(db, pool => sqlx::query_as(SQL).bind(id).fetch_optional(pool).await)?;
    Ok(row.map(
        |(erased_at, by, operation_id, history, pictures, queued)| Receipt {
            customer_id: id,
            erased_at,
            by,
            operation_id,
            history,
            pictures: Pictures {
                removed: pictures - queued,
                queued,
            },
        },
    ))
}

/// At most a thousand pictures that are still to go, of one customer or of all, behind another in the order of their
/// ids.
///
/// # Errors
/// When the database does not answer.
pub async fn queued(
    db: &Db,
    of: Option<CustomerId>,
    after: Option<&ImageId>,
) -> sqlx::Result<Vec<ImageId>> {
    const ALL: &str =
        "SELECT image_id FROM erased_images WHERE image_id > ? ORDER BY image_id LIMIT 1000";
    const OF_ONE: &str = "SELECT image_id FROM erased_images WHERE image_id > ? AND customer_id = ? \
        ORDER BY image_id LIMIT 1000";
    let after = after.map_or("", ImageId::as_str);
    let rows: Vec<(ImageId,)> = match of {
        None => on_read!(db, pool => sqlx::query_as(ALL).bind(after).fetch_all(pool).await),
        Some(id) => {
            on_read!(db, pool => sqlx::query_as(OF_ONE).bind(after).bind(id).fetch_all(pool).await)
        }
    }?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes that a picture is gone from the storage.
///
/// # Errors
/// When the database does not answer.
pub async fn gone(db: &Db, image: &ImageId) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM erased_images WHERE image_id = ?";
    on_write!(db, pool => sqlx::query(SQL).bind(image).execute(pool).await.map(drop))
}

/// How many erasures may have left pieces of values in the database's file.
///
/// # Errors
/// When the database does not answer.
pub async fn remnants(db: &Db) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM erasures WHERE remnants > 0";
    on_read!(db, pool => sqlx::query_scalar(SQL).fetch_one(pool).await)
}

/// Rids the database's file of what erasures left in it, unless more than so many bytes of it are in use. [`remnants`]
/// tells whether that was done.
///
/// # Errors
/// When the database does not take it, or others write for longer than we wait.
pub async fn scrub(db: &Db, most: i64) -> sqlx::Result<()> {
    // Those that are erased while the file is written anew are not taken for done.
    const BEGIN: &str = "UPDATE erasures SET remnants = 2 WHERE remnants > 0";
    const DONE: &str = "UPDATE erasures SET remnants = 0 WHERE remnants = 2";
    let Some(size) = db.file_size().await? else {
        return Ok(());
    };
    if size > most {
        return db.truncate_log().await.map(drop);
    }
    // Of many erasures at once, one does it for all that waited.
    let _turn = db.turn_to_rewrite().await;
    if remnants(db).await? == 0 {
        return Ok(());
    }
    on_write!(db, pool => sqlx::query(BEGIN).execute(pool).await.map(drop))?;
    if db.rewrite_file().await? {
        on_write!(db, pool => sqlx::query(DONE).execute(pool).await.map(drop))?;
    }
    Ok(())
}

/// What is said to somebody who enters something odd, which is done all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// What is odd, for programs.
    #[schema(examples("erased_before"))]
    code: &'static str,
    /// What is odd, for people.
    message: &'static str,
    erased_at: Timestamp,
}

impl Warning {
    const fn of(erased_at: Timestamp) -> Self {
        Self {
            code: "erased_before",
            message: "a customer with this e-mail address was erased; make sure that they want to be kept again",
            erased_at,
        }
    }
}

/// The warning for an address whose owner was erased until then; none for any other.
///
/// # Errors
/// When the database does not answer.
pub async fn warning(
    db: &Db,
    privacy: &PrivacyKey,
    address: &str,
    until: Timestamp,
) -> sqlx::Result<Option<Warning>> {
    let mut warnings = warnings(db, privacy, [Some(address)], until).await?;
    Ok(warnings.pop().flatten())
}

/// The same for an address that is already entered: nobody is told that it is not because this could not be read.
pub async fn warning_afterwards(
    db: &Db,
    privacy: &PrivacyKey,
    address: &str,
    until: Timestamp,
) -> Option<Warning> {
    let warning = warning(db, privacy, address, until).await;
    warning.unwrap_or_else(|error| {
        tracing::warn!(%error, "whether an entered address was erased could not be read");
        None
    })
}

/// The same for many, in their order; there is none where no address is entered.
///
/// # Errors
/// When the database does not answer.
pub async fn warnings<'a>(
    db: &Db,
    privacy: &PrivacyKey,
    addresses: impl IntoIterator<Item = Option<&'a str>>,
    until: Timestamp,
) -> sqlx::Result<Vec<Option<Warning>>> {
    let hashed = |address: Option<&str>| address.map(|one| privacy.address_hash(one));
    let hashes: Vec<_> = addresses.into_iter().map(hashed).collect();
    let mut erased = BTreeMap::new();
    let entered: Vec<_> = hashes.iter().flatten().collect();
    for piece in entered.chunks(PIECE) {
        let found: Vec<(String, Timestamp)> = on_read!(db, pool => {
            let mut query = QueryBuilder::new("SELECT email_hash, MAX(at) FROM erasures WHERE at <= ");
            query.push_bind(until).push(" AND email_hash IN (");
            let mut list = query.separated(", ");
            for hash in piece {
                list.push_bind(hash);
            }
            query.push(") GROUP BY email_hash");
            query.build_query_as().fetch_all(pool).await
        })?;
        erased.extend(found);
    }
    let warn = |hash: Option<String>| hash.and_then(|hash| erased.get(&hash).copied());
    let warned = hashes.into_iter().map(warn);
    Ok(warned.map(|at| at.map(Warning::of)).collect())
}

/// How many addresses were erased under another key than this: they are not recognised any more.
///
/// # Errors
/// When the database does not answer.
pub async fn count_unrecognised(db: &Db, privacy: &PrivacyKey) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM erasures WHERE key_id <> ?";
    on_read!(db, pool => sqlx::query_scalar(SQL).bind(privacy.id()).fetch_one(pool).await)
}
