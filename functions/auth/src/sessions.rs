//! Sessions without a request: `admin sweep`.

use crate::{store, tokens};
use shared::{db::Db, error::ApiResult, time::Timestamp};
use std::time::Duration;

/// How long a session that is over can still be looked at.
const MEMORY: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Forgets the sessions that ended, by themselves or otherwise, more than 90 days ago; gives how many those are. A dry
/// run only counts.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(db: &Db, now: Timestamp, dry: bool) -> ApiResult<u64> {
    let ended_before = now.minus(MEMORY);
    let alive_since = tokens::alive_since(ended_before);
    Ok(match dry {
        true => store::sessions::count_over(db, ended_before, alive_since).await?,
        false => store::sessions::delete_over(db, ended_before, alive_since).await?,
    })
}
