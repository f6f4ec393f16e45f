//! The providers that people sign in with. An identity is an issuer and a subject; the e-mail address only ever makes
//! the first link.

mod code_flow;
mod facebook;
mod google;
mod http;
mod id_token;
mod kept;

use crate::flow::Flow;
use code_flow::Credentials;
use facebook::{Addresses, Facebook};
use google::{DISCOVERY, Discovery, Google};
use http::Http;
use serde::{Deserialize, Serialize};
use shared::{
    config::{Env, PublicUrl, text, value_or_file},
    error::{ApiError, ApiResult},
    time::Timestamp,
};
use url::Url;

/// The longest subject that an identity can be kept with (OpenID Connect Core 1.0, section 2), in characters.
const LONGEST_SUBJECT: usize = 255;

/// A provider's name, in paths and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// What is configured of them.
#[derive(Debug, Clone)]
pub(crate) struct Providers {
    all: Vec<Provider>,
    /// `LINK_BY_EMAIL`: whose word on an e-mail address makes the first link.
    link_by_email: Vec<Name>,
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

impl Providers {
    /// Reads `GOOGLE_*`, `FACEBOOK_*` and `LINK_BY_EMAIL`.
    pub(crate) fn read(env: &mut Env, public: Option<&PublicUrl>) -> Option<Self> {
        let google = credentials(env, ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"]);
        let discovery = Discovery::parse(DISCOVERY).expect("a constant address");
        let discovery = env.or("GOOGLE_DISCOVERY_URL", discovery, Discovery::parse);
        let facebook = credentials(env, ["FACEBOOK_CLIENT_ID", "FACEBOOK_CLIENT_SECRET"]);
        let addresses = Addresses::read(env);
        let link_by_email = env.or("LINK_BY_EMAIL", vec![Name::Google], link_by_email);
        let (google, facebook, public) = (google?, facebook?, public?);
        let mut kinds = Vec::new();
        if google.is_some() || facebook.is_some() {
            let http = Http::new();
            let http = http
                .map_err(|reason| env.mistake("GOOGLE_CLIENT_ID or FACEBOOK_CLIENT_ID", &reason));
            let (http, discovery, addresses) = (http.ok()?, discovery?, addresses?);
            let google = google.map(|own| Kind::Google(Google::new(own, discovery, http.clone())));
            let facebook = facebook.map(|own| Kind::Facebook(Facebook::new(&own, addresses, http)));
            kinds.extend(google.into_iter().chain(facebook));
        }
        let provider = |kind: Kind| Provider {
            redirect_uri: redirect_uri(public, kind.name()),
            kind,
        };
        Some(Self {
            all: kinds.into_iter().map(provider).collect(),
            link_by_email: link_by_email?,
        })
    }

    /// The one with a name.
    ///
    /// # Errors
    /// 404 `unknown_provider`, also when it is not configured.
    pub(crate) fn find(&self, name: &str) -> ApiResult<Provider> {
        let name = Name::parse(name)?;
        let mut all = self.all.iter();
        let found = all.find(|provider| provider.name() == name);
        found.cloned().ok_or(ApiError::UnknownProvider)
    }

    /// Whether one is there to sign in with.
    pub(crate) fn offer(&self, name: Name) -> bool {
        self.all.iter().any(|provider| provider.name() == name)
    }

    /// Whether its word on an e-mail address makes the first link.
    pub(crate) fn link_by_email(&self, name: Name) -> bool {
        self.link_by_email.contains(&name)
    }

    /// Says what has to be registered where.
    pub(crate) fn announce(&self) {
        for Provider { redirect_uri, kind } in &self.all {
            let provider = kind.name().as_str();
            tracing::info!(
                provider,
                redirect_uri,
                "people may sign in with this provider; register exactly this redirect URI there"
            );
        }
    }
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

/// A client id and its secret; none inside when neither is set.
fn credentials(env: &mut Env, [id, secret]: [&'static str; 2]) -> Option<Option<Credentials>> {
    let known = env.or(id, None, |value| text(value).map(Some));
    let proof = env.or(secret, None, |value| value_or_file(value).map(Some));
    match (known?, proof?) {
        (Some(id), Some(secret)) => Some(Some(Credentials { id, secret })),
        (None, None) => Some(None),
        (Some(_), None) => {
            env.mistake(secret, &format!("is not set, though {id} is"));
            None
        }
        (None, Some(_)) => {
            env.mistake(id, &format!("is not set, though {secret} is"));
            None
        }
    }
}

fn link_by_email(value: &str) -> Result<Vec<Name>, String> {
    match value {
        "none" => Ok(Vec::new()),
        "google" => Ok(vec![Name::Google]),
        _ => Err(
            "must be `google` or `none`: no other provider says whether an address is verified"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Providers, String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut env = Env::of(variables.iter().map(own));
        let public = PublicUrl::parse("https://crm.example.com").expect("an origin");
        let providers = Providers::read(&mut env, Some(&public));
        env.finish(providers).map_err(|error| error.to_string())
    }

    #[test]
    fn a_provider_is_there_with_both_of_its_credentials() {
        let none = read(&[]).expect("nothing is wrong");
        assert!(!none.offer(Name::Google) && none.find("google").is_err());
        let google = [("GOOGLE_CLIENT_ID", "id"), ("GOOGLE_CLIENT_SECRET", "hush")];
        let one = read(&google).expect("nothing is wrong");
        let uri = one.find("google").map(|provider| provider.redirect_uri);
        let expected = "https://crm.example.com/login/google/callback";
        assert_eq!(uri.ok().as_deref(), Some(expected));
        assert!(one.find("facebook").is_err() && one.find("Google").is_err());
        assert!(one.link_by_email(Name::Google) && !one.link_by_email(Name::Facebook));
        assert!(!format!("{one:?}").contains("hush"));
        let shown =
            PublicUrl::parse("https://crm.example.com").map(|public| redirect_uris(&public));
        assert!(shown.is_ok_and(|uris| uris[0] == ("google", expected.to_owned())));
    }

    #[test]
    fn half_a_configuration_is_a_mistake() {
        for (variables, mistake) in [
            (
                ("GOOGLE_CLIENT_ID", "id"),
                "GOOGLE_CLIENT_SECRET is not set",
            ),
            (
                ("FACEBOOK_CLIENT_SECRET", "hush"),
                "FACEBOOK_CLIENT_ID is not set",
            ),
            (("LINK_BY_EMAIL", "facebook"), "LINK_BY_EMAIL must be"),
            (
                ("GOOGLE_DISCOVERY_URL", "https://a/"),
                "GOOGLE_DISCOVERY_URL must be",
            ),
            (
                ("FACEBOOK_USER_INFO_URL", "https://a/me?b"),
                "FACEBOOK_USER_INFO_URL must not",
            ),
            (
                ("FACEBOOK_AUTHORIZE_URL", "http://a/"),
                "FACEBOOK_AUTHORIZE_URL must begin",
            ),
        ] {
            let said = read(&[variables]).map(|_| ()).expect_err("a mistake");
            assert!(said.contains(mistake) && !said.contains("hush"), "{said}");
        }
        let none = read(&[("LINK_BY_EMAIL", "none")]).expect("nothing is wrong");
        assert!(!none.link_by_email(Name::Google));
    }

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
