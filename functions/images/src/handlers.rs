//! What the routes do.

use crate::{
    ImagesState,
    decode::{self, Made},
    erasure::finish_erasure,
    upload::Upload,
};
use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use shared::{
    customer::{
        self, Action, Changed, CustomerRow, Deed, Photo, erase,
        erased::{self, Receipt},
    },
    error::{ApiError, ApiResult},
    extract::{IfMatch, Json, Path, Query, entity_tag},
    id::{CustomerId, ImageId, UserId},
    image_url::ImageSize,
    time::Timestamp,
    token::{AdminUser, CurrentUser},
};
use tracing::Instrument as _;
use utoipa::IntoParams;

/// Gives a customer a picture, or another one. The old one goes only after the new one is committed.
pub(crate) async fn update_photo(
    State(state): State<ImagesState>,
    user: CurrentUser,
    Path(id): Path<CustomerId>,
    if_match: Option<IfMatch>,
    _wanted: Wanted,
    upload: Upload,
) -> ApiResult<Response> {
    let uploaded = upload.receive(&state.memory, user.id).await?;
    let made = decode::make(&state.memory.pictures, uploaded).await?;
    // On its own from here: a client that hangs up must not leave pictures that no customer has.
    let setting = set_photo(state, user.id, id, if_match, made);
    let set = tokio::spawn(setting.in_current_span()).await;
    set.map_err(anyhow::Error::from)?
}

async fn set_photo(
    state: ImagesState,
    user: UserId,
    id: CustomerId,
    if_match: Option<IfMatch>,
    Made { picture, share }: Made,
) -> ApiResult<Response> {
    let image = ImageId::generate();
    let (width, height) = (i64::from(picture.width), i64::from(picture.height));
    if let Err(error) = state.bucket.put(&image, picture).await {
        discard(&state, &image).await;
        return Err(error.into());
    }
    drop(share);
    let deed = Deed::now(Action::PhotoSet, user);
    let changed = change(&state, id, if_match.as_ref(), &deed, |before| {
        Ok(CustomerRow {
            photo_id: Some(image.clone()),
            photo_width: Some(width),
            photo_height: Some(height),
            ..before.living()?
        })
    })
    .await;
    let changed = match changed {
        // Whether a commit that was not confirmed happened, nobody knows: a picture too many is swept up later.
        Err(error @ ApiError::Database(_)) => return Err(error),
        Err(error) => {
            discard(&state, &image).await;
            return Err(error);
        }
        Ok(changed) => changed,
    };
    discard_old(&state, &changed).await;
    let tag = [(header::ETAG, entity_tag(changed.after.version))];
    let photo = photo(&state, &changed.after, deed.at)?;
    Ok((tag, Json(photo)).into_response())
}

/// Leads to a customer's picture.
pub(crate) async fn find_photo(
    State(state): State<ImagesState>,
    _user: CurrentUser,
    Path(id): Path<CustomerId>,
    Query(query): Query<PhotoQuery>,
) -> ApiResult<(StatusCode, [(header::HeaderName, String); 1])> {
    let found = customer::find(&state.context.db, id).await?;
    let customer = found.ok_or(ApiError::NotFound("customer"))?.living()?;
    let image = customer.photo_id.ok_or(ApiError::NotFound("photo"))?;
    let size = query.size.unwrap_or(ImageSize::Medium);
    let address = state.image_urls.sign(&image, size, Timestamp::now());
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, address)]))
}

/// Takes a customer's picture away.
pub(crate) async fn delete_photo(
    State(state): State<ImagesState>,
    user: CurrentUser,
    Path(id): Path<CustomerId>,
    if_match: Option<IfMatch>,
) -> ApiResult<StatusCode> {
    let deed = Deed::now(Action::PhotoRemoved, user.id);
    let changed = change(&state, id, if_match.as_ref(), &deed, |before| {
        let before = before.living()?;
        if before.photo_id.is_none() {
            return Err(ApiError::NotFound("photo"));
        }
        Ok(CustomerRow {
            photo_id: None,
            photo_width: None,
            photo_height: None,
            ..before
        })
    })
    .await?;
    discard_old(&state, &changed).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Erases a customer for good; answers what was removed, and which pictures are still to go.
pub(crate) async fn erase_customer(
    State(state): State<ImagesState>,
    AdminUser(admin): AdminUser,
    Path(id): Path<CustomerId>,
    if_match: Option<IfMatch>,
) -> ApiResult<Json<Receipt>> {
    let (db, urls) = (&state.context.db, &state.image_urls);
    let deed = Deed::now(Action::Erased, admin.id);
    erase::erase(db, id, if_match.as_ref(), urls, &state.privacy, &deed).await?;
    finish_erasure(db, &state.bucket, id).await?;
    let receipt = erased::receipt(db, id).await?;
    receipt.map(Json).ok_or(ApiError::NotFound("customer"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhotoQuery {
    /// `medium` if absent.
    size: Option<ImageSize>,
}

/// That the customer is there at the wanted version, known before a byte of the picture is read.
pub(crate) struct Wanted;

impl FromRequestParts<ImagesState> for Wanted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ImagesState) -> ApiResult<Self> {
        use axum::extract::OptionalFromRequestParts as _;
        let Path(id) = Path::<CustomerId>::from_request_parts(parts, state).await?;
        let if_match = IfMatch::from_request_parts(parts, state).await?;
        let (db, urls) = (&state.context.db, &state.image_urls);
        let found = customer::find(db, id).await?;
        let customer = found.ok_or(ApiError::NotFound("customer"))?.living()?;
        customer.check(if_match.as_ref(), urls, Timestamp::now())?;
        Ok(Self)
    }
}

async fn change(
    state: &ImagesState,
    id: CustomerId,
    if_match: Option<&IfMatch>,
    deed: &Deed,
    edit: impl Fn(CustomerRow) -> ApiResult<CustomerRow>,
) -> ApiResult<Changed> {
    customer::change(
        &state.context.db,
        id,
        if_match,
        &state.image_urls,
        deed,
        edit,
    )
    .await
}

fn photo(state: &ImagesState, customer: &CustomerRow, now: Timestamp) -> ApiResult<Photo> {
    let photo = customer.photo(&state.image_urls, now);
    photo.ok_or(ApiError::NotFound("photo"))
}

async fn discard_old(state: &ImagesState, changed: &Changed) {
    if let Some(old) = &changed.before.photo_id {
        discard(state, old).await;
    }
}

/// Removes a picture that no row names. One that stays behind harms nobody and is found by a sweep.
async fn discard(state: &ImagesState, id: &ImageId) {
    if let Err(error) = state.bucket.delete(id).await {
        tracing::warn!(image.id = %id, %error, "a picture that nobody needs could not be removed");
    }
}
