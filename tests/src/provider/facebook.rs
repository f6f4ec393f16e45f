//! A provider that does what Facebook does: OAuth 2.0 with habits of its own, and no ID token.

use super::{
    google::{CLIENT_ID, CLIENT_SECRET},
    random, redirect_uri,
    server::{Asked, Reply, Server, json, locked, redirect, whole},
};
use hyper::Method;
use ring::hmac;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use url::Url;

struct State {
    /// The one redirect URI that the client has registered ("Strict Mode").
    registered: String,
    /// `id`, `name` and, if they gave one and let it be told, `email` of whoever agrees next.
    person: Value,
    /// Whether a page asks the person, in place of agreeing at once.
    asks: bool,
    codes: HashMap<String, Value>,
    tokens: HashMap<String, Value>,
}

/// A running provider.
pub struct Facebook {
    /// Counts and breaks.
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl Facebook {
    /// Starts a provider that knows no client yet.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            registered: String::new(),
            person: json!({ "id": "10158912345", "name": "Ada Lovelace", "email": "ada@example.com" }),
            asks: false,
            codes: HashMap::new(),
            tokens: HashMap::new(),
        }));
        let answers = Arc::clone(&state);
        let server = Server::start(move |asked| locked(&answers).answer(asked)).await;
        Self { server, state }
    }

    /// What tells a product to use this provider.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 5] {
        let at = |path: &str| format!("{}{path}", self.server.base);
        [
            ("FACEBOOK_CLIENT_ID", CLIENT_ID.to_owned()),
            ("FACEBOOK_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("FACEBOOK_AUTHORIZE_URL", at("/v99.0/dialog/oauth")),
            ("FACEBOOK_ACCESS_TOKEN_URL", at("/v99.0/oauth/access_token")),
            ("FACEBOOK_USER_INFO_URL", at("/v99.0/me")),
        ]
    }

    /// Registers the redirect URI of the product with this public address, and no other.
    pub fn register(&self, base: &str) {
        locked(&self.state).registered = redirect_uri(base, "facebook");
    }

    /// Whoever agrees next: `id`, `name` and perhaps `email`.
    pub fn person(&self, person: Value) {
        locked(&self.state).person = person;
    }

    /// Shows a page that asks, in place of agreeing at once.
    pub fn ask(&self) {
        locked(&self.state).asks = true;
    }
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Reply {
        // Everything is there with and without a version of the Graph.
        let path = asked.path.strip_prefix("/v99.0").unwrap_or(&asked.path);
        match (&asked.method, path) {
            (&Method::GET, "/dialog/oauth") => self.authorize(asked),
            (&Method::POST, "/dialog/agree") => self.agree(asked),
            // The Graph takes parameters in the query or in a form.
            (&Method::GET | &Method::POST, "/oauth/access_token") => self.token(asked),
            (&Method::GET, "/me") => self.me(asked),
            _ => error(404, 2500, "Unknown path components"),
        }
    }

    fn authorize(&mut self, asked: &Asked) -> Reply {
        let given = |name: &str| asked.get(name).unwrap_or_default();
        if given("client_id") != CLIENT_ID {
            return whole(400, "text/html", "Invalid App ID".to_owned());
        }
        if given("redirect_uri") != self.registered {
            return whole(
                400,
                "text/html",
                "URL Blocked: This redirect failed because the redirect URI is not white-listed"
                    .to_owned(),
            );
        }
        if given("response_type") != "code" || given("state").len() < 43 {
            return whole(
                400,
                "text/html",
                "Invalid parameter: response_type, state".to_owned(),
            );
        }
        if !self.asks {
            return self.agreed(given("state"));
        }
        // What the product made is base64url: nothing in it has to be escaped.
        let page = format!(
            "<!doctype html><title>Facebook stand-in</title><h1>Log in as Ada?</h1>\
             <form method=post action=agree><input type=hidden name=state value=\"{}\">\
             <input name=email aria-label=Email><input name=pass type=password aria-label=Password>\
             <button name=login>Continue as Ada</button></form>",
            given("state")
        );
        whole(200, "text/html; charset=utf-8", page)
    }

    /// The page's form has been sent.
    fn agree(&mut self, asked: &Asked) -> Reply {
        match (asked.get("email"), asked.get("pass")) {
            (Some("ada@example.com"), Some("facebook password")) => {
                self.agreed(asked.get("state").unwrap_or_default())
            }
            _ => whole(403, "text/html", "Wrong credentials".to_owned()),
        }
    }

    fn agreed(&mut self, state: &str) -> Reply {
        let code = random();
        self.codes.insert(code.clone(), self.person.clone());
        let mut back = Url::parse(&self.registered).expect("an address");
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", state);
        // Its old habit, which ends up in the address of the page.
        back.set_fragment(Some("_=_"));
        redirect(302, back.as_str())
    }

    fn token(&mut self, asked: &Asked) -> Reply {
        let given = |name: &str| asked.get(name).unwrap_or_default();
        if (given("client_id"), given("client_secret")) != (CLIENT_ID, CLIENT_SECRET) {
            return error(400, 101, "Error validating client secret.");
        }
        if given("redirect_uri") != self.registered {
            return error(
                400,
                100,
                "Error validating verification code. Please make sure your redirect_uri is identical to the one you \
                 used in the OAuth dialog request",
            );
        }
        let Some(person) = self.codes.remove(given("code")) else {
            return error(400, 100, "This authorization code has been used.");
        };
        let token = format!("EAAB{}", random());
        self.tokens.insert(token.clone(), person);
        json(
            200,
            &json!({ "access_token": token, "token_type": "bearer", "expires_in": 5_183_944 }),
        )
    }

    fn me(&self, asked: &Asked) -> Reply {
        let bearer = asked.header("authorization").strip_prefix("Bearer ");
        let token = asked.get("access_token").or(bearer).unwrap_or_default();
        let Some(person) = self.tokens.get(token) else {
            return error(
                400,
                2500,
                "An active access token must be used to query information about the current user.",
            );
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
        let proof: String = hmac::sign(&key, token.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if asked.get("appsecret_proof") != Some(&proof) {
            return error(
                400,
                100,
                "Invalid appsecret_proof provided in the API argument",
            );
        }
        // What is not asked for by name is not told, but `id` and `name`.
        let fields = asked.get("fields").unwrap_or("id,name");
        let fields: Vec<_> = fields.split(',').collect();
        let person = person.as_object().expect("members").iter();
        let told = person.filter(|(name, _)| *name == "id" || fields.contains(&name.as_str()));
        let told = told.map(|(name, value)| (name.clone(), value.clone()));
        json(200, &Value::Object(told.collect()))
    }
}

/// An error as the Graph writes it, which is not the form of RFC 6749.
fn error(status: u16, code: u32, message: &str) -> Reply {
    let error = json!({
        "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Axs2EqXGKxS",
    });
    json(status, &json!({ "error": error }))
}
