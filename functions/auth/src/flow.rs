//! One way to a provider and back, kept in a sealed cookie of the browser that went: no instance remembers it, no
//! database is written to, and nobody else can end it.

use crate::{
    cookies::{self, SameSite},
    providers::Name,
};
use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use serde::{Deserialize, Serialize};
use shared::{
    error::ApiResult,
    id::{SessionId, random},
    seal::Seal,
    time::Timestamp,
};
use std::time::Duration;

/// What the cookies' names begin with. A part of the state's hash follows: each flow has a cookie of its own.
const PREFIX: &str = "__Host-flow-";
/// How long a flow may take.
pub(crate) const LASTS: Duration = Duration::from_secs(10 * 60);
/// How many flows one browser may have open; a further one closes the oldest.
const OPEN: usize = 20;
/// Separates the cookies' key from whatever else is made from `REFRESH_KEY`.
pub(crate) const LABEL: &str = "crm sign-in flow 1";

/// What has to be the same on the way out and on the way back.
#[derive(Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) provider: Name,
    /// Comes back in the address (RFC 6749, section 10.12).
    pub(crate) state: String,
    /// Comes back in the ID token (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(crate) nonce: String,
    /// Proves to the provider who began (RFC 7636).
    pub(crate) verifier: String,
    pub(crate) redirect_uri: String,
    /// Where the browser goes afterwards; without one it is shown the tokens.
    pub(crate) return_to: Option<String>,
    /// Who links the provider to themselves; without one somebody signs in.
    pub(crate) link: Option<Link>,
    /// In seconds since 1970.
    began: i64,
}

/// The sign-in in which somebody links a provider.
#[derive(Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) user: i64,
    pub(crate) session: SessionId,
}

impl Flow {
    /// A fresh one: state, nonce and verifier are 256 random bits each.
    pub(crate) fn begin(
        provider: Name,
        redirect_uri: &str,
        return_to: Option<String>,
        link: Option<Link>,
        now: Timestamp,
    ) -> Self {
        let secret = || URL_SAFE_NO_PAD.encode(random::<32>());
        Self {
            provider,
            state: secret(),
            nonce: secret(),
            verifier: secret(),
            redirect_uri: redirect_uri.to_owned(),
            return_to,
            link,
            began: now.seconds(),
        }
    }

    /// When it began.
    pub(crate) const fn began(&self) -> Timestamp {
        Timestamp::from_seconds(self.began)
    }
}

/// The name of the cookie of the flow with a state.
pub(crate) fn cookie_name(state: &str) -> String {
    let hash = digest::digest(&digest::SHA256, state.as_bytes());
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]))
}

/// The `Set-Cookie` that takes a flow's cookie away.
pub(crate) fn cleared(name: &str) -> ApiResult<HeaderValue> {
    cookies::set(name, "", SameSite::Lax, 0)
}

/// Seals and opens flows, with a key made from `REFRESH_KEY`.
#[derive(Debug, Clone)]
pub(crate) struct FlowKey(Seal);

impl FlowKey {
    pub(crate) fn derive(secret: &[u8; 32]) -> Self {
        Self(Seal::derive(secret, LABEL))
    }

    /// The `Set-Cookie` headers that begin a flow: its own cookie, and the end of those that are too many.
    pub(crate) fn keep(&self, flow: &Flow, headers: &HeaderMap) -> ApiResult<Vec<HeaderValue>> {
        let name = cookie_name(&flow.state);
        let value = self.0.seal(&name, flow);
        let own = cookies::set(&name, &value, SameSite::Lax, LASTS.as_secs())?;
        let began = |name: &str, value: &str| self.open(name, value).map(|flow| flow.began);
        let over = cookies::too_many(headers, (PREFIX, &name), OPEN, began);
        let over = over.into_iter().map(cleared);
        over.chain([Ok(own)]).collect()
    }

    /// The flow that this browser began here with this state, if it is not over.
    pub(crate) fn find(&self, headers: &HeaderMap, state: &str, now: Timestamp) -> Option<Flow> {
        let name = cookie_name(state);
        let flow = self.open(&name, cookies::find(headers, &name)?)?;
        (flow.state == state && now.since(flow.began()) <= LASTS).then_some(flow)
    }

