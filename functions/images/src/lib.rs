//! Customers' photos: taken in, made safe and small, kept, and shown to whoever has a signed address; and erasing a
//! customer, which is here because nobody else may remove pictures.

mod bucket;
mod decode;
mod erasure;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod handlers;
mod memory;
mod pace;
mod routes;
mod show;
mod sweep;
mod turns;
mod upload;

pub use bucket::Bucket;
pub use erasure::{Finished, finish_erasures};
pub use sweep::{Swept, sweep};

use axum::{Router, extract::FromRef};
use memory::Memory;
use shared::{
    api::Document,
    config::Env,
    image_url::ImageUrls,
    privacy::PrivacyKey,
    server::{self, Context},
    token::Verifier,
};

/// What this function alone reads from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// `IMAGE_URL_KEYS`: signs the addresses of photos and checks them.
    image_urls: ImageUrls,
    /// `PRIVACY_KEY`: hashes the addresses of erased customers.
    privacy: PrivacyKey,
    /// `IMAGES_DIR`, or `GOOGLE_BUCKET` and `STORAGE_ENDPOINT`: where pictures are kept.
    bucket: Bucket,
}

impl Config {
    /// Reads the variables.
    pub fn read(env: &mut Env, common: Option<&server::Config>) -> Option<Self> {
        let image_urls = ImageUrls::read(env, common.map(|common| &common.public));
        let privacy = PrivacyKey::read(env);
        let bucket = Bucket::read(env);
        if let Some(Err(error)) = bucket.as_ref().map(Bucket::begin) {
            let reason = format!("names a folder that cannot be cleared up: {error}");
            env.mistake("IMAGES_DIR", &reason);
            return None;
        }
        Some(Self {
            image_urls: image_urls?,
            privacy: privacy?,
            bucket: bucket?,
        })
    }
}

/// What the handlers work with.
#[derive(Clone)]
struct ImagesState {
    context: Context,
    image_urls: ImageUrls,
    privacy: PrivacyKey,
    bucket: Bucket,
    memory: Memory,
}

impl FromRef<ImagesState> for Verifier {
    fn from_ref(state: &ImagesState) -> Self {
        state.context.verifier.clone()
    }
}

/// Everything this function answers.
pub fn router(config: Config, context: Context) -> Router {
    let state = ImagesState {
        context,
        image_urls: config.image_urls,
        privacy: config.privacy,
        bucket: config.bucket,
        memory: Memory::new(),
    };
    routes::routes(Router::new()).with_state(state)
}

/// Adds everything that this function answers to the document.
#[must_use]
pub fn describe(document: Document) -> Document {
    routes::routes(document)
}
