//! Erasing a customer: every value goes for good, from the record, its history, search and the pictures' storage. That
//! there was somebody, and who did what when, stays.
//!
//! The database forgets in one transaction, which also writes down which pictures are to go ([`super::erased`]): storage that
//! does not answer then delays an erasure and loses none.

use super::{ATTEMPTS, CustomerRow, Deed, append, changes, erased, find, give_way, search, update};
use crate::{
    db::{self, Db, Dialect, Tx},
    error::{ApiError, ApiResult},
    extract::IfMatch,
    id::CustomerId,
    image_url::ImageUrls,
    on_tx,
    privacy::PrivacyKey,
};
use serde_json::{Map, Value, json};
use sqlx::QueryBuilder;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How many rows of a history are read, or pictures written down, with one statement.
const PIECE: usize = 200;
/// Up to how many bytes SQLite's file is written anew with an erasure, which takes a second; a larger one is for a sweep.
const AT_ONCE: i64 = 64 * 1024 * 1024;

/// Takes a customer's values out of the database, and writes down which pictures are to go. For one who is erased
/// already nothing happens, whatever `if_match` names: what the request wants is so (RFC 9110, section 13.1.1).
///
/// # Errors
/// 404; 412 when `if_match` names another version.
pub async fn erase(
    db: &Db,
    id: CustomerId,
    if_match: Option<&IfMatch>,
    urls: &ImageUrls,
    privacy: &PrivacyKey,
    deed: &Deed,
) -> ApiResult<()> {
    for attempt in 0..ATTEMPTS {
        let before = find(db, id).await?.ok_or(ApiError::NotFound("customer"))?;
        if before.erased_at.is_some() {
            return Ok(());
        }
        before.check(if_match, urls, deed.at)?;
        match write(db, &before, privacy, deed).await {
            Ok(true) => {
                if let Err(error) = erased::scrub(db, AT_ONCE).await {
                    tracing::warn!(%error, "remnants of an erased customer are left for a sweep");
                }
                return Ok(());
            }
            Ok(false) => {}
            Err(error) if db::is_contention(&error) => {}
            Err(error) => return Err(error.into()),
        }
        give_way(attempt).await;
    }
    Err(ApiError::Unavailable(
        "too many others are changing this customer",
    ))
}

/// False when somebody else wrote first.
async fn write(
    db: &Db,
    before: &CustomerRow,
    privacy: &PrivacyKey,
    deed: &Deed,
) -> sqlx::Result<bool> {
    let deed = Deed {
        // The clocks of two instances may differ; a history never goes back.
        at: (before.last_modified_at.plus(Duration::from_micros(1))).max(deed.at),
        ..deed.clone()
    };
    let after = blank(before, &deed);
    let mut tx = db.begin().await?;
    // Taken before the row is written: words that an older program indexed stand here alone.
    let indexed = search_text(&mut tx, before.id).await?;
    if !update(&mut tx, before.version, &after).await? {
        return Ok(false);
    }
    search::remove_terms(&mut tx, before, &indexed).await?;
    let (rows, mut pictures) = clear_history(&mut tx, before.id).await?;
    pictures.extend(before.photo_id.clone().map(String::from));
    append(
        &mut tx,
        &after,
        &deed,
        &valueless(&changes(Some(before), &after)),
    )
    .await?;
    queue(&mut tx, before.id, &pictures).await?;
    let removed = Removed {
        rows,
        pictures: i64::try_from(pictures.len()).unwrap_or(i64::MAX),
        remnants: db.dialect() == Dialect::Sqlite,
    };
    insert(&mut tx, before, privacy, &deed, removed).await?;
    tx.commit().await?;
    Ok(true)
}

/// The record without any value.
fn blank(before: &CustomerRow, deed: &Deed) -> CustomerRow {
    CustomerRow {
        id: before.id,
        email: String::new(),
        name: String::new(),
        surname: String::new(),
        phone: None,
        notes: None,
        photo_id: None,
        photo_width: None,
        photo_height: None,
        created_by: before.created_by,
        last_modified_by: deed.by,
        created_at: before.created_at,
        last_modified_at: deed.at,
        version: before.version + 1,
        deleted_at: before.deleted_at.or(Some(deed.at)),
        erased_at: Some(deed.at),
    }
}

