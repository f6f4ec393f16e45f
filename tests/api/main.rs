//! Black-box tests: the running program, its status, headers and body together.
//!
//! One file a resource: the happy path first, then each refusal.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod customers;
mod doctor;
mod durability;
mod first_start;
mod functions;
mod gateway;
mod operator;
mod photos;
mod problems;
mod refusals;
mod session;
mod storage;
mod tokens;
mod users;
