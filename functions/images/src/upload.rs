//! The picture in a request: the body itself, or the one file of a form. Nothing is read before it is the user's turn and
//! there is memory for it.

use crate::{
    ImagesState,
    memory::{Lanes, Memory, Share},
    pace::{AROUND, Incoming, malformed_form},
    turns::Turn,
};
use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{FromRequest, Request},
    http::header,
};
use multer::{Field, Multipart};
use shared::{
    error::{ApiError, ApiResult},
    id::UserId,
};
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
/// The room for an upload that does not say how long it is: most are no longer, and are small ones.
const UNKNOWN: usize = 768 * 1024;

/// A picture that is to be uploaded: nothing of it is read yet.
pub(crate) struct Upload {
    body: Body,
    /// If it is a form.
    boundary: Option<String>,
    /// How long it says that it is, in bytes.
    length: Option<usize>,
    /// How long it may be.
    limit: usize,
}

/// The bytes that somebody says are a picture. What they are is decided by looking at them, not at their type.
#[derive(Debug)]
pub(crate) struct Uploaded {
    pub(crate) bytes: Bytes,
    /// The memory that they are in, and the turn of whoever sent them.
    pub(crate) held: (Share, Turn),
}

impl FromRequest<ImagesState> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &ImagesState) -> ApiResult<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let boundary = content_type
            .and_then(|value| value.to_str().ok())
            .filter(|value| value.to_ascii_lowercase().starts_with("multipart/"))
            .map(multer::parse_boundary)
            .transpose()
            .map_err(malformed_form)?;
        let limit = LARGEST + boundary.as_ref().map_or(0, |_| AROUND);
        let length = match request.body().size_hint().upper().map(usize::try_from) {
            None => None,
            Some(Ok(length)) if length <= limit => Some(length),
            Some(_) => return Err(ApiError::TooLarge(LARGEST)),
        };
        Ok(Self {
            body: request.into_body(),
            boundary,
            length,
            limit,
        })
    }
}

impl Upload {
    /// Takes it in.
    pub(crate) async fn receive(self, memory: &Memory, user: UserId) -> ApiResult<Uploaded> {
        let turn = memory.turns.take(user).await?;
        let mut room = Room::new(&memory.uploads, self.length, self.limit).await?;
        let body = Incoming::new(self.body, self.limit);
        match self.boundary {
            None => body.read_to_end(&mut room).await?,
            Some(boundary) => only_file(body, boundary, &mut room).await?,
        }
        let Room {
            bytes, mut share, ..
        } = room;
        if bytes.len() > LARGEST {
            return Err(ApiError::TooLarge(LARGEST));
        }
        share.shrink(bytes.len() as u64 + BESIDE);
        Ok(Uploaded {
            bytes: bytes.into(),
            held: (share, turn),
        })
    }
}

/// Bytes that come, and the memory that they are in.
pub(crate) struct Room<'a> {
    lanes: &'a Lanes,
    share: Share,
    pub(crate) bytes: Vec<u8>,
    /// How many bytes there is memory for.
    size: usize,
    limit: usize,
}

impl<'a> Room<'a> {
    pub(crate) async fn new(
        lanes: &'a Lanes,
        length: Option<usize>,
        limit: usize,
    ) -> ApiResult<Self> {
        let size = length.unwrap_or(UNKNOWN);
        let share = lanes.take(size as u64 + BESIDE).await?;
        let bytes = Vec::with_capacity(size);
        Ok(Self {
            lanes,
            share,
            bytes,
            size,
            limit,
        })
    }

    /// Appends what came. What turns out longer than there is room for gets all that it may have: bit by bit, many
    /// halves would wait for one another.
    pub(crate) async fn push(&mut self, data: &[u8]) -> ApiResult<()> {
        if self.bytes.len() + data.len() > self.size {
            self.share = self.lanes.take(self.limit as u64 + BESIDE).await?;
            self.bytes.reserve_exact(self.limit - self.bytes.len());
            self.size = self.limit;
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

/// Reads the one file of a form, or its one part.
pub(crate) async fn only_file(
    body: Incoming,
    boundary: String,
    room: &mut Room<'_>,
) -> ApiResult<()> {
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
            room.bytes.clear();
            read_part(part, room, &taken).await?;
        }
    }
    match (files, others) {
        (1, _) | (0, 1) => Ok(()),
        _ => Err(ApiError::MalformedBody(
            "the form must hold exactly one file".to_owned(),
        )),
    }
}

async fn read_part(mut part: Field<'_>, room: &mut Room<'_>, taken: &AtomicUsize) -> ApiResult<()> {
    while let Some(chunk) = part.chunk().await.map_err(malformed_form)? {
        taken.fetch_add(chunk.len(), Ordering::Relaxed);
        room.push(&chunk).await?;
    }
    Ok(())
}
