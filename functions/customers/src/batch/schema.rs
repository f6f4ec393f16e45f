//! The form of a batch, as its parser reads it.

use super::{Batch, MOST};
use crate::model::{CustomerPatch, NewCustomer};
use shared::{api::schemas::closed, id::CustomerId};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, SchemaFormat,
        Type, schema::AdditionalProperties,
    },
};

impl PartialSchema for Batch {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new()
            .items(item())
            .min_items(Some(1))
            .max_items(Some(MOST))
            .description(Some("Carried out in this order, all of them or none."));
        ObjectBuilder::new()
            .property("items", items)
            .required("items")
            .into()
    }
}

impl ToSchema for Batch {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        CustomerId::schemas(schemas);
        schemas.push((CustomerId::name().into_owned(), CustomerId::schema()));
        schemas.push((NewCustomer::name().into_owned(), closed::<NewCustomer>()));
        schemas.push((
            CustomerPatch::name().into_owned(),
            closed::<CustomerPatch>(),
        ));
    }
}

fn item() -> OneOfBuilder {
    let changes = Ref::from_schema_name(CustomerPatch::name());
    let update = target().property("changes", changes).required("changes");
    OneOfBuilder::new()
        .item(one("create", Ref::from_schema_name(NewCustomer::name())))
        .item(one("update", update))
        .item(one("delete", target()))
}

/// An object with this one field.
fn one(verb: &str, body: impl Into<RefOr<Schema>>) -> ObjectBuilder {
    only().property(verb, body).required(verb)
}

/// Which customer, and at which version if only that will do.
fn target() -> ObjectBuilder {
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
    only()
        .property("id", Ref::from_schema_name(CustomerId::name()))
        .required("id")
        .property("version", version)
}

/// An object that holds nothing but what is named.
fn only() -> ObjectBuilder {
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)))
}
