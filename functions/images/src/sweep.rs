//! Finding pictures that no customer has: what failed requests and killed processes left behind.

use crate::Bucket;
use shared::{
    customer,
    db::Db,
    error::ApiResult,
    id::{CustomerId, ImageId},
    time::Timestamp,
};
use std::io;

/// What a sweep found.
#[derive(Debug)]
pub struct Swept {
    /// The pictures that no customer has, in the order of their ids; removed unless it was a dry run.
    pub forgotten: Vec<ImageId>,
    /// Those of them that could not be removed, and why.
    pub failed: Vec<(ImageId, io::Error)>,
    /// How many pictures customers have, among those that are old enough.
    pub kept: usize,
    /// How many pictures were too young to be looked at: a request may be about to name them.
    pub young: usize,
    /// How many things in the bucket are no pictures of ours; they are left alone.
    pub strangers: u64,
}

/// Removes every picture written before `before` that no customer has.
///
/// # Errors
/// When the bucket cannot be listed or the database does not answer; nothing has been removed then.
pub async fn sweep(db: &Db, bucket: &Bucket, before: Timestamp, dry: bool) -> ApiResult<Swept> {
    // The bucket first: a picture that was there before the database was asked is either named in it or forgotten.
    let mut listing = bucket.list().await?;
    let all = listing.pictures.len();
    listing.pictures.retain(|_, at| *at < before);
    let old = listing.pictures.len();
    let mut last: Option<CustomerId> = None;
    loop {
        let page = customer::photos_after(db, last).await?;
        for (_, photo) in &page {
            listing.pictures.remove(photo);
        }
        match page.last() {
            Some((id, _)) => last = Some(*id),
            None => break,
        }
    }
    let mut forgotten: Vec<_> = listing.pictures.into_keys().collect();
    forgotten.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    let mut failed = Vec::new();
    for id in forgotten.iter().filter(|_| !dry) {
        if let Err(error) = bucket.delete(id).await {
            failed.push((id.clone(), error));
        }
    }
    Ok(Swept {
        kept: old - forgotten.len(),
        young: all - old,
        strangers: listing.strangers,
        forgotten,
        failed,
    })
}
