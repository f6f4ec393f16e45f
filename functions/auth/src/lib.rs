//! Sign-in, tokens, sessions and users.
//!
//! [`router`] answers; [`users`], [`sessions`], [`keys`] and [`Passwords`] also serve the all-in-one and the operator's program.

mod config;
mod handlers;
pub mod keys;
mod model;
mod password;
mod refresh;
pub mod sessions;
mod store;
mod tokens;
pub mod users;

pub use config::Config;
pub use model::{NewUser, User};
pub use password::{Passwords, random_password};

use axum::{
    Router,
    extract::FromRef,
    routing::{delete, get, post, put},
};
use handlers::{me, session, users as people};
use shared::{db::Db, server::Context, token::Verifier};
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
    let state = AuthState {
        issuer: Issuer::new(&config, &context.public),
        passwords: Passwords::new(),
        context,
        config,
    };
    Router::new()
        .route("/login", post(session::log_in))
        .route("/token", post(session::refresh_token))
        .route("/logout", post(session::log_out))
        .route("/.well-known/jwks.json", get(session::list_keys))
        .route("/me", get(me::find_me))
        .route("/me/password", put(me::update_password))
        .route("/me/sessions", get(me::list_sessions))
        .route("/me/sessions/{id}", delete(me::delete_session))
        .route("/users", get(people::list_users).post(people::create_user))
        .route(
            "/users/{id}",
            get(people::find_user)
                .patch(people::update_user)
                .delete(people::delete_user),
        )
        .with_state(state)
}
