//! The least that an answer can cost: hyper, sqlx and serde_json carrying out the product's own statements on the
//! product's own tables. No token is checked, nothing is logged, no history is written, nothing is refused well.
//!
//! `tests/bench` sets what the product costs beside it. `bench-bare serve PORT DATABASE` answers; `bench-bare hash SECONDS`
//! hashes passwords, one at a time a processor, and prints the processor milliseconds of one.

mod customers;
mod hash;
mod pool;

use anyhow::bail;
use bytes::Bytes;
use customers::NewCustomer;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use pool::Pool;
use serde::Serialize;
use std::{convert::Infallible, env, sync::Arc};
use tokio::net::TcpListener;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", port, database] => serve(port.parse()?, database),
        ["hash", seconds] => hash::measure(seconds.parse()?),
        _ => bail!("use: bench-bare serve PORT DATABASE | hash SECONDS"),
    }
}

#[tokio::main]
async fn serve(port: u16, database: &str) -> anyhow::Result<()> {
    let pool = Arc::new(Pool::open(database).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pool = Arc::clone(&pool);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let pool = Arc::clone(&pool);
                async move { Ok::<_, Infallible>(answer(&pool, request).await) }
            });
            // A peer that breaks off is not our failure.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Answer = Response<Full<Bytes>>;

async fn answer(pool: &Pool, request: Request<Incoming>) -> Answer {
    match route(pool, request).await {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("{error:#}");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

async fn route(pool: &Pool, request: Request<Incoming>) -> anyhow::Result<Answer> {
    let path = request.uri().path();
    match (request.method(), path, path.strip_prefix("/customers/")) {
        (_, "/health/live", _) => json(StatusCode::OK, &"ok"),
        (&Method::GET, _, Some(id)) => match customers::find(pool, id.parse()?).await? {
            Some(customer) => json(StatusCode::OK, &customer),
            None => Ok(empty(StatusCode::NOT_FOUND)),
        },
        (&Method::GET, "/customers", _) => {
            let query = request.uri().query().unwrap_or_default();
            let found = match query.split_once("q=") {
                Some((_, word)) => customers::search(pool, word).await?,
                None => customers::list(pool).await?,
            };
            json(StatusCode::OK, &found)
        }
        (&Method::POST, "/customers", _) => {
            let body = request.into_body().collect().await?.to_bytes();
            let new: NewCustomer = serde_json::from_slice(&body)?;
            json(StatusCode::CREATED, &customers::create(pool, new).await?)
        }
        _ => Ok(empty(StatusCode::NOT_FOUND)),
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> anyhow::Result<Answer> {
    let body = serde_json::to_vec(body)?;
    Ok(Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body.into()))?)
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}
