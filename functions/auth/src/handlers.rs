//! What the routes do, a file a resource.

pub(crate) mod identities;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod provider;
pub(crate) mod session;
pub(crate) mod users;

use serde::Deserialize;
use shared::page::Limit;
use utoipa::IntoParams;

/// Which page of a list is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    #[serde(default)]
    #[param(schema_with = Limit::schema)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}