async fn search_text(tx: &mut Tx, id: CustomerId) -> sqlx::Result<String> {
    const SQL: &str = "SELECT search_text FROM customers WHERE id = ?";
    on_tx!(tx, conn => sqlx::query_scalar(SQL).bind(id).fetch_one(conn).await)
}

/// Takes the values out of a history; gives how many rows it has, and every picture that they named.
async fn clear_history(tx: &mut Tx, id: CustomerId) -> sqlx::Result<(i64, BTreeSet<String>)> {
    const SQL: &str = "SELECT version, changes FROM customer_events WHERE customer_id = ? AND version > ? \
        ORDER BY version LIMIT 200";
    let (mut last, mut rows, mut pictures) = (0_i64, 0, BTreeSet::new());
    loop {
        let piece: Vec<(i64, String)> = on_tx!(tx, conn => sqlx::query_as(SQL)
            .bind(id).bind(last).fetch_all(conn).await)?;
        let Some((end, _)) = piece.last() else {
            return Ok((rows, pictures));
        };
        last = *end;
        // Rows in which the same fields changed become alike.
        let mut alike: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (version, changes) in piece {
            let changes = serde_json::from_str(&changes);
            let changes: Value = changes.map_err(|error| sqlx::Error::Decode(error.into()))?;
            for side in ["from", "to"] {
                pictures.extend(changes["photo"][side].as_str().map(str::to_owned));
            }
            let cleared = valueless(&changes).to_string();
            alike.entry(cleared).or_default().push(version);
            rows += 1;
        }
        for (cleared, versions) in alike {
            clear(tx, id, &cleared, &versions).await?;
        }
    }
}

async fn clear(tx: &mut Tx, id: CustomerId, cleared: &str, versions: &[i64]) -> sqlx::Result<()> {
    on_tx!(tx, conn => {
        let mut query = QueryBuilder::new("UPDATE customer_events SET changes = ");
        query.push_bind(cleared).push(" WHERE customer_id = ").push_bind(id).push(" AND version IN (");
        let mut list = query.separated(", ");
        for version in versions {
            list.push_bind(version);
        }
        query.push(")");
        query.build().execute(conn).await.map(drop)
    })
}

/// The same fields, each `{"from": null, "to": null}`.
fn valueless(changes: &Value) -> Value {
    let fields = changes.as_object().into_iter().flat_map(Map::keys);
    let nothing = || json!({ "from": null, "to": null });
    fields.map(|field| (field.clone(), nothing())).collect()
}

async fn queue(tx: &mut Tx, id: CustomerId, pictures: &BTreeSet<String>) -> sqlx::Result<()> {
    let pictures: Vec<_> = pictures.iter().collect();
    for piece in pictures.chunks(PIECE) {
        on_tx!(tx, conn => {
            let mut query = QueryBuilder::new("INSERT INTO erased_images (image_id, customer_id) ");
            query.push_values(piece, |mut row, picture| {
                row.push_bind(picture).push_bind(id);
            });
            query.build().execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// What an erasure took away.
struct Removed {
    rows: i64,
    pictures: i64,
    /// Whether pieces of it may still be in the database's file.
    remnants: bool,
}

async fn insert(
    tx: &mut Tx,
    before: &CustomerRow,
    privacy: &PrivacyKey,
    deed: &Deed,
    removed: Removed,
) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO erasures (customer_id, email_hash, key_id, at, actor_id, operation_id, history_rows, \
        pictures, remnants) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    on_tx!(tx, conn => sqlx::query(SQL)
        .bind(before.id).bind(privacy.address_hash(&before.email)).bind(privacy.id()).bind(deed.at)
        .bind(deed.by).bind(&deed.operation).bind(removed.rows).bind(removed.pictures).bind(removed.remnants)
        .execute(conn).await.map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_without_values_still_says_which_fields_changed() {
        let changes = json!({
            "surname": { "from": "Lovelace", "to": "King" },
            "photo": { "from": null, "to": "0a" },
        });
        let nothing = json!({ "from": null, "to": null });
        assert_eq!(
            valueless(&changes),
            json!({ "surname": nothing, "photo": nothing })
        );
        assert_eq!(valueless(&json!({})), json!({}));
    }
}
