//! What the routes do.

use crate::{
    CustomersState,
    as_of::{self, Moment},
    batch::{self, Batch},
    by_email::{self, Preconditions, Put},
    list::{self, Deleted, ListQuery, Listed, Place},
    model::{CustomerPatch, Event, NewCustomer, Replacement},
    store,
};
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{
    body::Body,
    customer::{
        self, Action, Customer, CustomerRow, Deed,
        erased::{self, Warning},
    },
    email::Email,
    error::{ApiError, ApiResult},
    extract::{IfMatch, IfNoneMatch, Json, Path, Query, entity_tag},
    id::CustomerId,
    idempotency::{self, Claimed, Repeatable},
    page::{Limit, Page},
    time::Timestamp,
    token::CurrentUser,
};
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindQuery {
    /// Whether a deleted customer is shown.
    #[serde(default)]
    #[param(inline)]
    deleted: Deleted,
    /// The customer as it was at this instant.
    as_of: Option<Timestamp>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    #[serde(default)]
    #[param(schema_with = Limit::schema)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists customers.
pub(crate) async fn list_customers(
    State(state): State<CustomersState>,
    _user: CurrentUser,
    Query(query): Query<ListQuery>,
) -> ApiResult<Page<Customer>> {
    let db = &state.context.db;
    let (filter, limit) = (query.to_query(), query.limit);
    let (cursors, list) = (state.privacy.cursors(), format!("/customers?{filter}"));
    let after: Option<Place> = cursors.open(query.cursor.as_deref(), &list)?;
    let found = list::find(db, &query, after.as_ref(), limit.and_one()).await?;
    let total = match query.count {
        true => Some(list::total(db, &query).await?),
        false => None,
    };
    let place = |listed: &Listed| listed.place(&query);
    let page = Page::cut_or_ended(found.customers, limit, cursors, &list, place, found.ended);
    let now = Timestamp::now();
    let same = format!("{filter}&{}", limit.to_query());
    Ok(page
        .map(|listed| listed.customer.show(&state.image_urls, now))
        .counted(total)
        .linked(&state.context.public, "/customers", &same))
}

/// Makes a customer. With an `Idempotency-Key`, once.
pub(crate) async fn create_customer(
    State(state): State<CustomersState>,
    user: CurrentUser,
    Repeatable { body: new, key }: Repeatable<NewCustomer>,
) -> ApiResult<Response> {
    let db = &state.context.db;
    let deed = Deed::now(Action::Created, user.id);
    let claim = match idempotency::claim(db, &state.privacy, user.id, key, deed.at).await? {
        Claimed::Now(claim) => claim,
        Claimed::Before(id) => return created_before(&state, &id, deed.at).await,
    };
    let made = async {
        let warning = erased::warning(db, &state.privacy, new.email.as_str(), deed.at).await?;
        let customer = store::create(db, &new, &deed, claim.as_ref()).await?;
        Ok((customer, warning))
    };
    let (customer, warning) = idempotency::released(claim.as_ref(), made).await?;
    Ok(created(&state, customer, warning, deed.at))
}

/// The answer to a request that made this customer before: the record as it was made.
async fn created_before(state: &CustomersState, id: &str, now: Timestamp) -> ApiResult<Response> {
    let id = CustomerId::try_from(id.to_owned()).map_err(anyhow::Error::msg)?;
    let permit = state.long_work().await?;
    let made = as_of::find(&state.context.db, id, Moment::Version(1)).await?;
    drop(permit);
    let made = made.ok_or(ApiError::NotFound("customer"))?;
    let (db, at) = (&state.context.db, made.created_at);
    let warning = erased::warning(db, &state.privacy, &made.email, at).await?;
    Ok(replayed(created(state, made, warning, now)))
}

/// Carries many creates, updates and deletes out, or none. With an `Idempotency-Key`, once.
pub(crate) async fn write_batch(
    State(state): State<CustomersState>,
    user: CurrentUser,
    Repeatable { body: batch, key }: Repeatable<Batch>,
) -> ApiResult<Response> {
    let db = &state.context.db;
    let deed = Deed::now(Action::Updated, user.id);
    let claim = match idempotency::claim(db, &state.privacy, user.id, key, deed.at).await? {
        Claimed::Now(claim) => claim,
        Claimed::Before(outcome) => {
            let outcome = RawValue::from_string(outcome).map_err(anyhow::Error::from)?;
            return Ok(replayed(Json(outcome).into_response()));
        }
    };
    let done = async {
        let _permit = state.long_work().await?;
        batch::carry_out(db, &state.privacy, &batch, &deed, claim.as_ref()).await
    };
    let outcome = idempotency::released(claim.as_ref(), done).await?;
    Ok(Json(outcome).into_response())
}

/// Replaces the customer with an e-mail address, or makes one.
pub(crate) async fn put_customer_by_email(
    State(state): State<CustomersState>,
    user: CurrentUser,
    Path(address): Path<String>,
    if_match: Option<IfMatch>,
    if_none_match: Option<IfNoneMatch>,
    Body(replacement): Body<Replacement>,
) -> ApiResult<Response> {
    let address = Email::parse(&address)
        .map_err(|(_, message)| ApiError::MalformedPath(format!("the e-mail address {message}")))?;
    let other = || {
        ApiError::invalid_field(
            "email",
            "not_the_path",
            "`email` must be that of the path, or absent",
        )
    };
    let replacement = replacement.of(&address).ok_or_else(other)?;
    let new = replacement.anew().ok_or_else(other)?;
    let preconditions = Preconditions {
        if_match,
        if_none_match,
    };
    let now = Timestamp::now();
    let put = by_email::put(
        &state,
        user.id,
        &address,
        &replacement,
        &new,
        &preconditions,
    );
    Ok(match put.await? {
        Put::Created(customer, warning) => created(&state, customer, warning, now),
        Put::Replaced(customer) => shown(&state, customer, None, now),
    })
}

/// Finds a customer; with `?deleted=include` also a deleted one, with `?as_of=` as it was.
pub(crate) async fn find_customer(
    State(state): State<CustomersState>,
    _user: CurrentUser,
    Path(id): Path<CustomerId>,
    Query(query): Query<FindQuery>,
    if_none_match: Option<IfNoneMatch>,
) -> ApiResult<Response> {
    let db = &state.context.db;
    let found = match query.as_of {
        None => customer::find(db, id).await?,
        Some(time) => {
            let _permit = state.long_work().await?;
            // Apart: what most requests do not need would make every request's future as large.
            Box::pin(as_of::find(db, id, Moment::Time(time))).await?
        }
    };
    let customer = found
        .filter(|customer| match query.deleted {
            Deleted::Exclude => customer.deleted_at.is_none(),
            Deleted::Include => true,
            Deleted::Only => customer.deleted_at.is_some(),
        })
        .ok_or(ApiError::NotFound("customer"))?;
    if if_none_match.is_some_and(|tags| tags.has(customer.version)) {
        let tag = [(header::ETAG, entity_tag(customer.version))];
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok(shown(&state, customer, None, Timestamp::now()))
}

/// Replaces a customer.
pub(crate) async fn replace_customer(
    State(state): State<CustomersState>,
    user: CurrentUser,
    Path(id): Path<CustomerId>,
    if_match: Option<IfMatch>,
    Body(replacement): Body<Replacement>,
) -> ApiResult<Response> {
    let deed = Deed::now(Action::Updated, user.id);
    change(&state, id, if_match, deed, |before| {
        before.living().map(|before| replacement.apply(before))
    })
    .await
}

/// Changes what the body names.
pub(crate) async fn update_customer(
    State(state): State<CustomersState>,
    user: CurrentUser,
    Path(id): Path<CustomerId>,
    if_match: Option<IfMatch>,
    Body(patch): Body<CustomerPatch>,
) -> ApiResult<Response> {
    let deed = Deed::now(Action::Updated, user.id);
    change(&state, id, if_match, deed, |before| {
        before.living().map(|before| patch.apply(before))
    })
    .await
}

/// Deletes a customer; it can be restored, and its address is free.
pub(crate) async fn delete_customer(
    State(state): State<CustomersState>,
    user: CurrentUser,
    Path(id): Path<CustomerId>,
    if_match: Option<IfMatch>,
) -> ApiResult<StatusCode> {
    let deed = Deed::now(Action::Deleted, user.id);
    let at = deed.at;
    change(&state, id, if_match, deed, |before| {
        let mut after = before.living()?;
        after.deleted_at = Some(at);
        Ok(after)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings a deleted customer back. One that is not deleted is answered as it is.
pub(crate) async fn restore_customer(
    State(state): State<CustomersState>,
    user: CurrentUser,
    Path(id): Path<CustomerId>,
    if_match: Option<IfMatch>,
) -> ApiResult<Response> {
    let deed = Deed::now(Action::Restored, user.id);
    change(&state, id, if_match, deed, |before| {
        match before.erased_at {
            Some(_) => Err(ApiError::Erased),
            None => Ok(CustomerRow {
                deleted_at: None,
                ..before
            }),
        }
    })
    .await
}

/// Lists what happened to a customer, newest first; also to a deleted one.
pub(crate) async fn list_history(
    State(state): State<CustomersState>,
    _user: CurrentUser,
    Path(id): Path<CustomerId>,
    Query(query): Query<HistoryQuery>,
) -> ApiResult<Page<Event>> {
    let path = format!("/customers/{id}/history");
    let (cursor, cursors) = (query.cursor.as_deref(), state.privacy.cursors());
    let before = cursors.open(cursor, &path)?.unwrap_or(i64::MAX);
    let rows = store::history(&state.context.db, id, before, query.limit.and_one()).await?;
    if rows.is_empty() && query.cursor.is_none() {
        return Err(ApiError::NotFound("customer"));
    }
    let events: Result<Vec<Event>, _> = rows.into_iter().map(TryInto::try_into).collect();
    let events = events.map_err(anyhow::Error::from)?;
    let page = Page::cut(events, query.limit, cursors, &path, |event| event.version);
    Ok(page.linked(&state.context.public, &path, &query.limit.to_query()))
}

async fn change(
    state: &CustomersState,
    id: CustomerId,
    if_match: Option<IfMatch>,
    deed: Deed,
    edit: impl Fn(CustomerRow) -> ApiResult<CustomerRow>,
) -> ApiResult<Response> {
    let (db, urls) = (&state.context.db, &state.image_urls);
    let changed = customer::change(db, id, if_match.as_ref(), urls, &deed, edit).await?;
    let warning = match changed.entered_address() {
        Some(address) => erased::warning_afterwards(db, &state.privacy, address, deed.at).await,
        None => None,
    };
    Ok(shown(state, changed.after, warning, deed.at))
}

fn created(
    state: &CustomersState,
    customer: CustomerRow,
    warning: Option<Warning>,
    now: Timestamp,
) -> Response {
    let location = format!("/customers/{}", customer.id);
    let location = [(header::LOCATION, state.context.public.join(&location))];
    let shown = shown(state, customer, warning, now);
    (StatusCode::CREATED, location, shown).into_response()
}

fn replayed(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
    answer
}

fn shown(
    state: &CustomersState,
    customer: CustomerRow,
    warning: Option<Warning>,
    now: Timestamp,
) -> Response {
    let tag = [(header::ETAG, entity_tag(customer.version))];
    let customer = customer.show(&state.image_urls, now).warned(warning);
    (tag, Json(customer)).into_response()
}
