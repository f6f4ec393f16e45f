//! Sign-in, tokens, sessions and users.
//!
//! [`router`] answers and [`describe`] describes that; [`users`], [`sessions`], [`limits`], [`keys`] and [`Passwords`] also serve the all-in-one and the operator's program.

mod accept;
mod answer;
mod config;
mod cookies;
mod deadline;
mod device;
mod flow;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod handlers;
mod identities;
pub mod keys;
pub mod limits;
mod model;
mod password;
mod providers;
mod refresh;
mod routes;
pub mod sessions;
mod store;
mod tokens;
pub mod users;

pub use config::Config;
pub use model::{NewUser, User};
pub use password::{Passwords, random_password};
pub use providers::redirect_uris;

use axum::{Router, extract::FromRef, routing::head};
use handlers::provider;
use shared::{api::Document, db::Db, server::Context, token::Verifier};
use tokens::Issuer;

/// What the handlers work with.
#[derive(Clone)]
struct AuthState {
    context: Context,
    config: Config,
    issuer: Issuer,
    passwords: Passwords,
}

impl FromRef<AuthState> for Verifier {
    fn from_ref(state: &AuthState) -> Self {
        state.context.verifier.clone()
    }
}

impl FromRef<AuthState> for Db {
    fn from_ref(state: &AuthState) -> Self {
        state.context.db.clone()
    }
}

/// Everything this function answers.
pub fn router(config: Config, context: Context) -> Router {
    config.providers.announce();
    let state = AuthState {
        issuer: Issuer::new(&config, &context.public),
        passwords: Passwords::new(),
        context,
        config,
    };
    routes::routes(Router::new())
        .route("/login/{provider}/callback", head(provider::refuse_head))
        .with_state(state)
}

/// Adds everything that this function answers to the document.
#[must_use]
pub fn describe(document: Document) -> Document {
    routes::routes(document)
}
