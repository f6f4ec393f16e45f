//! Making users without a request: the first administrator of the all-in-one, and `admin create-user`.

use crate::{
    model::{NewUser, User},
    password::Passwords,
    store,
};
use shared::{
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
    let inserted = store::users::insert(db, &new, hash.as_deref(), Timestamp::now()).await;
    let id = match inserted {
        Err(error) if db::is_taken(&error) => return Err(ApiError::EmailTaken { existing: None }),
        inserted => UserId::try_from(inserted?).map_err(anyhow::Error::msg)?,
    };
    let user = store::users::find(db, id).await?;
    user.map(User::from).ok_or(ApiError::NotFound("user"))
}

/// Whether there is any user yet.
///
/// # Errors
/// When the database does not answer.
pub async fn any(db: &Db) -> ApiResult<bool> {
    Ok(store::users::any(db).await?)
}
