//! What this function answers: the one table that is its router and its part of the OpenAPI document.

use crate::{
    CustomersState,
    batch::Outcome,
    handlers::{
        create_customer, delete_customer, find_customer, list_customers, list_history,
        put_customer_by_email, replace_customer, restore_customer, update_customer, write_batch,
    },
    model::Event,
};
use axum::http::StatusCode as S;
use serde_json::json;
use shared::{
    api::{
        Operation,
        ResponseHeader::{ETag, IdempotencyReplayed, Link, Location},
        Routes,
        schemas::email,
    },
    customer::Customer,
    error::Code,
    page::Page,
};

/// Takes the whole table.
pub(crate) fn routes<R: Routes<CustomersState>>(table: R) -> R {
    others(one(all(table)))
}

fn all<R: Routes<CustomersState>>(table: R) -> R {
    table
        .chapter("Customers", "Whom the shop keeps, and what happened to them.")
        .get("/customers", list_customers, |operation| {
            operation
                .does(
                    "List customers",
                    "Every parameter narrows the list. A page may be short, or empty, although there are more: `next_cursor` decides.",
                )
                .answers::<Page<Customer>>(S::OK, "One page.")
                .with(Link)
                .refuses(&[Code::InvalidCursor])
        })
        .post("/customers", create_customer, |operation| {
            created(operation.does("Make a customer", "E-mail addresses are unique among the living; a deleted customer frees theirs."))
                .example(json!({ "email": "ada@example.com", "name": "Ada", "surname": "Lovelace" }))
                .with(IdempotencyReplayed)
                .refuses(&[Code::EmailTaken, Code::NotFound, Code::Erased])
        })
        .post("/customers/batch", write_batch, |operation| {
            operation
                .does(
                    "Make, change and delete many customers at once",
                    "All items are carried out, or none. A batch is one operation in the history.",
                )
                .example(json!({ "items": [
                    { "create": { "email": "ada@example.com", "name": "Ada", "surname": "Lovelace" } },
                    { "update": { "id": 7, "version": 3, "changes": { "phone": null } } },
                    { "delete": { "id": 8 } },
                ] }))
                .answers::<Outcome>(S::OK, "All of it is done.")
                .with(IdempotencyReplayed)
                .refuses(&[Code::BatchRefused])
        })
        .put("/customers/by-email/{email}", put_customer_by_email, |operation| {
            let address = "The e-mail address, percent-encoded.";
            created(operation.does(
                "Replace the customer with an e-mail address, or make one",
                "`If-None-Match: *` makes one only where nobody has the address; `If-Match` only replaces.",
            ))
            .where_is("email", address, email())
            .answers::<Customer>(S::OK, "The customer was replaced.")
            .with(ETag)
            .refuses(&[Code::VersionMismatch])
        })
}

fn one<R: Routes<CustomersState>>(table: R) -> R {
    table
        .get("/customers/{id}", find_customer, |operation| {
            shown(operation.does("Show a customer", "As it is, or as it was."))
                .answers_empty(S::NOT_MODIFIED, "The client has this version.")
                .with(ETag)
                .refuses(&[Code::Erased])
        })
        .put("/customers/{id}", replace_customer, |operation| {
            shown(operation.does(
                "Replace a customer",
                "An optional field that is absent is cleared; the e-mail address is kept.",
            ))
            .refuses(&[Code::EmailTaken])
        })
        .patch("/customers/{id}", update_customer, |operation| {
            shown(operation.does(
                "Change a customer",
                "What is absent stays, `null` clears (RFC 7396).",
            ))
            .also_as("application/merge-patch+json")
            .example(json!({ "surname": "King", "phone": null }))
            .refuses(&[Code::EmailTaken])
        })
        .delete("/customers/{id}", delete_customer, |operation| {
            operation
                .does(
                    "Delete a customer",
                    "It can be restored; its address is free again.",
                )
                .answers_empty(S::NO_CONTENT, "It is deleted.")
                .refuses(&[Code::NotFound])
        })
}

fn others<R: Routes<CustomersState>>(table: R) -> R {
    table
        .post("/customers/{id}/restore", restore_customer, |operation| {
            shown(operation.does(
                "Restore a deleted customer",
                "One that is not deleted is answered as it is.",
            ))
            .refuses(&[Code::EmailTaken, Code::Erased])
        })
        .get("/customers/{id}/history", list_history, |operation| {
            operation
                .does(
                    "List what happened to a customer",
                    "The newest first; also of a deleted one.",
                )
                .answers::<Page<Event>>(S::OK, "One page.")
                .with(Link)
                .refuses(&[Code::InvalidCursor, Code::NotFound])
        })
}

/// Shows a customer, if there is one.
fn shown(operation: Operation) -> Operation {
    operation
        .answers::<Customer>(S::OK, "The customer.")
        .with(ETag)
        .refuses(&[Code::NotFound])
}

/// Shows the customer that was made.
fn created(operation: Operation) -> Operation {
    operation
        .answers::<Customer>(S::CREATED, "The customer was made.")
        .with(Location)
        .with(ETag)
}
