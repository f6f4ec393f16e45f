//! Decoding off the async threads, never more at once than memory allows.

use axum::body::Bytes;
use picture::Picture;
use shared::error::{ApiError, ApiResult};
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// What all pictures being decoded may hold together, in MiB.
const MEMORY: u32 = 640;
/// How long an upload waits for its share before it answers 503.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes pictures of uploads. A clone shares the memory.
#[derive(Debug, Clone)]
pub(crate) struct Decoder(Arc<Semaphore>);

impl Decoder {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MEMORY as usize)))
    }

    /// Makes the three sizes of an upload.
    pub(crate) async fn run(&self, upload: Bytes) -> ApiResult<Picture> {
        let header = upload.clone();
        let memory = off_thread(move || picture::memory(&header)).await?;
        let share = memory.div_ceil(1024 * 1024);
        let share = u32::try_from(share).unwrap_or(MEMORY).min(MEMORY);
        let waiting = Arc::clone(&self.0).acquire_many_owned(share);
        let permit = timeout(PATIENCE, waiting)
            .await
            .map_err(|_| ApiError::Unavailable("too many pictures are being worked on"))?
            .expect("nobody closes the semaphore");
        off_thread(move || {
            let _permit = permit;
            picture::make(&upload, &AtomicBool::new(false))
        })
        .await
    }
}

/// Runs a decoder where it holds up nobody; one that panics has met a broken picture.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, picture::Error> + Send + 'static,
) -> ApiResult<T> {
    let done = spawn_blocking(work).await.unwrap_or_else(|panic| {
        tracing::error!(%panic, "a decoder panicked; the picture is refused as broken");
        Err(picture::Error::Broken)
    });
    done.map_err(|error| match error {
        picture::Error::NotAPicture => ApiError::NotAnImage,
        picture::Error::TooLarge(what_to_do) => ApiError::PictureTooLarge(what_to_do),
        picture::Error::Unsupported(what_to_do) => ApiError::UnsupportedMediaType(what_to_do),
        picture::Error::Broken => ApiError::BrokenPicture,
        picture::Error::Stopped => ApiError::Unavailable("the picture was given up"),
    })
}
