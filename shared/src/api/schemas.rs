//! Schemas of what has rules of its own: texts, ids, times, pages. Where a rule has a bound, the schema has the same.

use crate::{id, image_url::ImageSize, page::Page, time::Timestamp, token::Role};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
        schema::{AdditionalProperties, SchemaType},
    },
};

/// Characters that no text may hold, in a regular expression's brackets.
const CONTROL: &str = r"\u0000-\u001F\u007F-\u009F";
/// The same for a text of several lines.
const CONTROL_IN_LINES: &str = r"\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F";

/// Any text.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// One of these words.
pub fn one_of(words: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(words))
}

fn bounded(max: usize, control: &str) -> ObjectBuilder {
    let pattern = format!(r"^[^{control}]*[^{control}\s][^{control}]*$");
    text()
        .min_length(Some(1))
        .max_length(Some(max))
        .pattern(Some(pattern))
}

/// The same text, or nothing.
pub fn or_null(schema: ObjectBuilder) -> ObjectBuilder {
    schema.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// One line of text, as [`crate::body::line()`] reads it.
pub fn line<const MAX: usize>() -> ObjectBuilder {
    bounded(MAX, CONTROL)
}

/// The same, or nothing.
pub fn line_or_null<const MAX: usize>() -> ObjectBuilder {
    or_null(line::<MAX>())
}

/// Text of several lines, or nothing, as [`crate::body::lines()`] reads it.
pub fn lines_or_null<const MAX: usize>() -> ObjectBuilder {
    or_null(bounded(MAX, CONTROL_IN_LINES))
}

/// An e-mail address, as [`crate::email::Email::parse`] reads it.
pub fn email() -> ObjectBuilder {
    let letter = r"[^\u0000-\u00A0\s]|[A-Za-z0-9";
    let atom = format!(r"(?:{letter}!#$%&'*+/=?^_`{{|}}~-])");
    let edge = format!("(?:{letter}])");
    let label = format!("{edge}(?:(?:{letter}-]){{0,61}}{edge})?");
    text()
        .max_length(Some(crate::email::MAX))
        .pattern(Some(format!(
            r"^{atom}+(?:\.{atom}+)*@{label}(?:\.{label})*$"
        )))
        .examples(["ada@example.com"])
}

/// A number that an id is.
fn number(about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1_i64))
        .maximum(Some(i64::MAX))
        .description(Some(about))
        .examples([7])
}

/// 128 random bits.
fn random(about: &str) -> ObjectBuilder {
    text()
        .pattern(Some("^[0-9a-f]{32}$"))
        .description(Some(about))
        .examples(["5e8c1f0b9a7d4e3f8b2a6c4d1e0f9a8b"])
}

/// The schema of a JSON body, which holds no fields but those that its type names.
pub fn closed<T: ToSchema>() -> RefOr<Schema> {
    let mut schema = T::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        let none = AdditionalProperties::FreeForm(false);
        object.additional_properties = Some(Box::new(none));
    }
    schema
}

/// The same without `null`, which no query can say.
pub(super) fn without_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    let null = SchemaType::Type(Type::Null);
    match schema {
        RefOr::T(Schema::OneOf(mut one_of)) => {
            let is_null = |item: &RefOr<Schema>| matches!(item, RefOr::T(Schema::Object(object)) if object.schema_type == null);
            one_of.items.retain(|item| !is_null(item));
            match one_of.items.pop() {
                Some(only) if one_of.items.is_empty() => only,
                last => {
                    one_of.items.extend(last);
                    RefOr::T(Schema::OneOf(one_of))
                }
            }
        }
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|one| *one != Type::Null);
                if let [only] = types.as_slice() {
                    object.schema_type = SchemaType::Type(only.clone());
                }
            }
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

macro_rules! schemas {
    ($($type:ty = $schema:expr;)*) => {
        $(
            impl PartialSchema for $type {
                fn schema() -> RefOr<Schema> {
                    $schema.into()
                }
            }

            impl ToSchema for $type {}
        )*
    };
}

schemas! {
    id::UserId = number("Identifies a user.");
    id::CustomerId = number("Identifies a customer.");
    id::SessionId = random("Identifies one sign-in of a user, from its first token to its end.");
    id::ImageId = random("Identifies one picture in all its sizes; another picture has another id.");
    id::OperationId = random("Identifies one request that changed something.");
    Timestamp = text()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("An instant: RFC 3339, UTC, microseconds."))
        .examples(["2026-11-25T08:00:00.000000Z"]);
    Role = one_of([Role::User, Role::Admin].map(Role::as_str))
        .description(Some("What a user may do: `user` keeps customers, `admin` also users."));
    ImageSize = one_of(ImageSize::ALL.map(ImageSize::as_str)).description(Some(
        "`small` is a square of 128 pixels, `medium` one of 512, `large` the whole picture within 2048.",
    ));
}

impl<T: ToSchema + Serialize> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let rows = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let cursor = SchemaType::from_iter([Type::String, Type::Null]);
        let cursor = ObjectBuilder::new().schema_type(cursor).description(Some(
            "The `cursor` of the next page; `null` on the last one. It belongs to this list with this filter and order.",
        ));
        let total = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0_i64))
            .description(Some(
                "How many the whole list has, where `count=true` asks.",
            ));
        ObjectBuilder::new()
            .property("data", rows)
            .required("data")
            .property("next_cursor", cursor)
            .required("next_cursor")
            .property("total", total)
            .description(Some("One page of a list."))
            .into()
    }
}

impl<T: ToSchema + Serialize> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
    }
}
