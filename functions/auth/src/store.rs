//! The SQL of users, their sessions and identities.

pub(crate) mod identities;
pub(crate) mod sessions;
pub(crate) mod users;
