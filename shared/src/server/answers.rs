//! What answers may hold until whoever asked has taken them: a reader who is slow on purpose costs time and memory.

use super::places::UnderWay;
use crate::error::ApiError;
use axum::{
    body::{Body, Bytes, HttpBody},
    response::{IntoResponse as _, Response},
};
use hyper::body::{Frame, SizeHint};
use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{self, Poll},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, interval},
};

/// How much a reader takes at once, at most, in bytes. With half a minute for each, a phone on a bad line is fast enough.
const PIECE: usize = 64 * 1024;
/// What all answers that are made whole may hold together until they are sent, in KiB.
const ROOM: usize = 128 * 1024;
/// The size from which an answer is counted, in bytes.
const COUNTED: u64 = 8 * 1024;

/// The answers of one connection that are not yet taken.
#[derive(Clone)]
pub(super) struct Outstanding {
    /// How long a piece of an answer may wait for its reader, however small it is.
    patience: Duration,
    deadlines: Arc<Mutex<Deadlines>>,
}

#[derive(Default)]
struct Deadlines {
    next: u64,
    of: HashMap<u64, Instant>,
}

impl Outstanding {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            deadlines: Arc::default(),
        }
    }

    /// The same answer, counted until its body is read to the end or dropped.
    pub(super) fn watched(&self, answer: Response, request: UnderWay) -> Response {
        match answer.body().is_end_stream() {
            true => answer,
            false => answer.map(|body| {
                let key = self.with(|deadlines| {
                    deadlines.next += 1;
                    deadlines.next
                });
                let watched = Watched {
                    body,
                    rest: Bytes::new(),
                    key,
                    outstanding: self.clone(),
                    _request: request,
                };
                watched.wait();
                Body::new(watched)
            }),
        }
    }

    /// Ends when some answer has waited too long.
    pub(super) async fn overdue(&self) {
        let mut look = interval(self.patience / 4);
        loop {
            let now = look.tick().await;
            if self.with(|deadlines| deadlines.of.values().any(|deadline| *deadline < now)) {
                return;
            }
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Deadlines) -> T) -> T {
        work(
            &mut self
                .deadlines
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// A body whose reader is waited for, a piece at a time.
struct Watched {
    body: Body,
    /// What is read of the body and not yet given on.
    rest: Bytes,
    key: u64,
    outstanding: Outstanding,
    /// Ends with it.
    _request: UnderWay,
}

impl Watched {
    fn wait(&self) {
        let deadline = Instant::now() + self.outstanding.patience;
        self.outstanding
            .with(|deadlines| deadlines.of.insert(self.key, deadline));
    }

    fn wait_no_longer(&self) {
        self.outstanding
            .with(|deadlines| deadlines.of.remove(&self.key));
    }

    fn piece(&mut self) -> Frame<Bytes> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Frame::data(piece)
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                // The reader waits for us.
                Poll::Pending => {
                    self.wait_no_longer();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended @ Poll::Ready(_) => return ended,
            }
        }
        self.wait();
        Poll::Ready(Some(Ok(self.piece())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, of_body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + rest);
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.wait_no_longer();
    }
}

/// Marks an answer whose bytes are a part of the program: it takes no memory of its own.
#[derive(Debug, Clone, Copy)]
pub struct Constant;

/// The room in memory for answers that are made whole. A clone is the same room.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM)))
    }

    /// The same answer, which has its place until it is sent; 503 when there is none left.
    pub(super) fn placed(&self, answer: Response) -> Response {
        let size = answer.body().size_hint().exact().unwrap_or_default();
        if size < COUNTED || answer.extensions().get::<Constant>().is_some() {
            return answer;
        }
        let wanted = u32::try_from(size / 1024).unwrap_or(u32::MAX);
        match Arc::clone(&self.0).try_acquire_many_owned(wanted) {
            Ok(place) => answer.map(|body| {
                Body::new(Placed {
                    body,
                    place: Arc::new(place),
                })
            }),
            Err(_) => ApiError::Unavailable(
                "too many large answers wait for their readers; ask for fewer at once",
            )
            .into_response(),
        }
    }
}

/// A body whose bytes have a place.
struct Placed {
    body: Body,
    place: Arc<OwnedSemaphorePermit>,
}

/// Some bytes, and the place that they take until they are dropped.
struct InPlace(
    Bytes,
    #[expect(dead_code, reason = "kept for its drop")] Arc<OwnedSemaphorePermit>,
);

impl AsRef<[u8]> for InPlace {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl HttpBody for Placed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = task::ready!(Pin::new(&mut self.body).poll_frame(context));
        let place = &self.place;
        let in_place = |bytes| Bytes::from_owner(InPlace(bytes, Arc::clone(place)));
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(in_place))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn what_waits_to_be_read_is_bounded_until_it_is_read() -> Result<(), axum::Error> {
        let room = Room::new();
        let large = || room.placed(vec![0; 1024 * 1024].into_response());
        let mut waiting: Vec<_> = (0..128).map(|_| large()).collect();
        assert!(
            waiting
                .iter()
                .all(|answer| answer.status() == StatusCode::OK)
        );
        assert_eq!(large().status(), StatusCode::SERVICE_UNAVAILABLE);
        let small = || room.placed(vec![0; 8 * 1024 - 1].into_response());
        assert_eq!(small().status(), StatusCode::OK);
        let constant = room.placed((axum::Extension(Constant), vec![0; 9_000]).into_response());
        assert_eq!(constant.status(), StatusCode::OK);
        let last = waiting.pop().unwrap_or_default();
        let bytes = last.into_body().collect().await?.to_bytes();
        assert_eq!(
            large().status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "they are not sent yet"
        );
        drop(bytes);
        assert_eq!(large().status(), StatusCode::OK);
        Ok(())
    }
}
