//! The customer's record, its history, and the one way to change it.
//!
//! `customers` writes all of it and `images` its photo; both through [`change`], which appends the history in the same
//! transaction.

pub mod erase;
pub mod erased;
pub mod search;

use crate::{
    db::{self, Db, Tx},
    email,
    error::{ApiError, ApiResult, Existing},
    extract::IfMatch,
    id::{CustomerId, ImageId, OperationId, UserId},
    image_url::{ImageSize, ImageUrls},
    on_read, on_tx,
    time::Timestamp,
};
use erased::Warning;
use search::Folded;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use utoipa::ToSchema;

/// A customer as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CustomerRow {
    /// Given by the database, never given twice.
    pub id: CustomerId,
    /// As its owner writes it; unique among the living without regard to case.
    pub email: String,
    /// Given name.
    pub name: String,
    /// Family name.
    pub surname: String,
    /// Free form.
    pub phone: Option<String>,
    /// Free form, several lines.
    pub notes: Option<String>,
    /// The picture, if there is one.
    pub photo_id: Option<ImageId>,
    /// Of the large picture, in pixels.
    pub photo_width: Option<i64>,
    /// Of the large picture, in pixels.
    pub photo_height: Option<i64>,
    /// The user who made it.
    pub created_by: UserId,
    /// The user who changed it last.
    pub last_modified_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub last_modified_at: Timestamp,
    /// Counts the changes, from 1.
    pub version: i64,
    /// When it was deleted; the record stays and can be restored.
    pub deleted_at: Option<Timestamp>,
    /// When its values were erased, for good.
    pub erased_at: Option<Timestamp>,
}

/// A customer as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Customer {
    id: CustomerId,
    /// Unique among the living without regard to case.
    #[schema(examples("ada@example.com"))]
    email: String,
    /// Given name.
    #[schema(examples("Ada"))]
    name: String,
    /// Family name.
    #[schema(examples("Lovelace"))]
    surname: String,
    #[schema(required, examples("+44 20 7946 0000"))]
    phone: Option<String>,
    #[schema(required)]
    notes: Option<String>,
    /// The address of the picture in medium size.
    #[schema(required)]
    photo_url: Option<String>,
    #[schema(required)]
    photo: Option<Photo>,
    created_by: UserId,
    last_modified_by: UserId,
    created_at: Timestamp,
    last_modified_at: Timestamp,
    /// Counts the changes; the record's entity tag.
    #[schema(minimum = 1, examples(3))]
    version: i64,
    /// When it was deleted; it can be restored.
    #[schema(required)]
    deleted_at: Option<Timestamp>,
    /// When its values were erased, for good.
    #[schema(required)]
    erased_at: Option<Timestamp>,
    /// What whoever makes it should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

impl Customer {
    /// The same with something to be told of it, to whoever made it or changed it.
    #[must_use]
    pub fn warned(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }
}

/// A picture with a signed address a size.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Photo {
    id: ImageId,
    /// The signed address of a square of 128 pixels.
    small: String,
    /// The signed address of a square of 512 pixels.
    medium: String,
    /// The signed address of the whole picture, within 2048 pixels.
    large: String,
    /// Of the large picture, in pixels.
    #[schema(minimum = 1)]
    width: i64,
    /// Of the large picture, in pixels.
    #[schema(minimum = 1)]
    height: i64,
}

impl CustomerRow {
    /// The record as the API shows it, its picture's addresses signed.
    #[must_use]
    pub fn show(self, urls: &ImageUrls, now: Timestamp) -> Customer {
        let photo = self.photo(urls, now);
        Customer {
            id: self.id,
            email: self.email,
            name: self.name,
            surname: self.surname,
            phone: self.phone,
            notes: self.notes,
            photo_url: photo.as_ref().map(|photo| photo.medium.clone()),
            photo,
            created_by: self.created_by,
            last_modified_by: self.last_modified_by,
            created_at: self.created_at,
            last_modified_at: self.last_modified_at,
            version: self.version,
            deleted_at: self.deleted_at,
            erased_at: self.erased_at,
            warnings: Vec::new(),
        }
    }

