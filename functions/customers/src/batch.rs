//! Many creates, updates and deletes as one: all of them happen, or none.

mod schema;

use crate::{
    model::{CustomerPatch, NewCustomer},
    store,
};
use serde::Serialize;
use serde_json::value::RawValue;
use shared::{
    body::{self, Fields, FromFields, MISTAKES},
    customer::{
        self, Action, CustomerRow, Deed,
        erased::{self, Warning},
    },
    db::{self, Db, Tx},
    error::{ApiError, ApiResult, Existing, FieldError, ItemError},
    id::{CustomerId, OperationId},
    idempotency::Claim,
    privacy::PrivacyKey,
    time::Timestamp,
};
use utoipa::ToSchema;

/// How many items a batch holds.
const MOST: usize = 200;

/// The items of a batch, in the order in which they are carried out; or what is wrong with some.
#[derive(Debug)]
pub(crate) struct Batch(Result<Vec<Item>, Vec<ItemError>>);

#[derive(Debug)]
enum Item {
    Create(NewCustomer),
    Update(Target, CustomerPatch),
    Delete(Target),
}

/// Which record, and which version of it if only that will do.
#[derive(Debug, Clone, Copy)]
struct Target {
    id: CustomerId,
    version: Option<i64>,
}

/// What a batch did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchOutcome)]
pub(crate) struct Outcome {
    /// Which the history of every customer names that it changed.
    operation_id: OperationId,
    /// One an item, in their order.
    results: Vec<Record>,
}

/// The record that an item wrote, and the version that it is at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
struct Record {
    id: CustomerId,
    #[schema(minimum = 1)]
    version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Warning>, required = false)]
    warnings: Option<[Warning; 1]>,
}

impl FromFields for Batch {
    /// Two hundred of the largest customers do not fit; two hundred of people's do by far.
    const LIMIT: usize = 1024 * 1024;

    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let Some(items) = fields.raw("items") else {
            fields.refuse_once("items", "required", "must be given");
            return None;
        };
        let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(items.get()) else {
            fields.refuse_once("items", "wrong_type", "must be a list of items");
            return None;
        };
        if items.is_empty() {
            fields.refuse_once("items", "too_short", "must hold at least one item");
        }
        if items.len() > MOST {
            let message = format!("must hold at most {MOST} items");
            fields.refuse_once("items", "too_long", &message);
            return None;
        }
        let (mut read, mut errors) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            match body::parse(item.get().as_bytes()) {
                Ok(Wanted(Ok(item))) => read.push(item),
                Ok(Wanted(Err(error))) | Err(error) => errors.extend(refused(index, error)),
            }
            if errors.len() >= MISTAKES {
                errors.truncate(MISTAKES);
                break;
            }
        }
        let whole = errors.is_empty();
        Some(Self(if whole { Ok(read) } else { Err(errors) }))
    }
}

/// One item, or what is wrong within its verb.
struct Wanted(ApiResult<Item>);

impl FromFields for Wanted {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let verbs = ["create", "update", "delete"].map(|verb| (verb, fields.raw(verb)));
        let mut given = verbs
            .into_iter()
            .filter_map(|(verb, body)| Some((verb, body?)));
        let (Some((verb, body)), None) = (given.next(), given.next()) else {
            fields.refuse_once(
                "create",
                "one_of",
                "must stand alone, or in its place `update` or `delete`",
            );
            return None;
        };
        let json = body.get().as_bytes();
        Some(Self(match verb {
            "create" => body::parse(json).map(Item::Create),
            "update" => {
                body::parse(json).and_then(|Update(target, patch)| Ok(Item::Update(target, patch?)))
            }
            _ => body::parse(json).map(Item::Delete),
        }))
    }
}

struct Update(Target, ApiResult<CustomerPatch>);

impl FromFields for Update {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let target = Target::from_fields(fields);
        let Some(changes) = fields.raw("changes") else {
            fields.refuse_once("changes", "required", "must be given");
            return None;
        };
        Some(Self(target?, body::parse(changes.get().as_bytes())))
    }
}

impl FromFields for Target {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let (id, version) = (fields.number("id"), fields.number("version"));
        match id.map(CustomerId::try_from) {
            Some(Ok(id)) => Some(Self { id, version }),
            Some(Err(_)) | None => {
                fields.refuse_once("id", "required", "must be the id of a customer");
                None
            }
        }
    }
}

fn refused(index: usize, error: ApiError) -> Vec<ItemError> {
    let ApiError::InvalidFields(fields) = error else {
        let message = "an item is a JSON object with `create`, `update` or `delete`, and so is what that holds";
        return vec![item_error(index, "malformed", message)];
    };
    let of = |FieldError {
                  field,
                  code,
                  message,
              }| ItemError {
        field: Some(field),
        ..item_error(index, code, message)
    };
    fields.into_iter().map(of).collect()
}

fn item_error(index: usize, code: &'static str, message: impl Into<String>) -> ItemError {
    ItemError {
        index,
        field: None,
        code,
        message: message.into(),
        existing: None,
        current_version: None,
    }
}

