//! What the routes do, a file a resource.

pub(crate) mod me;
pub(crate) mod session;
pub(crate) mod users;
