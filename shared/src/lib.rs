//! What every function of the service shares.
//!
//! From the ground up: [`config`] reads the environment, [`db`] speaks to either database, [`error`] answers
//! problems, [`extract`] and [`body`] read requests, [`token`] checks who asks, [`page`] shows lists, [`customer`] is the one record
//! that two functions write, [`server`] runs a router, and [`api`] describes what it answers.

pub mod api;
pub mod body;
pub mod config;
pub mod customer;
pub mod db;
pub mod email;
pub mod error;
pub mod extract;
pub mod fold;
pub mod id;
pub mod idempotency;
pub mod image_url;
pub mod page;
pub mod privacy;
pub mod seal;
pub mod server;
pub mod telemetry;
pub mod time;
pub mod tls;
pub mod token;
