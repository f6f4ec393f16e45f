//! The pictures of erased customers, which the database has written down: removed at once, or by a sweep when the
//! storage did not answer then.

use crate::Bucket;
use shared::{
    customer::erased::{gone, queued},
    db::Db,
    error::{ApiError, ApiResult},
    id::{CustomerId, ImageId},
};
use std::{io, time::Duration};
use tokio::time::timeout;

/// How long an erasure waits for the storage; what is left then is for a sweep.
const PATIENCE: Duration = Duration::from_secs(15);

/// What became of the pictures that were still to go.
#[derive(Debug, Default)]
pub struct Finished {
    /// How many are gone now; in a dry run, how many would go.
    pub removed: u64,
    /// Those that the storage did not give up, and why.
    pub failed: Vec<(ImageId, io::Error)>,
}

/// Removes the pictures of all erased customers that are still there.
///
/// # Errors
/// When the database does not answer.
pub async fn finish_erasures(db: &Db, bucket: &Bucket, dry: bool) -> ApiResult<Finished> {
    let (mut finished, mut last) = (Finished::default(), None);
    loop {
        let piece = queued(db, None, last.as_ref()).await?;
        for image in &piece {
            if !dry {
                if let Err(error) = bucket.delete(image).await {
                    finished.failed.push((image.clone(), error));
                    continue;
                }
                gone(db, image).await?;
            }
            finished.removed += 1;
        }
        last = piece.into_iter().next_back();
        if last.is_none() {
            return Ok(finished);
        }
    }
}

/// Removes the pictures of one erased customer, as far as the storage lets us.
pub(crate) async fn finish_erasure(db: &Db, bucket: &Bucket, id: CustomerId) -> ApiResult<()> {
    match timeout(PATIENCE, remove_all(db, bucket, id)).await {
        Ok(Err(ApiError::Storage(error))) => {
            tracing::warn!(customer.id = %id, %error, "pictures of an erased customer are left for a sweep");
            Ok(())
        }
        Ok(done) => done,
        Err(_) => {
            tracing::warn!(customer.id = %id, "pictures of an erased customer are left for a sweep: no time");
            Ok(())
        }
    }
}

async fn remove_all(db: &Db, bucket: &Bucket, id: CustomerId) -> ApiResult<()> {
    loop {
        let piece = queued(db, Some(id), None).await?;
        if piece.is_empty() {
            return Ok(());
        }
        for image in &piece {
            bucket.delete(image).await?;
            gone(db, image).await?;
        }
    }
}
