//! Calls to providers: no redirects followed, five seconds, 64 KiB, encrypted outside of this machine.

use axum::http::{Request, Response};
use reqwest::redirect::Policy;
use shared::config::endpoint;
use std::{io, time::Duration};

/// How long one call may take, from the name's resolution to the body's last byte.
const TIME: Duration = Duration::from_secs(5);
/// The largest body that is read, in bytes.
const LARGEST: usize = 64 * 1_024;

/// The one HTTP client of the process. A clone shares its settings and authorities.
#[derive(Debug, Clone)]
pub(crate) struct Http(reqwest::Client);

impl Http {
    /// # Errors
    /// When the system has no certificate authorities to trust.
    pub(crate) fn new() -> Result<Self, String> {
        shared::tls::use_ring();
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIME)
            // A connection that was kept while the instance slept may be dead, and a code is good once: each call has
            // its own.
            .pool_max_idle_per_host(0)
            .build();
        client
            .map(Self)
            .map_err(|error| format!("needs TLS, which cannot be had: {}", causes(&error)))
    }

    /// Sends a request once and reads the whole answer, whatever its status.
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> io::Result<Response<Vec<u8>>> {
        endpoint(&request.uri().to_string()).map_err(io::Error::other)?;
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = self.0.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(io::Error::other("the answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    /// Asks for JSON; anything but 200 is a failure.
    pub(crate) async fn get(&self, request: Request<Vec<u8>>) -> io::Result<Response<Vec<u8>>> {
        let response = self.send(request).await?;
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(io::Error::other(format!("the answer's status is {status}"))),
        }
    }
}

/// Without the address: it can carry a secret.
fn failed(error: reqwest::Error) -> io::Error {
    io::Error::other(causes(&error.without_url()))
}

fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
