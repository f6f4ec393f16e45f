//! Sign-in, tokens, sessions and users.
//!
//! [`router`] answers; [`users`], [`sessions`], [`limits`], [`keys`] and [`Passwords`] also serve the all-in-one and the operator's program.

mod accept;
mod answer;
mod config;
mod cookies;
mod deadline;
mod device;
mod flow;
mod handlers;
mod identities;
pub mod keys;
pub mod limits;
mod model;
mod password;
mod providers;
mod refresh;
pub mod sessions;
mod store;
mod tokens;
pub mod users;

pub use config::Config;
pub use model::{NewUser, User};
pub use password::{Passwords, random_password};
pub use providers::redirect_uris;

use axum::{
    Router,
    extract::FromRef,
    routing::{delete, get, post, put},
};
use handlers::{identities as links, login, me, provider, session, users as people};
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
    config.providers.announce();
    let state = AuthState {
        issuer: Issuer::new(&config, &context.public),
        passwords: Passwords::new(),
        context,
        config,
    };
    Router::new()
        .route("/login", get(provider::list_providers).post(login::log_in))
        .route("/login/{provider}", get(provider::begin_sign_in))
        .route(
            "/login/{provider}/callback",
            get(provider::finish).head(provider::refuse_head),
        )
        .route("/token", post(session::refresh_token))
        .route("/logout", post(session::log_out))
        .route("/.well-known/jwks.json", get(session::list_keys))
        .route("/me", get(me::find_me))
        .route("/me/password", put(me::update_password))
        .route("/me/sessions", get(me::list_sessions))
        .route("/me/sessions/{id}", delete(me::delete_session))
        .route(
            "/me/identities/{provider}",
            post(links::begin_link).delete(links::delete_identity),
        )
        .route("/users", get(people::list_users).post(people::create_user))
        .route(
            "/users/{id}",
            get(people::find_user)
                .patch(people::update_user)
                .delete(people::delete_user),
        )
        .with_state(state)
}
