//! Customers: make, find, list, change, delete, restore, and what happened to them.

mod as_of;
mod batch;
mod by_email;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod handlers;
mod list;
mod model;
mod routes;
mod store;

use axum::{Router, extract::FromRef};
use shared::{
    api::Document,
    config::Env,
    error::{ApiError, ApiResult},
    image_url::ImageUrls,
    privacy::PrivacyKey,
    server::{self, Context},
    token::Verifier,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
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
    /// What takes long does not take every connection: who adds a customer must not wait for it.
    long: Arc<Semaphore>,
}

/// How much of what takes long is done at a time.
const LONG_WORK: usize = 2;
/// How long it waits for its turn.
const TURN: Duration = Duration::from_secs(10);

impl CustomersState {
    /// The turn of work that may take long: a batch, a record as it was.
    ///
    /// # Errors
    /// 503 when too much of it waits.
    async fn long_work(&self) -> ApiResult<OwnedSemaphorePermit> {
        match timeout(TURN, self.long.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(ApiError::Unavailable(
                "too many batches or looks at history are under way",
            )),
        }
    }
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
        long: Arc::new(Semaphore::new(LONG_WORK)),
    };
    routes::routes(Router::new()).with_state(state)
}

/// Adds everything that this function answers to the document.
#[must_use]
pub fn describe(document: Document) -> Document {
    routes::routes(document)
}
