//! Black-box tests: the running program, its status, headers and body together.
//!
//! One file a resource: the happy path first, then each refusal.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod as_of;
mod batch;
mod by_email;
mod cursors;
mod customers;
mod doctor;
mod document;
mod durability;
mod enumeration;
mod erasure;
mod first_start;
mod functions;
mod gateway;
mod hostile;
mod idempotency;
mod limits;
mod lists;
mod oauth;
mod oauth_cookie;
mod oauth_cost;
mod oauth_defaults;
mod oauth_id_token;
mod oauth_link;
mod oauth_redirect;
mod oauth_settings;
mod oauth_state;
mod oauth_upstream;
mod operator;
mod paging;
mod photos;
mod problems;
mod refusals;
mod remnants;
mod replicas;
mod search;
mod session;
mod shown;
mod sign_in_page;
mod site;
mod skew;
mod storage;
mod storm;
mod tokens;
mod uploads;
mod users;