    fn open(&self, name: &str, value: &str) -> Option<Flow> {
        self.0.open(name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    fn begin(now: Timestamp) -> Flow {
        let link = Link {
            user: i64::MAX,
            session: SessionId::generate(),
        };
        let uri = "https://crm.example.com/login/facebook/callback";
        let return_to = Some("/signin".to_owned());
        Flow::begin(Name::Facebook, uri, return_to, Some(link), now)
    }

    /// What the browser sends after these `Set-Cookie` headers.
    fn browser(jar: &mut Vec<String>, set: Vec<HeaderValue>) -> HeaderMap {
        for cookie in set {
            let cookie = cookie.to_str().expect("text").to_owned();
            let (pair, rest) = cookie.split_once(';').expect("attributes");
            let name = pair.split_once('=').expect("a pair").0.to_owned() + "=";
            jar.retain(|known| !known.starts_with(&name));
            if !rest.ends_with("Max-Age=0") {
                jar.push(pair.to_owned());
            }
        }
        let value = HeaderValue::from_str(&jar.join("; ")).expect("a header");
        HeaderMap::from_iter([(header::COOKIE, value)])
    }

    #[test]
    fn a_flow_is_found_by_its_state_alone_for_ten_minutes() -> ApiResult<()> {
        let (key, flow) = (FlowKey::derive(&[1; 32]), begin(NOW));
        let set = key.keep(&flow, &HeaderMap::new())?;
        assert!(set.iter().all(|cookie| cookie.len() < 1_024), "{set:?}");
        let headers = browser(&mut Vec::new(), set);
        let found = key.find(&headers, &flow.state, NOW.plus(LASTS));
        assert!(found.is_some_and(|found| found.nonce == flow.nonce && found.link.is_some()));
        let late = NOW.plus(LASTS + Duration::from_secs(1));
        assert!(key.find(&headers, &flow.state, late).is_none());
        assert!(key.find(&headers, &begin(NOW).state, NOW).is_none());
        let other = FlowKey::derive(&[2; 32]);
        assert!(other.find(&headers, &flow.state, NOW).is_none());
        Ok(())
    }

    #[test]
    fn a_flow_opens_in_its_own_cookie_alone() {
        let (key, flow) = (FlowKey::derive(&[1; 32]), begin(NOW));
        let name = cookie_name(&flow.state);
        let sealed = key.0.seal(&name, &flow);
        assert!(key.open(&name, &sealed).is_some());
        assert!(key.open(&cookie_name("another"), &sealed).is_none());
    }

    #[test]
    fn one_browser_keeps_the_twenty_latest_flows() -> ApiResult<()> {
        let key = FlowKey::derive(&[1; 32]);
        let mut jar = vec![format!("{}=x", cookie_name("broken"))];
        let mut headers = browser(&mut jar, Vec::new());
        let mut flows = Vec::new();
        for second in 0..30 {
            flows.push(begin(NOW.plus(Duration::from_secs(second))));
            let set = key.keep(&flows[flows.len() - 1], &headers)?;
            headers = browser(&mut jar, set);
            assert!(jar.len() <= OPEN);
        }
        let open = |flow: &Flow| key.find(&headers, &flow.state, NOW).is_some();
        assert!(flows[10..].iter().all(open) && !flows[..10].iter().any(open));
        assert!(headers[header::COOKIE].len() < 16 * 1_024);
        Ok(())
    }

    #[test]
    fn however_many_cookies_come_the_answer_is_small() -> ApiResult<()> {
        let key = FlowKey::derive(&[1; 32]);
        let forged = (0..1_000).map(|n| format!("{}=x", cookie_name(&n.to_string())));
        let long = format!("{PREFIX}{}=x", "x".repeat(8_000));
        let headers = browser(&mut forged.chain([long]).collect(), Vec::new());
        let set = key.keep(&begin(NOW), &headers)?;
        assert!(set.iter().map(HeaderValue::len).sum::<usize>() < 4_096);
        Ok(())
    }
}
