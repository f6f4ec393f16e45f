//! A picture on its way from Google's storage to whoever wants to see it.

use crate::bucket::{
    Found,
    patience::{ATTEMPT, Failure, silence},
};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use google_cloud_storage::read_object::ReadObjectResponse;
use std::{io, mem};
use tokio::time::timeout;

/// How much of a picture is waited for before any of it is shown, in bytes.
const BEGIN: usize = 256 * 1024;

/// A picture that is on its way from the storage.
pub(super) struct Download {
    /// Came already, and is not shown yet.
    held: Bytes,
    /// What is still to come; the client library says at its end whether the checksum is right.
    rest: Option<ReadObjectResponse>,
    /// As the storage says, which emulators do not.
    length: Option<u64>,
}

impl Download {
    /// Waits for the begin, or for all of it.
    pub(super) async fn begin(mut answer: ReadObjectResponse) -> Result<Self, Failure> {
        let length = u64::try_from(answer.object().size).ok();
        let mut held = BytesMut::new();
        while held.len() < BEGIN {
            match answer.next().await {
                Some(piece) => held.extend_from_slice(&piece?),
                None => {
                    return Ok(Self {
                        length: Some(held.len() as u64),
                        held: held.freeze(),
                        rest: None,
                    });
                }
            }
        }
        Ok(Self {
            held: held.freeze(),
            rest: Some(answer),
            length: length.filter(|length| *length > 0),
        })
    }

    pub(super) fn into_found(self) -> Found {
        let length = self.length;
        let body = match self.rest {
            None => self.held.into(),
            Some(_) => Body::from_stream(stream::try_unfold(self, Self::next)),
        };
        Found { length, body }
    }

    /// The piece that is held, once it is known what follows it: the last one only when the checksum is right.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let Some(rest) = &mut self.rest else {
            return Ok(None);
        };
        let came = match timeout(ATTEMPT, rest.next()).await {
            Err(_) => Err(silence()),
            Ok(came) => came.transpose().map_err(io::Error::other),
        };
        let came = came.inspect_err(|error| {
            tracing::warn!(%error, "a picture broke off on its way from the storage");
        })?;
        if came.is_none() {
            self.rest = None;
        }
        let piece = mem::replace(&mut self.held, came.unwrap_or_default());
        Ok(Some((piece, self)))
    }
}
