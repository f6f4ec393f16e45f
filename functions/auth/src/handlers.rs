//! What the routes do, a file a resource.

pub(crate) mod identities;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod provider;
pub(crate) mod session;
pub(crate) mod users;
