//! The providers that people sign in with. An identity is an issuer and a subject; the e-mail address only ever makes
//! the first link.

mod code_flow;
mod configured;
mod discovery;
mod facebook;
mod google;
mod http;
mod id_token;
mod kept;

use crate::flow::Flow;
pub(crate) use configured::Providers;
use facebook::Facebook;
use google::Google;
use serde::{Deserialize, Serialize};
use shared::{
    config::{Env, PublicUrl},
    error::{ApiError, ApiResult},
    time::Timestamp,
};
use url::Url;
use utoipa::ToSchema;

/// The longest subject that an identity can be kept with (OpenID Connect Core 1.0, section 2), in characters.
const LONGEST_SUBJECT: usize = 255;

/// A provider's name, in paths and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Provider)]
pub(crate) enum Name {
    Google,
    Facebook,
}

impl Name {
    pub(crate) const ALL: [Self; 2] = [Self::Google, Self::Facebook];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Facebook => "facebook",
        }
    }

    pub(crate) fn parse(name: &str) -> ApiResult<Self> {
        let named = |known: &Self| known.as_str() == name;
        let mut known = Self::ALL.into_iter();
        known.find(named).ok_or(ApiError::UnknownProvider)
    }
}

/// The addresses to register with the providers, byte for byte, each with the provider's name.
#[must_use]
pub fn redirect_uris(public: &PublicUrl) -> [(&'static str, String); 2] {
    Name::ALL.map(|name| (name.as_str(), redirect_uri(public, name)))
}

/// The names of the providers that the environment configures.
pub(crate) fn configured(env: &mut Env, public: Option<&PublicUrl>) -> Option<Vec<&'static str>> {
    let providers = Providers::read(env, public)?;
    let names = Name::ALL.into_iter().filter(|name| providers.offer(*name));
    Some(names.map(Name::as_str).collect())
}

fn redirect_uri(public: &PublicUrl, name: Name) -> String {
    public.join(&format!("/login/{}/callback", name.as_str()))
}

/// Somebody, as a provider knows them.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) provider: Name,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// The key of the e-mail address that the provider vouches for.
    pub(crate) email: Option<String>,
}

/// A subject that both databases tell from every other: visible ASCII alone.
fn subject(text: String) -> Option<String> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    (visible && (1..=LONGEST_SUBJECT).contains(&text.len())).then_some(text)
}

/// A provider's error word as it may be logged.
pub(crate) fn word(text: &str) -> String {
    let known = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    text.chars().filter(known).take(40).collect()
}

/// One that is configured. A clone shares everything.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    redirect_uri: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Google(Google),
    Facebook(Facebook),
}

impl Kind {
    const fn name(&self) -> Name {
        match self {
            Self::Google(_) => Name::Google,
            Self::Facebook(_) => Name::Facebook,
        }
    }
}

impl Provider {
    pub(crate) const fn name(&self) -> Name {
        self.kind.name()
    }

    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Who vouches for its identities.
    pub(crate) fn issuer(&self) -> &str {
        match &self.kind {
            Kind::Google(google) => google.issuer(),
            Kind::Facebook(_) => facebook::ISSUER,
        }
    }

    /// The address at which a person signs in and agrees.
    pub(crate) async fn authorize(&self, flow: &Flow, now: Timestamp) -> ApiResult<Url> {
        match &self.kind {
            Kind::Google(google) => google.authorize(flow, now).await,
            Kind::Facebook(facebook) => facebook.authorize(flow),
        }
    }

    /// Whom a code stands for. `said` is whether the way back named the issuer, which then was the right one.
    pub(crate) async fn identify(
        &self,
        flow: &Flow,
        code: &str,
        said: bool,
        now: Timestamp,
    ) -> ApiResult<Identity> {
        match &self.kind {
            Kind::Google(google) => google.identify(flow, code, said, now).await,
            Kind::Facebook(facebook) => facebook.identify(flow, code).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_visible_ascii() {
        let is = |text: &str| subject(text.to_owned()).is_some();
        assert!(is("110169484474386276334") && is(&"s".repeat(255)));
        assert!(!is("") && !is("a b") && !is("a\n") && !is("ä") && !is(&"s".repeat(256)));
    }

    #[test]
    fn a_word_of_a_provider_stays_a_word() {
        assert_eq!(word("access_denied"), "access_denied");
        assert_eq!(word("a\r\nb <script>"), "abscript");
        assert_eq!(word(&"a".repeat(100)).len(), 40);
    }
}
