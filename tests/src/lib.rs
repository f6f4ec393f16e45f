//! The test rig: the real program on a fresh database, driven from outside over TLS.
//!
//! `TEST_MYSQL_URL` (an address whose user may make databases) puts every product on MySQL or MariaDB; without it on
//! SQLite. `TEST_SHAPE=services` runs three services behind the gateway, with pictures in an emulator of Google's storage
//! (`FAKE_GCS_SERVER`), in place of the all-in-one. `tests/run` does all three. `TEST_PROGRAMS` (a folder) takes programs
//! from elsewhere than where the test was built.

pub mod audit;
pub mod client;
pub mod collector;
pub mod contract;
pub mod crowd;
pub mod database;
pub mod function;
pub mod instance;
pub mod mariadb;
pub mod photo;
pub mod pictures;
pub mod process;
pub mod product;
pub mod provider;
pub mod sign_in;
pub mod storage;
pub mod visitor;
pub mod way;

pub use client::{Answer, Client, plain};
pub use collector::Collector;
pub use function::Function;
pub use instance::{Clock, Instance};
pub use mariadb::MariaDb;
pub use pictures::Pictures;
pub use process::{Process, optimised};
pub use product::{Options, Product, Shape};
pub use sign_in::SignIn;
pub use visitor::{Flow, Visitor};

/// The password of every user that a test makes.
pub const PASSWORD: &str = "correct horse battery";
/// The first administrator of every product.
pub const ADMIN: &str = "admin@example.com";