    /// The picture as the API shows it.
    #[must_use]
    pub fn photo(&self, urls: &ImageUrls, now: Timestamp) -> Option<Photo> {
        let id = self.photo_id.clone()?;
        Some(Photo {
            small: urls.sign(&id, ImageSize::Small, now),
            medium: urls.sign(&id, ImageSize::Medium, now),
            large: urls.sign(&id, ImageSize::Large, now),
            width: self.photo_width?,
            height: self.photo_height?,
            id,
        })
    }

    /// Refuses a write that was meant for another version.
    ///
    /// # Errors
    /// 412 with the record as it is.
    pub fn check(
        &self,
        if_match: Option<&IfMatch>,
        urls: &ImageUrls,
        now: Timestamp,
    ) -> ApiResult<()> {
        if if_match.is_none_or(|tags| tags.allows(self.version)) {
            return Ok(());
        }
        Err(self.mismatch(urls, now)?)
    }

    /// The answer to a request that expects another version than this, with the record as it is.
    ///
    /// # Errors
    /// Never in practice: the record is made of what JSON knows.
    pub fn mismatch(&self, urls: &ImageUrls, now: Timestamp) -> ApiResult<ApiError> {
        let current = serde_json::to_value(self.clone().show(urls, now));
        let current = Box::new(current.map_err(anyhow::Error::from)?);
        Ok(ApiError::VersionMismatch {
            current: Some(current),
        })
    }

    /// The record, unless it is deleted: the deleted can only be read and restored.
    ///
    /// # Errors
    /// 404 when it is deleted.
    pub fn living(self) -> ApiResult<Self> {
        match self.deleted_at {
            None => Ok(self),
            Some(_) => Err(ApiError::NotFound("customer")),
        }
    }

    /// What its history remembers, by field.
    fn remembered(&self) -> [(&'static str, Value); 6] {
        [
            ("email", json!(self.email)),
            ("name", json!(self.name)),
            ("surname", json!(self.surname)),
            ("phone", json!(self.phone)),
            ("notes", json!(self.notes)),
            ("photo", json!(self.photo_id)),
        ]
    }
}

/// What a history row says was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Made.
    Created,
    /// Fields changed.
    Updated,
    /// Deleted; can be restored.
    Deleted,
    /// Back among the living.
    Restored,
    /// Got a picture, or another one.
    PhotoSet,
    /// Lost its picture.
    PhotoRemoved,
    /// Lost every value, for good.
    Erased,
}

impl Action {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::Restored,
        Self::PhotoSet,
        Self::PhotoRemoved,
        Self::Erased,
    ];

    /// As the history names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::PhotoSet => "photo_set",
            Self::PhotoRemoved => "photo_removed",
            Self::Erased => "erased",
        }
    }
}

/// Who does what, when, in which request.
#[derive(Debug, Clone)]
pub struct Deed {
    /// What is done.
    pub action: Action,
    /// Who does it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// The request; every history row that it writes carries this.
    pub operation: OperationId,
}

impl Deed {
    /// A deed of this user, now, as an operation of its own.
    #[must_use]
    pub fn now(action: Action, by: UserId) -> Self {
        Self {
            action,
            by,
            at: Timestamp::now(),
            operation: OperationId::generate(),
        }
    }
}

/// Finds a customer, deleted or not.
///
/// # Errors
/// When the database does not answer.
pub async fn find(db: &Db, id: CustomerId) -> sqlx::Result<Option<CustomerRow>> {
    on_read!(db, pool => sqlx::query_as(FIND).bind(id).fetch_optional(pool).await)
}

const FIND: &str = "SELECT id, email, name, surname, phone, notes, photo_id, photo_width, photo_height, \
    created_by, last_modified_by, created_at, last_modified_at, version, deleted_at, erased_at \
    FROM customers WHERE id = ?";

/// Finds a customer as the transaction sees it, deleted or not.
///
/// # Errors
/// When the database does not answer.
pub async fn find_in(tx: &mut Tx, id: CustomerId) -> sqlx::Result<Option<CustomerRow>> {
    on_tx!(tx, conn => sqlx::query_as(FIND).bind(id).fetch_optional(conn).await)
}

