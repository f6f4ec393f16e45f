//! A proxy that tells the service behind it the wrong host and scheme, in every header that anybody ever believed.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, header, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tests::plain;

/// What it says, whatever the client said.
const LIES: [(&str, &str); 9] = [
    ("host", "auth-7f3kq2.internal.example:8080"),
    ("forwarded", "for=192.0.2.1;host=evil.example;proto=http"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-scheme", "http"),
    ("x-forwarded-port", "80"),
    ("x-forwarded-server", "evil.example"),
    ("x-forwarded-ssl", "off"),
    ("x-original-url", "http://evil.example/"),
];

/// Starts it in front of a service; gives the address at which it takes HTTP/2, as the gateway speaks it.
pub(crate) fn in_front_of(service: String) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    // HTTP/1.1, as Cloud Run speaks it to a container.
    let client = plain(false);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (client, service) = (client.clone(), service.clone());
            let pass = service_fn(move |request| pass(client.clone(), service.clone(), request));
            tokio::spawn(async move {
                let server = Builder::new(TokioExecutor::new());
                // An error is a peer that went away.
                server
                    .serve_connection(TokioIo::new(stream), pass)
                    .await
                    .is_ok()
            });
        }
    });
    address
}

async fn pass(
    client: reqwest::Client,
    service: String,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    headers.remove(header::CONTENT_LENGTH);
    for (name, lie) in LIES {
        headers.insert(name, lie.parse()?);
    }
    let body = body.collect().await?.to_bytes();
    let request = client.request(parts.method, format!("{service}{path}"));
    let answer = request.headers(headers).body(body).send().await?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if *name != header::TRANSFER_ENCODING && *name != header::CONNECTION {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Full::new(answer.bytes().await?))?)
}
