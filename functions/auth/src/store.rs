//! The SQL of users and sessions.

pub(crate) mod sessions;
pub(crate) mod users;
