//! What clients send, and the history as they see it.

use serde::Serialize;
use serde_json::{json, value::RawValue};
use shared::{
    api::schemas,
    body::{Change, Fields, FromFields, line, lines},
    customer::{Action, CustomerRow},
    email::Email,
    id::{OperationId, UserId},
    time::Timestamp,
};
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, schema::SchemaType},
};

/// The longest name or surname, in characters.
const NAME: usize = 120;
/// The longest telephone number, in characters.
const PHONE: usize = 40;
/// The longest notes, in characters.
const NOTES: usize = 4_000;

/// What makes a customer.
#[derive(Debug, ToSchema)]
pub(crate) struct NewCustomer {
    #[schema(schema_with = schemas::email)]
    pub(crate) email: Email,
    #[schema(schema_with = schemas::line::<NAME>)]
    pub(crate) name: String,
    #[schema(schema_with = schemas::line::<NAME>)]
    pub(crate) surname: String,
    #[schema(schema_with = schemas::line_or_null::<PHONE>, required = false)]
    pub(crate) phone: Option<String>,
    #[schema(schema_with = schemas::lines_or_null::<NOTES>, required = false)]
    pub(crate) notes: Option<String>,
}

impl FromFields for NewCustomer {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", Email::parse);
        let name = fields.required("name", line(NAME));
        let surname = fields.required("surname", line(NAME));
        let phone = fields.optional("phone", line(PHONE));
        let notes = fields.optional("notes", lines(NOTES));
        Some(Self {
            email: email?,
            name: name?,
            surname: surname?,
            phone,
            notes,
        })
    }
}

/// What replaces a customer: an optional field that is absent is cleared, the e-mail address is kept.
#[derive(Debug, ToSchema)]
pub(crate) struct Replacement {
    #[schema(schema_with = schemas::email, required = false)]
    email: Option<Email>,
    #[schema(schema_with = schemas::line::<NAME>)]
    name: String,
    #[schema(schema_with = schemas::line::<NAME>)]
    surname: String,
    #[schema(schema_with = schemas::line_or_null::<PHONE>, required = false)]
    phone: Option<String>,
    #[schema(schema_with = schemas::lines_or_null::<NOTES>, required = false)]
    notes: Option<String>,
}

impl FromFields for Replacement {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let email = fields.unless_absent("email", Email::parse);
        let name = fields.required("name", line(NAME));
        let surname = fields.required("surname", line(NAME));
        let phone = fields.optional("phone", line(PHONE));
        let notes = fields.optional("notes", lines(NOTES));
        Some(Self {
            email,
            name: name?,
            surname: surname?,
            phone,
            notes,
        })
    }
}

impl Replacement {
    /// The same with the e-mail address of a path. `None` when the body names another.
    pub(crate) fn of(mut self, address: &Email) -> Option<Self> {
        let named = self.email.get_or_insert_with(|| address.clone());
        (named.key() == address.key()).then_some(self)
    }

    /// What makes the customer who is not there to be replaced. `None` without an address.
    pub(crate) fn anew(&self) -> Option<NewCustomer> {
        Some(NewCustomer {
            email: self.email.clone()?,
            name: self.name.clone(),
            surname: self.surname.clone(),
            phone: self.phone.clone(),
            notes: self.notes.clone(),
        })
    }

    /// The record with everything replaced that a client may set.
    pub(crate) fn apply(&self, before: CustomerRow) -> CustomerRow {
        CustomerRow {
            email: kept(self.email.as_ref(), before.email),
            name: self.name.clone(),
            surname: self.surname.clone(),
            phone: self.phone.clone(),
            notes: self.notes.clone(),
            ..before
        }
    }
}

/// What changes a customer: what is absent stays, `null` clears (RFC 7396).
#[derive(Debug, ToSchema)]
pub(crate) struct CustomerPatch {
    #[schema(schema_with = schemas::email, required = false)]
    email: Option<Email>,
    #[schema(schema_with = schemas::line::<NAME>, required = false)]
    name: Option<String>,
    #[schema(schema_with = schemas::line::<NAME>, required = false)]
    surname: Option<String>,
    #[schema(schema_with = schemas::line_or_null::<PHONE>, required = false)]
    phone: Change<String>,
    #[schema(schema_with = schemas::lines_or_null::<NOTES>, required = false)]
    notes: Change<String>,
}

impl FromFields for CustomerPatch {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            email: fields.unless_absent("email", Email::parse),
            name: fields.unless_absent("name", line(NAME)),
            surname: fields.unless_absent("surname", line(NAME)),
            phone: fields.change("phone", line(PHONE)),
            notes: fields.change("notes", lines(NOTES)),
        })
    }
}

impl CustomerPatch {
    /// The address that it sets.
    pub(crate) const fn email(&self) -> Option<&Email> {
        self.email.as_ref()
    }

    /// The record with what the patch names changed.
    pub(crate) fn apply(&self, before: CustomerRow) -> CustomerRow {
        let mut after = CustomerRow {
            email: kept(self.email.as_ref(), before.email),
            name: self.name.clone().unwrap_or(before.name),
            surname: self.surname.clone().unwrap_or(before.surname),
            ..before
        };
        self.phone.clone().apply(&mut after.phone);
        self.notes.clone().apply(&mut after.notes);
        after
    }
}

fn kept(new: Option<&Email>, old: String) -> String {
    new.map_or(old, |email| email.as_str().to_owned())
}

/// One thing that happened to a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// The version that the customer had then.
    #[schema(minimum = 1)]
    pub(crate) version: i64,
    #[schema(schema_with = action)]
    action: String,
    at: Timestamp,
    by: UserId,
    operation_id: OperationId,
    #[schema(schema_with = changes)]
    changes: Box<RawValue>,
}

fn action() -> ObjectBuilder {
    schemas::one_of(Action::ALL.map(Action::as_str)).description(Some("What was done."))
}

fn changes() -> ObjectBuilder {
    let values = ObjectBuilder::new()
        .property("from", Object::with_type(SchemaType::AnyValue))
        .property("to", Object::with_type(SchemaType::AnyValue));
    ObjectBuilder::new()
        .additional_properties(Some(values))
        .description(Some(
            "What each field that changed was before and is after.",
        ))
        .examples([json!({ "surname": { "from": "Lovelace", "to": "King" } })])
}

/// A row of the history.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct EventRow {
    version: i64,
    action: String,
    at: Timestamp,
    actor_id: UserId,
    operation_id: OperationId,
    changes: String,
}

impl TryFrom<EventRow> for Event {
    type Error = serde_json::Error;

    fn try_from(row: EventRow) -> Result<Self, Self::Error> {
        Ok(Self {
            version: row.version,
            action: row.action,
            at: row.at,
            by: row.actor_id,
            operation_id: row.operation_id,
            changes: RawValue::from_string(row.changes)?,
        })
    }
}