/// The pictures of the next thousand customers who have one, deleted or not, in the order of their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn photos_after(
    db: &Db,
    after: Option<CustomerId>,
) -> sqlx::Result<Vec<(CustomerId, ImageId)>> {
    const SQL: &str = "SELECT id, photo_id FROM customers WHERE id > ? AND photo_id IS NOT NULL \
        ORDER BY id LIMIT 1000";
    let after = after.map_or(0, CustomerId::get);
    on_read!(db, pool => sqlx::query_as(SQL).bind(after).fetch_all(pool).await)
}

/// A customer before and after a change.
#[derive(Debug)]
pub struct Changed {
    /// As it was when the change was decided.
    pub before: CustomerRow,
    /// As it is now. Of the same version when nothing differed and nothing was written.
    pub after: CustomerRow,
}

impl Changed {
    /// The e-mail address, when the customer did not have it before: it was entered now, or came back with them.
    #[must_use]
    pub fn entered_address(&self) -> Option<&str> {
        let (before, after) = (&self.before, &self.after);
        let had_it = email::key(&before.email) == email::key(&after.email)
            && before.deleted_at.is_none() == after.deleted_at.is_none();
        (!had_it && after.deleted_at.is_none()).then_some(after.email.as_str())
    }
}

/// Changes a customer: `edit` makes the record as it shall be from the record as it is, or refuses.
///
/// The write happens only if nobody else wrote in between; otherwise `edit` is asked again with the newer record, so
/// that a change which names two fields never undoes another's change of a third. A change that changes nothing
/// writes nothing.
///
/// # Errors
/// What `edit` refuses; 404; 412 when `if_match` names another version; 409 when the e-mail address is taken.
pub async fn change(
    db: &Db,
    id: CustomerId,
    if_match: Option<&IfMatch>,
    urls: &ImageUrls,
    deed: &Deed,
    edit: impl Fn(CustomerRow) -> ApiResult<CustomerRow>,
) -> ApiResult<Changed> {
    for attempt in 0..ATTEMPTS {
        let before = find(db, id).await?.ok_or(ApiError::NotFound("customer"))?;
        let after = edit(before.clone())?;
        before.check(if_match, urls, deed.at)?;
        if after == before {
            return Ok(Changed { before, after });
        }
        match write(db, &before, &after, deed).await {
            Ok(Some(after)) => return Ok(Changed { before, after }),
            Ok(None) => {}
            Err(error) if db::is_contention(&error) => {}
            Err(error) if db::is_taken(&error) => return Err(taken(db, &after.email).await?),
            Err(error) => return Err(error.into()),
        }
        give_way(attempt).await;
    }
    Err(ApiError::Unavailable(
        "too many others are changing this customer",
    ))
}

/// How often work begins anew when others write the same records at the same time.
pub const ATTEMPTS: u32 = 50;

/// Waits a little longer with each attempt, so that others get done.
pub async fn give_way(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(u64::from(attempt.min(20)))).await;
}

async fn write(
    db: &Db,
    before: &CustomerRow,
    after: &CustomerRow,
    deed: &Deed,
) -> sqlx::Result<Option<CustomerRow>> {
    let mut tx = db.begin().await?;
    let written = write_in(&mut tx, before, after, deed).await?;
    if written.is_some() {
        tx.commit().await?;
    }
    Ok(written)
}

/// Writes a changed record, its terms and its history. Gives the record as it is then, `None` when somebody else wrote
/// first. Times of one record always grow, whatever the clocks of several instances say.
///
/// # Errors
/// When the database does not take it; a unique violation when the e-mail address is taken.
pub async fn write_in(
    tx: &mut Tx,
    before: &CustomerRow,
    after: &CustomerRow,
    deed: &Deed,
) -> sqlx::Result<Option<CustomerRow>> {
    let at = deed
        .at
        .max(before.last_modified_at.plus(Duration::from_micros(1)));
    let dies = before.deleted_at.is_none() && after.deleted_at.is_some();
    let after = CustomerRow {
        version: before.version + 1,
        last_modified_by: deed.by,
        last_modified_at: at,
        deleted_at: if dies { Some(at) } else { after.deleted_at },
        ..after.clone()
    };
    if !update(tx, before.version, &after).await? {
        return Ok(None);
    }
    search::write_terms(tx, Some(before), Some(&after)).await?;
    record(tx, Some(before), &after, deed).await?;
    Ok(Some(after))
}

