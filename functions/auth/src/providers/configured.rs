//! Which providers are configured, and how.

use super::{
    Kind, Name, Provider,
    code_flow::Credentials,
    discovery::{DISCOVERY, Discovery},
    facebook::{Addresses, Facebook},
    google::Google,
    http::Http,
    redirect_uri,
};
use shared::{
    config::{Env, PublicUrl, text, value_or_file},
    error::{ApiError, ApiResult},
};

/// What is configured of them.
#[derive(Debug, Clone)]
pub(crate) struct Providers {
    all: Vec<Provider>,
    /// `LINK_BY_EMAIL`: whose word on an e-mail address makes the first link.
    link_by_email: Vec<Name>,
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
    use super::{super::redirect_uris, *};

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
}
