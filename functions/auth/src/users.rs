//! Making users without a request: the first administrator of the all-in-one, and `admin create-user`.

use crate::{
    model::{NewUser, User},
    password::Passwords,
    store,
};
use shared::{
    customer::{ATTEMPTS, give_way},
    db::{self, Db},
    error::{ApiError, ApiResult},
    id::UserId,
    time::Timestamp,
};

/// Makes a user.
///
/// # Errors
/// 409 `email_taken` when another user has the address.
pub async fn create(db: &Db, passwords: &Passwords, new: NewUser) -> ApiResult<User> {
    let hash = match new.password.clone() {
        Some(password) => Some(passwords.hash(password).await?),
        None => None,
    };
    let (new, hash) = (&new, hash.as_deref());
    begun_anew(|| async {
        let mut tx = db.begin().await?;
        let inserted = store::users::insert(&mut tx, new, hash, Timestamp::now()).await;
        let id = match inserted {
            Err(error) if db::is_taken(&error) => {
                return Err(ApiError::EmailTaken { existing: None });
            }
            inserted => UserId::try_from(inserted?).map_err(anyhow::Error::msg)?,
        };
        let user = store::users::find_in(&mut tx, id).await?;
        tx.commit().await?;
        user.map(User::from).ok_or(ApiError::NotFound("user"))
    })
    .await
}

/// Does work on users' records, and again when other transactions were in its way.
///
/// # Errors
/// Those of the work.
pub(crate) async fn begun_anew<T, W: Future<Output = ApiResult<T>>>(
    work: impl Fn() -> W,
) -> ApiResult<T> {
    for attempt in 0..ATTEMPTS {
        match work().await {
            Err(ApiError::Database(error)) if db::is_contention(&error) => give_way(attempt).await,
            done => return done,
        }
    }
    Err(ApiError::Unavailable("too many others are changing users"))
}

/// Whether there is any user yet.
///
/// # Errors
/// When the database does not answer.
pub async fn any(db: &Db) -> ApiResult<bool> {
    Ok(store::users::any(db).await?)
}
