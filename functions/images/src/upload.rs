//! The picture in a request: the body itself, or the one file of a form. Nothing is read before there is memory for it.

use crate::{
    ImagesState,
    memory::Share,
    pace::{AROUND, Incoming, malformed_form},
};
use axum::{
    body::{Bytes, HttpBody as _},
    extract::{FromRequest, Request},
    http::header,
};
use multer::{Field, Multipart};
use shared::error::{ApiError, ApiResult};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The largest picture, in bytes.
const LARGEST: usize = 10 * 1024 * 1024;
/// How many parts a form may have.
const PARTS: usize = 16;
/// What an upload takes beside its own bytes: what was read and is still to be looked through.
const BESIDE: u64 = 256 * 1024;

/// The bytes that somebody says are a picture. What they are is decided by looking at them, not at their type.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) bytes: Bytes,
    /// The memory that they are in.
    pub(crate) share: Share,
}

impl FromRequest<ImagesState> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ImagesState) -> ApiResult<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let boundary = content_type
            .and_then(|value| value.to_str().ok())
            .filter(|value| value.to_ascii_lowercase().starts_with("multipart/"))
            .map(multer::parse_boundary)
            .transpose()
            .map_err(malformed_form)?;
        let limit = LARGEST + boundary.as_ref().map_or(0, |_| AROUND);
        let length = request.body().size_hint().upper();
        let expected = match length.map(usize::try_from) {
            None => limit,
            Some(Ok(length)) if length <= limit => length,
            Some(_) => return Err(ApiError::TooLarge(LARGEST)),
        };
        let mut share = state.memory.uploads.take(expected as u64 + BESIDE).await?;
        // Room for what was announced, and of what was not, as much as comes.
        let mut bytes = Vec::with_capacity(length.map_or(0, |_| expected));
        let body = Incoming::new(request.into_body(), limit);
        match boundary {
            None => body.read_to_end(&mut bytes).await?,
            Some(boundary) => only_file(body, boundary, &mut bytes).await?,
        }
        if bytes.len() > LARGEST {
            return Err(ApiError::TooLarge(LARGEST));
        }
        share.shrink(bytes.len() as u64 + BESIDE);
        let bytes = bytes.into();
        Ok(Self { bytes, share })
    }
}

/// Reads the one file of a form, or its one part.
async fn only_file(body: Incoming, boundary: String, bytes: &mut Vec<u8>) -> ApiResult<()> {
    let taken = Arc::default();
    let mut form = Multipart::new(body.into_pieces(Arc::clone(&taken)), boundary);
    let (mut files, mut others) = (0, 0);
    while let Some(part) = form.next_field().await.map_err(malformed_form)? {
        let is_file = part.file_name().is_some();
        *(if is_file { &mut files } else { &mut others }) += 1;
        if files > 1 || others > PARTS {
            break;
        }
        // Once there is the file, the other parts do not count.
        if is_file || files == 0 {
            bytes.clear();
            read_part(part, bytes, &taken).await?;
        }
    }
    match (files, others) {
        (1, _) | (0, 1) => Ok(()),
        _ => Err(ApiError::MalformedBody(
            "the form must hold exactly one file".to_owned(),
        )),
    }
}

async fn read_part(mut part: Field<'_>, bytes: &mut Vec<u8>, taken: &AtomicUsize) -> ApiResult<()> {
    while let Some(chunk) = part.chunk().await.map_err(malformed_form)? {
        taken.fetch_add(chunk.len(), Ordering::Relaxed);
        bytes.extend_from_slice(&chunk);
    }
    Ok(())
}
