//! What this function answers: the one table that is its router and its part of the OpenAPI document.

use crate::{
    AuthState,
    handlers::{
        identities as links, login, me, provider,
        session::{self, Presented},
        users as people,
    },
    model::{Departure, Linked, Offered, RefreshRequest, SessionView, User},
    providers::{Name, Provider},
    tokens::Tokens,
};
use axum::http::StatusCode as S;
use serde_json::json;
use shared::{
    api::{
        Argument, BODY, Operation,
        ResponseHeader::{CacheControl, Link, Location, SetCookie},
        Routes,
        schemas::{one_of, text},
    },
    error::Code,
    page::Page,
};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder};

/// Takes the whole table.
pub(crate) fn routes<R: Routes<AuthState>>(table: R) -> R {
    users(account(sign_in(table)))
}

fn sign_in<R: Routes<AuthState>>(table: R) -> R {
    table
        .chapter("Sign-in", "Getting in, staying in, getting out.")
        .post("/login", login::log_in, |operation| {
            operation
                .does(
                    "Sign in with e-mail address and password",
                    "An unknown, a disabled and a password-less account answer as a wrong password does. With `refresh_in` `cookie`, which only the product's own pages may ask for, the refresh token is in the cookie alone.",
                )
                .example(json!({ "email": "ada@example.com", "password": "correct horse battery" }))
                .answers::<Tokens>(S::OK, "The tokens of a new session.")
                .with(SetCookie)
                .refuses(&[Code::Forbidden, Code::InvalidCredentials, Code::TooManyAttempts])
        })
        .get("/login", provider::list_providers, |operation| {
            operation
                .does("List the providers to sign in with", "Those that are configured, for a page with a button for each.")
                .answers::<Offered>(S::OK, "Their names.")
        })
        .get("/login/{provider}", provider::begin_sign_in, |operation| {
            operation
                .does(
                    "Begin to sign in through a provider",
                    "Sets a cookie that the way back needs; several ways may be under way at once. A browser, whose `Accept` prefers `text/html`, is sent to the provider at once; with `return_to` it comes back to that page, also with `?error=` and a problem's code.",
                )
                .answers::<Departure>(S::OK, "Where to go.")
                .with(SetCookie)
                .answers_empty(S::SEE_OTHER, "A browser goes to the provider.")
                .with(Location)
                .with(SetCookie)
                .refuses(&[Code::ProviderError])
        })
        .get("/login/{provider}/callback", provider::finish, |operation| {
            operation
                .does(
                    "Come back from a provider",
                    "Only providers lead here. Parameters that are not known are ignored (RFC 6749, section 4.1.2).",
                )
                .answers_either::<Tokens, Linked>(S::OK, "The tokens of a new session; or the provider that is linked now.")
                .with(SetCookie)
                .answers_empty(S::SEE_OTHER, "A browser that wanted to come back goes to its page, with the refresh token in its cookie, or with `?linked=` or `?error=`.")
                .with(Location)
                .with(SetCookie)
                .refuses(&[
                    Code::InvalidState,
                    Code::ProviderDenied,
                    Code::Unauthenticated,
                    Code::NotRegistered,
                    Code::EmailNotVerified,
                    Code::IdentityTaken,
                    Code::ProviderError,
                ])
                .refuses_with(SetCookie)
        })
        .post("/token", session::refresh_token, |operation| {
            operation
                .does(
                    "Exchange a refresh token for the next tokens",
                    "Each refresh token is used once. The one before it gives the same answer for 20 seconds, for answers that get lost; after that its use ends the session. A browser sends the cookie and no body, and gets the next refresh token in the cookie alone.",
                )
                .answers::<Tokens>(S::OK, "The next tokens.")
                .with(SetCookie)
                .refuses(&[Code::InvalidRefreshToken])
        })
        .post("/logout", session::log_out, |operation| {
            operation
                .does("Sign out", "Ends the session of the access token, and clears the refresh cookie.")
                .answers_empty(S::NO_CONTENT, "The session is over.")
                .with(SetCookie)
        })
        .get("/.well-known/jwks.json", session::list_keys, |operation| {
            operation
                .does("List the keys that check access tokens", "A JWK set of Ed25519 keys (RFC 8037).")
                .answers_as("application/json", S::OK, "The keys.", key_set())
                .with(CacheControl)
        })
}

