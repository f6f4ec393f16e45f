//! The SQL that only this function speaks; finding and changing one customer is in [`shared::customer`].

use crate::model::{EventRow, NewCustomer};
use shared::{
    customer::{
        self, CustomerRow, Deed,
        search::{self, Folded},
    },
    db::{self, Db, InsertedId as _, Tx},
    error::{ApiError, ApiResult},
    id::CustomerId,
    idempotency::Claim,
    on_read, on_tx,
};

/// Makes a customer, with the first row of its history, and finishes the claim with its id.
///
/// # Errors
/// 409 `email_taken` when a living customer has the address; 409 when somebody else took the claim over.
pub(crate) async fn create(
    db: &Db,
    new: &NewCustomer,
    deed: &Deed,
    claim: Option<&Claim>,
) -> ApiResult<CustomerRow> {
    for attempt in 0..customer::ATTEMPTS {
        match try_create(db, new, deed, claim).await {
            Ok(Some(created)) => return Ok(created),
            Ok(None) => return Err(ApiError::IdempotencyKeyInUse),
            Err(error) if db::is_taken(&error) => {
                return Err(customer::taken(db, new.email.as_str()).await?);
            }
            Err(error) if db::is_contention(&error) => customer::give_way(attempt).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::Unavailable(
        "too many others are making customers",
    ))
}

async fn try_create(
    db: &Db,
    new: &NewCustomer,
    deed: &Deed,
    claim: Option<&Claim>,
) -> sqlx::Result<Option<CustomerRow>> {
    let mut tx = db.begin().await?;
    let customer = create_in(&mut tx, new, deed).await?;
    if let Some(claim) = claim
        && !claim.finish(&mut tx, &customer.id.to_string()).await?
    {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(customer))
}

/// Makes a customer in a transaction.
///
/// # Errors
/// When the database does not take it; a unique violation when the e-mail address is taken.
pub(crate) async fn create_in(
    tx: &mut Tx,
    new: &NewCustomer,
    deed: &Deed,
) -> sqlx::Result<CustomerRow> {
    let id = insert(tx, new, deed).await?;
    let customer = CustomerRow {
        id: CustomerId::try_from(id).map_err(|error| sqlx::Error::Decode(error.into()))?,
        email: new.email.as_str().to_owned(),
        name: new.name.clone(),
        surname: new.surname.clone(),
        phone: new.phone.clone(),
        notes: new.notes.clone(),
        photo_id: None,
        photo_width: None,
        photo_height: None,
        created_by: deed.by,
        last_modified_by: deed.by,
        created_at: deed.at,
        last_modified_at: deed.at,
        version: 1,
        deleted_at: None,
        erased_at: None,
    };
    search::write_terms(tx, None, Some(&customer)).await?;
    customer::record(tx, None, &customer, deed).await?;
    Ok(customer)
}

async fn insert(tx: &mut Tx, new: &NewCustomer, deed: &Deed) -> sqlx::Result<i64> {
    const SQL: &str = "INSERT INTO customers (email, email_key, name, surname, phone, notes, \
        created_by, last_modified_by, created_at, last_modified_at, version, \
        email_order, name_order, surname_order, search_text, terms_version) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, 1)";
    let folded = Folded::of(&new.name, &new.surname, new.email.as_str());
    on_tx!(tx, conn => sqlx::query(SQL)
        .bind(new.email.as_str()).bind(new.email.key()).bind(&new.name).bind(&new.surname)
        .bind(&new.phone).bind(&new.notes)
        .bind(deed.by).bind(deed.by).bind(deed.at).bind(deed.at)
        .bind(folded.email_order).bind(folded.name_order).bind(folded.surname_order).bind(folded.search_text)
        .execute(conn).await.map(|done| done.inserted_id()))
}

/// What happened to a customer before the version `before`, newest first.
pub(crate) async fn history(
    db: &Db,
    id: CustomerId,
    before: i64,
    rows: i64,
) -> sqlx::Result<Vec<EventRow>> {
    const SQL: &str = "SELECT version, action, at, actor_id, operation_id, changes FROM customer_events \
        WHERE customer_id = ? AND version < ? ORDER BY version DESC LIMIT ?";
    on_read!(db, pool => sqlx::query_as(SQL).bind(id).bind(before).bind(rows).fetch_all(pool).await)
}
