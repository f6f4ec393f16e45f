//! Reading an upload as fast as it comes, to a bound; whoever sends too slowly is cut off.

use crate::upload::Room;
use axum::body::{Body, Bytes};
use bytes::BytesMut;
use futures_util::stream::{self, Stream};
use http_body_util::BodyExt as _;
use shared::error::{ApiError, ApiResult};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::yield_now,
    time::{Instant, timeout_at},
};

/// How far an upload may fall behind, a telephone that changes its cell for example.
const GRACE: Duration = Duration::from_secs(10);
/// How many bytes a second it must bring on the whole: a line of one megabit.
const PACE: u64 = 100 * 1024;
/// In pieces of this many bytes a form is looked through: each costs a search for the boundary, however little came.
const PIECE: usize = 64 * 1024;
/// What a form may hold around its parts, in bytes.
pub(crate) const AROUND: usize = 16 * 1024;

/// A body that is being uploaded.
pub(crate) struct Incoming {
    body: Body,
    limit: usize,
    begun: Instant,
    read: usize,
}

impl Incoming {
    /// A body of at most `limit` bytes.
    pub(crate) fn new(body: Body, limit: usize) -> Self {
        Self {
            body,
            limit,
            begun: Instant::now(),
            read: 0,
        }
    }

    /// Appends all of it.
    ///
    /// # Errors
    /// 413, 408 when it comes too slowly, 400 when the sender breaks off, or 503 when there is no room for all of it.
    pub(crate) async fn read_to_end(mut self, room: &mut Room<'_>) -> ApiResult<()> {
        while let Some(data) = self.next().await? {
            room.push(&data).await?;
        }
        Ok(())
    }

    /// All of it in pieces, for a form's parser, which takes in whatever is ready: so the next piece is not, at first.
    /// `taken` counts what the parser gave of parts; what it keeps beside them is bounded.
    pub(crate) fn into_pieces(
        self,
        taken: Arc<AtomicUsize>,
    ) -> impl Stream<Item = ApiResult<Bytes>> + Send {
        stream::try_unfold((self, taken), |(mut body, taken)| async {
            yield_now().await;
            if body.read > taken.load(Ordering::Relaxed) + AROUND + 2 * PIECE {
                let what = "the form holds too much around its file".to_owned();
                return Err(ApiError::MalformedBody(what));
            }
            let mut piece = BytesMut::new();
            while piece.len() < PIECE {
                match body.next().await? {
                    Some(data) => piece.extend_from_slice(&data),
                    None => break,
                }
            }
            Ok((!piece.is_empty()).then(|| (piece.freeze(), (body, taken))))
        })
    }

    /// What came next; `None` at the end.
    async fn next(&mut self) -> ApiResult<Option<Bytes>> {
        loop {
            let earned = Duration::from_micros(self.read as u64 * 1_000_000 / PACE);
            let frame = match timeout_at(self.begun + GRACE + earned, self.body.frame()).await {
                Err(_) => return Err(ApiError::RequestTimeout),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => {
                    return Err(ApiError::MalformedBody("the body broke off".to_owned()));
                }
                Ok(Some(Ok(frame))) => frame,
            };
            // Trailers say nothing that we read.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            self.read += data.len();
            if self.read > self.limit {
                return Err(ApiError::TooLarge(self.limit));
            }
            return Ok(Some(data));
        }
    }
}

/// What reading a form met: the body's own refusal, or why it is no form.
pub(crate) fn malformed_form(error: multer::Error) -> ApiError {
    match error {
        multer::Error::StreamReadFailed(error) => match error.downcast::<ApiError>() {
            Ok(refusal) => *refusal,
            Err(error) => ApiError::MalformedBody(error.to_string()),
        },
        error => ApiError::MalformedBody(format!("the form cannot be read: {error}")),
    }
}