fn account<R: Routes<AuthState>>(table: R) -> R {
    table
        .chapter("Account", "One's own account.")
        .get("/me", me::find_me, |operation| {
            operation
                .does("Show who is signed in", "")
                .answers::<User>(S::OK, "The user.")
        })
        .put("/me/password", me::update_password, |operation| {
            operation
                .does("Change one's own password", "Ends every other session.")
                .answers_empty(S::NO_CONTENT, "The new password counts from now on.")
                .refuses(&[Code::TooManyAttempts])
        })
        .get("/me/sessions", me::list_sessions, |operation| {
            operation
                .does("List where one is signed in", "The latest first.")
                .answers::<Page<SessionView>>(S::OK, "One page.")
                .with(Link)
                .refuses(&[Code::InvalidCursor])
        })
        .delete("/me/sessions/{id}", me::delete_session, |operation| {
            operation
                .does("End one of one's sessions", "")
                .answers_empty(S::NO_CONTENT, "It is over.")
                .refuses(&[Code::NotFound])
        })
        .post("/me/identities/{provider}", links::begin_link, |operation| {
            operation
                .does(
                    "Begin to link a provider to one's account",
                    "The person agrees at the provider and comes back by `/login/{provider}/callback`.",
                )
                .answers::<Departure>(S::OK, "Where to go.")
                .with(SetCookie)
                .refuses(&[Code::ProviderError])
        })
        .delete("/me/identities/{provider}", links::delete_identity, |operation| {
            operation
                .does("Unlink a provider from one's account", "")
                .where_is("provider", "The provider's name.", one_of(Name::ALL.map(Name::as_str)))
                .answers_empty(S::NO_CONTENT, "It is unlinked.")
                .refuses(&[Code::NotFound, Code::UnknownProvider, Code::LastWayIn])
        })
}

fn users<R: Routes<AuthState>>(table: R) -> R {
    table
        .chapter("Users", "Who may sign in, and who administers.")
        .get("/users", people::list_users, |operation| {
            operation
                .does("List users", "By id.")
                .answers::<Page<User>>(S::OK, "One page.")
                .with(Link)
                .refuses(&[Code::InvalidCursor])
        })
        .post("/users", people::create_user, |operation| {
            operation
                .does("Make a user", "Nobody is told; they sign in with the password that is set here, or through a provider that vouches for their e-mail address.")
                .example(json!({ "email": "ada@example.com", "name": "Ada", "role": "user" }))
                .answers::<User>(S::CREATED, "The user.")
                .with(Location)
                .refuses(&[Code::EmailTaken])
        })
        .get("/users/{id}", people::find_user, |operation| {
            operation
                .does("Show a user", "")
                .answers::<User>(S::OK, "The user.")
                .refuses(&[Code::NotFound])
        })
        .patch("/users/{id}", people::update_user, |operation| {
            operation
                .does("Change a user", "What is absent stays. Role, status and password count at once for refresh tokens, and within 30 seconds for access tokens.")
                .also_as("application/merge-patch+json")
                .example(json!({ "status": "disabled" }))
                .answers::<User>(S::OK, "The user as they are now.")
                .refuses(&[Code::NotFound, Code::LastAdmin])
        })
        .delete("/users/{id}", people::delete_user, |operation| {
            operation
                .does("Delete a user", "Their sessions end and their address is free again; records that name them still can.")
                .answers_empty(S::NO_CONTENT, "They cannot sign in any more.")
                .refuses(&[Code::NotFound, Code::LastAdmin])
        })
}

fn key_set() -> ObjectBuilder {
    let key = ["kty", "crv", "x", "kid"]
        .into_iter()
        .fold(ObjectBuilder::new(), |key, member| {
            key.property(member, text()).required(member)
        });
    ObjectBuilder::new()
        .property("keys", ArrayBuilder::new().items(key))
        .required("keys")
}

impl Argument for Provider {
    fn describe(mut operation: Operation) -> Operation {
        let name = operation.schema::<Name>();
        operation
            .segment(name)
            .refuses(&[Code::MalformedPath, Code::UnknownProvider])
    }
}

impl Argument for Presented {
    fn describe(mut operation: Operation) -> Operation {
        let content = operation.fields::<RefreshRequest>();
        operation
            .refresh_cookie()
            .body("application/json", false, content)
            .refuses(BODY)
            .refuses(&[Code::Forbidden])
    }
}
