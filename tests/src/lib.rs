//! The test rig: the real program on a fresh database, driven from outside over TLS.
//!
//! `TEST_MYSQL_URL` (an address whose user may make databases) puts every product on MySQL or MariaDB; without it on
//! SQLite. `TEST_SHAPE=services` runs three services behind the gateway in place of the all-in-one. `tests/run` does
//! all three.

pub mod client;
pub mod database;
pub mod photo;
pub mod process;
pub mod product;
pub mod provider;
pub mod sign_in;
pub mod storage;
pub mod visitor;

pub use client::{Answer, Client, plain};
pub use process::Process;
pub use product::{Options, Product, Shape};
pub use sign_in::SignIn;
pub use visitor::{Flow, Visitor};

/// The password of every user that a test makes.
pub const PASSWORD: &str = "correct horse battery";
/// The first administrator of every product.
pub const ADMIN: &str = "admin@example.com";
