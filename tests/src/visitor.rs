//! Somebody with a browser's cookies, who signs in through a provider.

use crate::{Answer, Client, Product, plain};
use reqwest::{Method, RequestBuilder};
use std::collections::BTreeMap;
use url::Url;

/// A sign-in that has begun.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Where the product sends the person.
    pub uri: String,
    /// The whole `Set-Cookie` header that came with it.
    pub set_cookie: String,
}

impl Flow {
    /// What an answer begins.
    ///
    /// # Panics
    /// When it does not send the person to a provider, with one cookie.
    #[must_use]
    pub fn of(answer: Answer) -> Self {
        let answer = answer.is(200);
        let body = answer.json();
        let uri = body["uri"].as_str().expect("an address");
        let cookies = answer.headers.get_all("set-cookie").iter();
        let cookies = cookies.filter_map(|cookie| cookie.to_str().ok());
        // Beside its own it may take away those of flows that are too many.
        let mut set = cookies.filter(|cookie| !cookie.contains("Max-Age=0"));
        let (Some(cookie), None) = (set.next(), set.next()) else {
            panic!("a flow has one cookie: {:?}", answer.headers);
        };
        Self {
            uri: uri.to_owned(),
            set_cookie: cookie.to_owned(),
        }
    }

    /// The name of its cookie.
    ///
    /// # Panics
    /// When it is no cookie.
    #[must_use]
    pub fn name(&self) -> &str {
        self.set_cookie.split('=').next().expect("a name")
    }

    /// A parameter of the address that the person is sent to; none when it is missing, or there more than once.
    #[must_use]
    pub fn sent(&self, name: &str) -> Option<String> {
        parameter(&self.uri, name)
    }

    /// What the person does at the provider: gives the address that they are sent back to.
    ///
    /// # Panics
    /// When the provider does not send them back.
    pub async fn agree(&self) -> String {
        let answer = Answer::of(plain(false).get(&self.uri)).await.is(302);
        answer.header("location")
    }
}

/// A parameter of an address; none when it is missing, or there more than once.
///
/// # Panics
/// When it is no address.
#[must_use]
pub fn parameter(address: &str, name: &str) -> Option<String> {
    let url = Url::parse(address).expect("an address");
    let mut found = url.query_pairs().filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value.into_owned()),
        _ => None,
    }
}

/// An address with another value of a parameter, or without it.
///
/// # Panics
/// When it is no address.
#[must_use]
pub fn with(address: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(address).expect("an address");
    let kept: Vec<_> = url
        .query_pairs()
        .filter(|(known, _)| known != name)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept);
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.to_string()
}

/// Somebody with a browser's cookies. A clone has a copy of them.
#[derive(Clone)]
pub struct Visitor {
    /// Sends the requests.
    pub client: Client,
    /// By their names.
    pub cookies: BTreeMap<String, String>,
    /// What every request says beside.
    pub headers: Vec<(&'static str, &'static str)>,
}

impl Visitor {
    /// Somebody new to a product.
    #[must_use]
    pub fn of(product: &Product) -> Self {
        Self::with(product.anyone())
    }

    /// Somebody who sends requests as this client does.
    #[must_use]
    pub fn with(client: Client) -> Self {
        Self {
            client,
            cookies: BTreeMap::new(),
            headers: Vec::new(),
        }
    }

    /// A request with all cookies. Of an address only path and query count: the client knows where it talks to.
    pub fn request(&self, method: Method, address: &str) -> RequestBuilder {
        let path = match Url::parse(address) {
            Ok(url) => url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
            Err(_) => address.to_owned(),
        };
        let mut request = self.client.request(method, &path);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        if self.cookies.is_empty() {
            return request;
        }
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        request.header("cookie", cookies.join("; "))
    }

    /// Sends a request and keeps the cookies that come back.
    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request).await;
        for value in answer.headers.get_all("set-cookie") {
            let pair = value
                .to_str()
                .ok()
                .and_then(|value| value.split(';').next());
            let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    /// `GET` as a program does it.
    pub async fn get(&mut self, address: &str) -> Answer {
        let request = self.request(Method::GET, address);
        self.send(request).await
    }

    /// Begins a sign-in at this path.
    ///
    /// # Panics
    /// When the product does not send the person to a provider.
    pub async fn begin(&mut self, path: &str) -> Flow {
        let answer = self.get(path).await;
        Flow::of(answer)
    }

    /// Begins to link a provider (and the query, if one follows its name) to the signed-in user.
    ///
    /// # Panics
    /// When the product does not send the person to a provider.
    pub async fn begin_link(&mut self, provider: &str) -> Flow {
        let request = self.request(Method::POST, &format!("/me/identities/{provider}"));
        let answer = self.send(request).await;
        Flow::of(answer)
    }

    /// The whole way, from the first click to the answer of the callback.
    pub async fn sign_in(&mut self, path: &str) -> Answer {
        let flow = self.begin(path).await;
        self.get(&flow.agree().await).await
    }
}
