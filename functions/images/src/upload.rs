//! The picture in a request: the body itself, or the one file of a form.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};
use http_body_util::{BodyExt as _, Full};
use multer::Multipart;
use shared::{
    body,
    error::{ApiError, ApiResult},
};
use std::time::Duration;

/// The largest picture, in bytes.
const LARGEST: usize = 10 * 1024 * 1024;
/// What a form may hold around the picture, in bytes.
const FORM: usize = 16 * 1024;
/// How long an upload may take: the largest picture over a telephone's two megabits a second.
const DEADLINE: Duration = Duration::from_secs(60);

/// The bytes that somebody says are a picture. What they are is decided by looking at them, not at their type.
#[derive(Debug)]
pub(crate) struct Upload(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> ApiResult<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let boundary = content_type
            .and_then(|value| value.to_str().ok())
            .filter(|value| value.to_ascii_lowercase().starts_with("multipart/"))
            .map(multer::parse_boundary);
        let bytes = match boundary {
            None => body::read(request.into_body(), LARGEST, DEADLINE).await?,
            Some(boundary) => {
                let boundary = boundary.map_err(malformed)?;
                let form = body::read(request.into_body(), LARGEST + FORM, DEADLINE).await?;
                only_file(form, boundary).await?
            }
        };
        if bytes.len() > LARGEST {
            return Err(ApiError::TooLarge(LARGEST));
        }
        Ok(Self(bytes))
    }
}

/// The one file of a form, or its one part.
async fn only_file(form: Bytes, boundary: String) -> ApiResult<Bytes> {
    let form = Full::new(form).into_data_stream();
    let mut form = Multipart::new(form, boundary);
    let (mut files, mut parts) = (Vec::new(), Vec::new());
    while let Some(part) = form.next_field().await.map_err(malformed)? {
        let is_file = part.file_name().is_some();
        let bytes = part.bytes().await.map_err(malformed)?;
        match is_file {
            true => files.push(bytes),
            false => parts.push(bytes),
        }
    }
    match (files.pop(), parts.pop()) {
        (Some(file), _) if files.is_empty() => Ok(file),
        (None, Some(part)) if parts.is_empty() => Ok(part),
        _ => Err(ApiError::MalformedBody(
            "the form must hold exactly one file".to_owned(),
        )),
    }
}

fn malformed(error: multer::Error) -> ApiError {
    ApiError::MalformedBody(format!("the form cannot be read: {error}"))
}
