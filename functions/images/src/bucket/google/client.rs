//! The clients that speak to Google's storage, and who they say they are.

use crate::bucket::patience::Failure;
use google_cloud_auth::credentials::{self, CacheableResource, Credentials, anonymous};
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_storage::{client::Storage, read_resume_policy::NeverResume};
use http::{Extensions, HeaderMap};
use reqwest::redirect::Policy;

/// Where Google listens.
pub(super) const ENDPOINT: &str = "https://storage.googleapis.com";
/// What the credentials are asked to allow: reading, writing and deleting objects.
const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";
/// What speaks to the storage.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) storage: Storage,
    pub(super) http: reqwest::Client,
    credentials: Credentials,
}

impl Client {
    /// Speaks to Google, or to an emulator. Nothing is asked yet but, maybe, the metadata server for credentials.
    pub(super) async fn new(emulator: Option<&str>) -> Result<Self, Failure> {
        shared::tls::use_ring();
        let credentials = match emulator {
            Some(_) => anonymous::Builder::new().build(),
            None => credentials::Builder::default()
                .with_scopes([SCOPE])
                .build()
                .map_err(Failure::passing)?,
        };
        // Attempts are counted and timed here, in the same way for all requests. Pictures are small enough to be sent
        // again whole.
        let storage = Storage::builder()
            .with_endpoint(emulator.unwrap_or(ENDPOINT))
            .with_credentials(credentials.clone())
            .with_retry_policy(NeverRetry)
            .with_read_resume_policy(NeverResume)
            .with_resumable_upload_threshold(usize::MAX);
        let http = reqwest::Client::builder().redirect(Policy::none());
        Ok(Self {
            storage: storage.build().await.map_err(Failure::passing)?,
            http: http.build()?,
            credentials,
        })
    }

    /// What shows who asks.
    pub(super) async fn authorization(&self) -> Result<HeaderMap, Failure> {
        match self.credentials.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            // Only for those who say what they have already.
            Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
            Err(error) => Err(Failure::passing(error)),
        }
    }
}