async fn update(tx: &mut Tx, version: i64, after: &CustomerRow) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE customers SET email = ?, email_key = ?, name = ?, surname = ?, phone = ?, notes = ?, \
        photo_id = ?, photo_width = ?, photo_height = ?, last_modified_by = ?, last_modified_at = ?, \
        version = ?, deleted_at = ?, erased_at = ?, deleted = ?, photographed = ?, email_order = ?, name_order = ?, \
        surname_order = ?, search_text = ?, \
        terms_version = ? WHERE id = ? AND version = ?";
    let folded = Folded::from(after);
    let updated = on_tx!(tx, conn => sqlx::query(SQL)
        .bind(&after.email).bind(living_key(after)).bind(&after.name).bind(&after.surname)
        .bind(&after.phone).bind(&after.notes)
        .bind(&after.photo_id).bind(after.photo_width).bind(after.photo_height)
        .bind(after.last_modified_by).bind(after.last_modified_at)
        .bind(after.version).bind(after.deleted_at).bind(after.erased_at)
        .bind(after.deleted_at.is_some()).bind(after.photo_id.is_some())
        .bind(folded.email_order).bind(folded.name_order).bind(folded.surname_order).bind(folded.search_text)
        .bind(after.version).bind(after.id).bind(version)
        .execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(updated == 1)
}

/// What keeps an address unique among the living: nothing for the dead.
fn living_key(customer: &CustomerRow) -> Option<String> {
    customer
        .deleted_at
        .is_none()
        .then(|| email::key(&customer.email))
}

/// Appends to a customer's history. `before` is missing for one just made.
///
/// # Errors
/// When the database does not take it.
pub async fn record(
    tx: &mut Tx,
    before: Option<&CustomerRow>,
    after: &CustomerRow,
    deed: &Deed,
) -> sqlx::Result<()> {
    append(tx, after, deed, &changes(before, after)).await
}

async fn append(
    tx: &mut Tx,
    after: &CustomerRow,
    deed: &Deed,
    changes: &Value,
) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO customer_events \
        (customer_id, version, action, operation_id, actor_id, at, changes) VALUES (?, ?, ?, ?, ?, ?, ?)";
    on_tx!(tx, conn => sqlx::query(SQL)
        .bind(after.id).bind(after.version).bind(deed.action.as_str()).bind(&deed.operation)
        .bind(deed.by).bind(after.last_modified_at).bind(changes.to_string())
        .execute(conn).await.map(drop))
}

/// `{"surname": {"from": …, "to": …}}` of every remembered field that differs.
fn changes(before: Option<&CustomerRow>, after: &CustomerRow) -> Value {
    let old = before.map(CustomerRow::remembered);
    let mut changes = Map::new();
    for (index, (field, to)) in after.remembered().into_iter().enumerate() {
        let from = old.as_ref().map_or(Value::Null, |old| old[index].1.clone());
        if from != to {
            changes.insert(field.to_owned(), json!({ "from": from, "to": to }));
        }
    }
    Value::Object(changes)
}

/// The living customer who has an address.
///
/// # Errors
/// When the database does not answer.
pub async fn find_by_email(db: &Db, address: &str) -> sqlx::Result<Option<CustomerId>> {
    const SQL: &str = "SELECT id FROM customers WHERE email_key = ?";
    let row: Option<(CustomerId,)> = on_read!(db, pool => sqlx::query_as(SQL)
        .bind(email::key(address)).fetch_optional(pool).await)?;
    Ok(row.map(|(id,)| id))
}

/// The answer to somebody who wants an address that another customer has.
///
/// # Errors
/// When the database does not answer.
pub async fn taken(db: &Db, address: &str) -> sqlx::Result<ApiError> {
    let id = find_by_email(db, address).await?;
    let existing = id.map(|id| Existing { id, deleted: false });
    Ok(ApiError::EmailTaken { existing })
}
