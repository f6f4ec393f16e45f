//! The SQL of users, their sessions and identities, and of limits.

pub(crate) mod identities;
pub(crate) mod limits;
pub(crate) mod sessions;
pub(crate) mod users;
