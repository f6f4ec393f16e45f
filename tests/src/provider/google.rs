//! An OpenID provider that does what Google does.

use super::{
    random, redirect_uri,
    server::{Asked, Reply, Server, json, locked, redirect, whole},
    token::{IdToken, Signed, kid, now, public_key},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hyper::{Method, header};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use url::{Url, form_urlencoded};

/// The client's name at every provider of the rig.
pub const CLIENT_ID: &str = "1084-crm.apps.example.com";
/// The client's secret at every provider of the rig.
pub const CLIENT_SECRET: &str = "GOCSPX-canary_secret-of-the-client";

/// Changes a genuine ID token before it is signed.
type Forge = Box<dyn Fn(&mut IdToken) + Send>;

/// What was agreed at the authorization endpoint, kept until its code comes.
struct Grant {
    person: Value,
    nonce: String,
    challenge: String,
}

struct State {
    base: String,
    /// The one redirect URI that the client has registered.
    registered: String,
    /// What is claimed about whoever agrees next.
    person: Value,
    grants: HashMap<String, Grant>,
    forge: Forge,
    /// Members that the discovery document has beside, or in place of, its own.
    discovery: Value,
    cache_control: String,
    /// The number of the key that is published and signs.
    key: usize,
}

/// A running provider.
pub struct Google {
    /// Counts and breaks.
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl Google {
    /// Starts a provider that knows no client yet.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            base: String::new(),
            registered: String::new(),
            person: json!({ "sub": "110169484474386276334", "email": "ada@example.com", "email_verified": true }),
            grants: HashMap::new(),
            forge: Box::new(|_| ()),
            discovery: json!({}),
            cache_control: "public, max-age=3600".to_owned(),
            key: 0,
        }));
        let answers = Arc::clone(&state);
        let server = Server::start(move |asked| locked(&answers).answer(asked)).await;
        locked(&state).base.clone_from(&server.base);
        Self { server, state }
    }

    /// What tells a product to use this provider.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 3] {
        let discovery = format!("{}/.well-known/openid-configuration", self.server.base);
        [
            ("GOOGLE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("GOOGLE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("GOOGLE_DISCOVERY_URL", discovery),
        ]
    }

    /// Registers the redirect URI of the product with this public address, and no other.
    pub fn register(&self, base: &str) {
        locked(&self.state).registered = redirect_uri(base, "google");
    }

    /// Whoever agrees next: the claims `sub`, `email`, `email_verified` and whatever else.
    pub fn person(&self, claims: Value) {
        locked(&self.state).person = claims;
    }

    /// Whoever agrees next, with a verified address.
    pub fn somebody(&self, sub: &str, email: &str) {
        self.person(json!({ "sub": sub, "email": email, "email_verified": true }));
    }

    /// Changes every ID token from now on before it is signed.
    pub fn forge(&self, forge: impl Fn(&mut IdToken) + Send + 'static) {
        locked(&self.state).forge = Box::new(forge);
    }

    /// Calls itself by another address, which has to lead here.
    pub fn play(&self, base: &str) {
        base.clone_into(&mut locked(&self.state).base);
    }

    /// Sets members of the discovery document.
    pub fn discovery(&self, members: Value) {
        locked(&self.state).discovery = members;
    }

    /// Sets what discovery document and keys say about how long they may be kept.
    pub fn cache_control(&self, value: &str) {
        value.clone_into(&mut locked(&self.state).cache_control);
    }

    /// Publishes the other key in place of the one so far, and signs with it.
    pub fn rotate(&self) {
        locked(&self.state).key = 1;
    }
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Reply {
        match (&asked.method, asked.path.as_str()) {
            (&Method::GET, "/.well-known/openid-configuration") => self.kept(&self.document()),
            (&Method::GET, "/keys") => self.kept(&json!({ "keys": [public_key(self.key)] })),
            (&Method::GET, "/authorize") => self.authorize(asked),
            (&Method::POST, "/token") => self.token(asked),
            // Whoever believes it in place of the ID token is deceived.
            (&Method::GET, "/userinfo") => json(
                200,
                &json!({ "sub": "somebody else", "email": "admin@example.com", "email_verified": true }),
            ),
            _ => whole(404, "text/plain", "not here".to_owned()),
        }
    }

    /// An answer that may be kept.
    fn kept(&self, body: &Value) -> Reply {
        let mut reply = json(200, body);
        if let Ok(value) = self.cache_control.parse() {
            reply.headers_mut().insert(header::CACHE_CONTROL, value);
        }
        reply
    }

    fn document(&self) -> Value {
        let base = &self.base;
        let mut document = json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "userinfo_endpoint": format!("{base}/userinfo"),
            "jwks_uri": format!("{base}/keys"),
            "response_types_supported": ["code", "token", "id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        for (name, value) in self.discovery.as_object().expect("members") {
            document[name] = value.clone();
        }
        document
    }

    /// A person agrees at once, if the client asks rightly.
    fn authorize(&mut self, asked: &Asked) -> Reply {
        let refuse = |why: &str| whole(400, "text/html", format!("Error 400: {why}"));
        let given = |name: &str| asked.get(name).unwrap_or_default();
        let scopes: Vec<_> = given("scope").split(' ').collect();
        if given("client_id") != CLIENT_ID {
            return refuse("invalid_client");
        }
        if given("redirect_uri") != self.registered {
            return refuse("redirect_uri_mismatch");
        }
        if given("response_type") != "code"
            || !scopes.contains(&"openid")
            || !scopes.contains(&"email")
        {
            return refuse("invalid_request: response_type, scope");
        }
        if given("code_challenge_method") != "S256" || given("code_challenge").len() != 43 {
            return refuse("invalid_request: code_challenge");
        }
        // 256 bits as base64url.
        if given("state").len() < 43 || given("nonce").len() < 22 {
            return refuse("invalid_request: state, nonce");
        }
        let code = random();
        let grant = Grant {
            person: self.person.clone(),
            nonce: given("nonce").to_owned(),
            challenge: given("code_challenge").to_owned(),
        };
        self.grants.insert(code.clone(), grant);
        let mut back = Url::parse(&self.registered).expect("an address");
        back.query_pairs_mut()
            .append_pair("state", given("state"))
            .append_pair("code", &code)
            .append_pair("iss", &self.base)
            .append_pair("scope", "openid email");
        redirect(302, back.as_str())
    }

    fn token(&mut self, asked: &Asked) -> Reply {
        let refuse = |status: u16, code: &str| json(status, &json!({ "error": code }));
        let given = |name: &str| asked.get(name).unwrap_or_default();
        if !asked
            .header("content-type")
            .starts_with("application/x-www-form-urlencoded")
            || !asked.query.is_empty()
        {
            return refuse(400, "invalid_request");
        }
        if !proves_itself(asked) {
            return refuse(401, "invalid_client");
        }
        if given("grant_type") != "authorization_code" {
            return refuse(400, "unsupported_grant_type");
        }
        if given("redirect_uri") != self.registered {
            return refuse(400, "redirect_uri_mismatch");
        }
        // Used up even by who cannot verify.
        let Some(grant) = self.grants.remove(given("code")) else {
            return refuse(400, "invalid_grant");
        };
        let verifier = given("code_verifier");
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        if !(43..=128).contains(&verifier.len()) || challenge != grant.challenge {
            return refuse(400, "invalid_grant");
        }
        let access = random();
        let token = self.id_token(grant, &access).encode();
        json(
            200,
            &json!({
                "access_token": access, "token_type": "Bearer", "expires_in": 3599, "scope": "openid email",
                "id_token": token,
            }),
        )
    }

    fn id_token(&self, grant: Grant, access: &str) -> IdToken {
        let now = now();
        let hash = digest(&SHA256, access.as_bytes());
        let mut claims = json!({
            "iss": self.base, "aud": CLIENT_ID, "azp": CLIENT_ID, "iat": now, "exp": now + 3600, "nonce": grant.nonce,
            "at_hash": URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]),
        });
        for (name, value) in grant.person.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        let mut token = IdToken {
            header: json!({ "alg": "RS256", "kid": kid(self.key), "typ": "JWT" }),
            claims,
            claims_text: None,
            signed: Signed::Rs256(self.key),
        };
        (self.forge)(&mut token);
        token
    }
}

/// Whether the client's secret came, in exactly one of the two ways (RFC 6749, section 2.3.1).
fn proves_itself(asked: &Asked) -> bool {
    let posted = asked
        .get("client_secret")
        .map(|secret| (asked.get("client_id").unwrap_or_default(), secret));
    let basic = asked.header("authorization").strip_prefix("Basic ");
    match (posted, basic) {
        (Some(posted), None) => posted == (CLIENT_ID, CLIENT_SECRET),
        (None, Some(basic)) => {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let [id, secret]: [String; 2] = [CLIENT_ID, CLIENT_SECRET].map(encode);
            basic == STANDARD.encode(format!("{id}:{secret}"))
        }
        _ => false,
    }
}
