//! Making pictures off the async threads, never more at once than memory allows, and not for anybody who has gone.

use crate::{
    memory::{Lanes, Share},
    upload::Uploaded,
};
use picture::Picture;
use shared::error::{ApiError, ApiResult};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{task::spawn_blocking, time::timeout};

/// How long one picture may take: on one processor, beside others, the largest takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(30);

/// A picture in its sizes.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) picture: Picture,
    /// The memory that it is in.
    pub(crate) share: Share,
}

/// Makes the sizes of an upload. Dropped meanwhile, it stops: at once while it waits, within some rows while it works.
pub(crate) async fn make(memory: &Lanes, upload: Uploaded) -> ApiResult<Made> {
    let Uploaded { bytes, held } = upload;
    let seen = bytes.clone();
    let needed = off_thread(move || picture::memory(&seen)).await?;
    if needed > memory.largest() {
        return Err(ApiError::PictureTooLarge(format!(
            "the picture needs {} MiB to decode, more than any picture gets here; save it smaller, or as a JPEG",
            needed >> 20
        )));
    }
    let mut share = memory.take(needed).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let _stopped = StopOnDrop(Arc::clone(&stop));
    let making = off_thread(move || {
        let picture = picture::make(&bytes, &stop)?;
        drop((bytes, held));
        let files = [&picture.small, &picture.medium, &picture.large];
        share.shrink(files.map(|file| file.len() as u64).iter().sum());
        Ok(Made { picture, share })
    });
    timeout(DEADLINE, making).await.unwrap_or(Err(TOO_LONG))
}

const TOO_LONG: ApiError = ApiError::Unavailable("the picture took too long to work on");

/// Stops a decoder for which nobody waits any more: its client has gone, or its time is over.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a decoder where it holds up nobody; one that panics has met a broken picture.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, picture::Error> + Send + 'static,
) -> ApiResult<T> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(refusal),
        Err(panic) => {
            tracing::error!(%panic, "a decoder panicked; the picture is refused as broken");
            Err(ApiError::BrokenPicture)
        }
    }
}

/// A decoder's refusal as ours.
fn refusal(error: picture::Error) -> ApiError {
    match error {
        picture::Error::NotAPicture => ApiError::NotAnImage,
        picture::Error::TooLarge(what_to_do) => ApiError::PictureTooLarge(what_to_do),
        picture::Error::Unsupported(what_to_do) => ApiError::UnsupportedMediaType(what_to_do),
        picture::Error::Broken => ApiError::BrokenPicture,
        picture::Error::Stopped => TOO_LONG,
    }
}
