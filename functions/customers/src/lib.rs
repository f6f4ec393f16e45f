//! Customers: make, find, list, change, delete, restore, and what happened to them.

mod as_of;
mod batch;
mod by_email;
mod handlers;
mod list;
mod model;
mod store;

use axum::{
    Router,
    extract::FromRef,
    routing::{get, post, put},
};
use shared::{
    config::Env,
    image_url::ImageUrls,
    privacy::PrivacyKey,
    server::{self, Context},
    token::Verifier,
};

/// What this function alone reads from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// `IMAGE_URL_KEYS`: signs the addresses of photos.
    image_urls: ImageUrls,
    /// `PRIVACY_KEY`: seals where a page of a list ended.
    privacy: PrivacyKey,
}

impl Config {
    /// Reads the variables.
    pub fn read(env: &mut Env, common: Option<&server::Config>) -> Option<Self> {
        let image_urls = ImageUrls::read(env, common.map(|common| &common.public));
        let privacy = PrivacyKey::read(env);
        Some(Self {
            image_urls: image_urls?,
            privacy: privacy?,
        })
    }
}

/// What the handlers work with.
#[derive(Clone)]
struct CustomersState {
    context: Context,
    image_urls: ImageUrls,
    privacy: PrivacyKey,
}

impl FromRef<CustomersState> for Verifier {
    fn from_ref(state: &CustomersState) -> Self {
        state.context.verifier.clone()
    }
}

/// Everything this function answers.
pub fn router(config: Config, context: Context) -> Router {
    let state = CustomersState {
        context,
        image_urls: config.image_urls,
        privacy: config.privacy,
    };
    Router::new()
        .route(
            "/customers",
            get(handlers::list_customers).post(handlers::create_customer),
        )
        .route(
            "/customers/{id}",
            get(handlers::find_customer)
                .put(handlers::replace_customer)
                .patch(handlers::update_customer)
                .delete(handlers::delete_customer),
        )
        .route("/customers/batch", post(handlers::write_batch))
        .route(
            "/customers/by-email/{email}",
            put(handlers::put_customer_by_email),
        )
        .route("/customers/{id}/restore", post(handlers::restore_customer))
        .route("/customers/{id}/history", get(handlers::list_history))
        .with_state(state)
}
