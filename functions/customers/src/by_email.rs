//! Creating or replacing whoever has an e-mail address.

use crate::{
    CustomersState,
    model::{NewCustomer, Replacement},
    store,
};
use shared::{
    customer::{
        self, Action, CustomerRow, Deed,
        erased::{self, Warning},
    },
    email::Email,
    error::{ApiError, ApiResult},
    extract::{IfMatch, IfNoneMatch},
    id::{CustomerId, UserId},
};

/// What became of the customer with an address.
pub(crate) enum Put {
    Created(CustomerRow, Option<Warning>),
    Replaced(CustomerRow),
}

/// What a request wants to be so before it writes.
pub(crate) struct Preconditions {
    pub(crate) if_match: Option<IfMatch>,
    pub(crate) if_none_match: Option<IfNoneMatch>,
}

/// Replaces the living customer with this address, or makes one. Of many at once, one makes and the others replace.
///
/// # Errors
/// 412 when a precondition does not hold.
pub(crate) async fn put(
    state: &CustomersState,
    user: UserId,
    address: &Email,
    replacement: &Replacement,
    new: &NewCustomer,
    preconditions: &Preconditions,
) -> ApiResult<Put> {
    let db = &state.context.db;
    for attempt in 0..customer::ATTEMPTS {
        let done = match customer::find_by_email(db, address.as_str()).await? {
            Some(id) => replace(state, id, user, address, replacement, preconditions).await,
            None if preconditions.if_match.is_some() => {
                return Err(ApiError::VersionMismatch { current: None });
            }
            None => {
                let deed = Deed::now(Action::Created, user);
                let warning =
                    erased::warning(db, &state.privacy, address.as_str(), deed.at).await?;
                let made = store::create(db, new, &deed, None).await;
                made.map(|customer| Put::Created(customer, warning))
            }
        };
        match done {
            // Somebody made, deleted or renamed one in between.
            Err(ApiError::EmailTaken { .. } | ApiError::NotFound(_)) => {}
            done => return done,
        }
        customer::give_way(attempt).await;
    }
    Err(ApiError::Unavailable(
        "too many others are changing this customer",
    ))
}

async fn replace(
    state: &CustomersState,
    id: CustomerId,
    user: UserId,
    address: &Email,
    replacement: &Replacement,
    preconditions: &Preconditions,
) -> ApiResult<Put> {
    let (db, urls) = (&state.context.db, &state.image_urls);
    let deed = Deed::now(Action::Updated, user);
    let none = preconditions.if_none_match.as_ref();
    let if_match = preconditions.if_match.as_ref();
    let changed = customer::change(db, id, if_match, urls, &deed, |before| {
        let before = before.living()?;
        if shared::email::key(&before.email) != address.key() {
            return Err(ApiError::NotFound("customer"));
        }
        if none.is_some_and(|tags| tags.has(before.version)) {
            return Err(before.mismatch(urls, deed.at)?);
        }
        Ok(replacement.apply(before))
    });
    Ok(Put::Replaced(changed.await?.after))
}