/// Carries a batch out as one operation, and finishes the claim with what it did. Begins anew while others get in the
/// way.
///
/// # Errors
/// 422 `batch_refused` naming every item that cannot be carried out; nothing was done then.
pub(crate) async fn carry_out(
    db: &Db,
    privacy: &PrivacyKey,
    batch: &Batch,
    deed: &Deed,
    claim: Option<&Claim>,
) -> ApiResult<Outcome> {
    let items = batch
        .0
        .as_ref()
        .map_err(|errors| ApiError::BatchRefused(errors.clone()))?;
    let warnings = warnings(db, privacy, items, deed.at).await?;
    for attempt in 0..customer::ATTEMPTS {
        match attempt_all(db, items, &warnings, deed, claim).await {
            Ok(Attempt::Done(outcome)) => return Ok(outcome),
            Ok(Attempt::Refused(errors)) => {
                return Err(ApiError::BatchRefused(
                    with_existing(db, items, errors).await?,
                ));
            }
            Ok(Attempt::TakenOver) => return Err(ApiError::IdempotencyKeyInUse),
            Ok(Attempt::Overtaken) => {}
            Err(error) if db::is_contention(&error) => {}
            Err(error) => return Err(error.into()),
        }
        customer::give_way(attempt).await;
    }
    Err(ApiError::Unavailable(
        "too many others are changing these customers",
    ))
}

/// What is to be told of each item: the address of one who was erased is entered again.
async fn warnings(
    db: &Db,
    privacy: &PrivacyKey,
    items: &[Item],
    at: Timestamp,
) -> sqlx::Result<Vec<Option<Warning>>> {
    let entered = items.iter().map(|item| match item {
        Item::Create(new) => Some(new.email.as_str()),
        Item::Update(_, patch) => patch.email().map(|email| email.as_str()),
        Item::Delete(_) => None,
    });
    erased::warnings(db, privacy, entered, at).await
}

enum Attempt {
    Done(Outcome),
    Refused(Vec<ItemError>),
    /// Somebody else wrote a record after it was read here.
    Overtaken,
    /// Another request with the same key does the work.
    TakenOver,
}

/// What came of one item.
enum Carried {
    Out(CustomerId, i64),
    Not(&'static str, &'static str, Option<i64>),
    Overtaken,
}

impl Carried {
    fn out(customer: CustomerRow) -> Self {
        Self::Out(customer.id, customer.version)
    }
}

async fn attempt_all(
    db: &Db,
    items: &[Item],
    warnings: &[Option<Warning>],
    deed: &Deed,
    claim: Option<&Claim>,
) -> sqlx::Result<Attempt> {
    let mut tx = db.begin().await?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for (index, (item, warning)) in items.iter().zip(warnings).enumerate() {
        match carry_out_one(&mut tx, item, deed).await {
            Ok(Carried::Out(id, version)) => results.push(Record {
                id,
                version,
                warnings: warning.clone().map(|warning| [warning]),
            }),
            Ok(Carried::Not(code, message, current_version)) => errors.push(ItemError {
                current_version,
                ..item_error(index, code, message)
            }),
            Ok(Carried::Overtaken) => return Ok(Attempt::Overtaken),
            Err(error) if db::is_taken(&error) => errors.push(ItemError {
                field: Some("email".to_owned()),
                ..item_error(index, "email_taken", "this e-mail address is taken")
            }),
            Err(error) => return Err(error),
        }
    }
    if !errors.is_empty() {
        return Ok(Attempt::Refused(errors));
    }
    let operation_id = deed.operation.clone();
    let outcome = Outcome {
        operation_id,
        results,
    };
    if let Some(claim) = claim {
        let result = serde_json::to_string(&outcome).expect("ids and versions serialise");
        if !claim.finish(&mut tx, &result).await? {
            return Ok(Attempt::TakenOver);
        }
    }
    tx.commit().await?;
    Ok(Attempt::Done(outcome))
}

async fn carry_out_one(tx: &mut Tx, item: &Item, deed: &Deed) -> sqlx::Result<Carried> {
    let (target, action) = match item {
        Item::Create(new) => {
            let deed = Deed {
                action: Action::Created,
                ..deed.clone()
            };
            return store::create_in(tx, new, &deed).await.map(Carried::out);
        }
        Item::Update(target, _) => (target, Action::Updated),
        Item::Delete(target) => (target, Action::Deleted),
    };
    let found = customer::find_in(tx, target.id).await?;
    let Some(before) = found.filter(|customer| customer.deleted_at.is_none()) else {
        return Ok(Carried::Not("not_found", "there is no such customer", None));
    };
    if target
        .version
        .is_some_and(|version| version != before.version)
    {
        let message = "the customer has changed since that version";
        return Ok(Carried::Not(
            "version_mismatch",
            message,
            Some(before.version),
        ));
    }
    let after = match item {
        Item::Update(_, patch) => patch.apply(before.clone()),
        _ => CustomerRow {
            deleted_at: Some(deed.at),
            ..before.clone()
        },
    };
    if after == before {
        return Ok(Carried::out(before));
    }
    let deed = Deed {
        action,
        ..deed.clone()
    };
    let written = customer::write_in(tx, &before, &after, &deed).await?;
    Ok(written.map_or(Carried::Overtaken, Carried::out))
}

/// Says who has the addresses that are taken. An address that another item of the batch takes has nobody yet.
async fn with_existing(
    db: &Db,
    items: &[Item],
    mut errors: Vec<ItemError>,
) -> sqlx::Result<Vec<ItemError>> {
    for error in errors
        .iter_mut()
        .filter(|error| error.code == "email_taken")
    {
        let address = match items.get(error.index) {
            Some(Item::Create(new)) => Some(&new.email),
            Some(Item::Update(_, patch)) => patch.email(),
            Some(Item::Delete(_)) | None => None,
        };
        if let Some(address) = address {
            let id = customer::find_by_email(db, address.as_str()).await?;
            error.existing = id.map(|id| Existing { id, deleted: false });
        }
    }
    Ok(errors)
}
