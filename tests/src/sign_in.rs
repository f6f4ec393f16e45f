//! A product whose people sign in through both providers of the rig; and further instances of its auth function.

use crate::{
    Client, Options, PASSWORD, Process, Product,
    database::number,
    provider::{Facebook, Google},
    visitor::Visitor,
};
use serde_json::{Value, json};
use std::env;
use tempfile::{NamedTempFile, TempPath};

/// The variables that every instance of auth must agree on.
const KEYS: [&str; 3] = ["SIGNING_KEYS", "VERIFYING_KEYS", "REFRESH_KEY"];

/// A product and both providers, which know each other.
pub struct SignIn {
    /// The product.
    pub product: Product,
    /// Google's stand-in.
    pub google: Google,
    /// Facebook's stand-in.
    pub facebook: Facebook,
}

impl SignIn {
    /// Starts all three.
    pub async fn start() -> Self {
        Self::start_with([]).await
    }

    /// Starts all three; the product with more environment.
    pub async fn start_with(env: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let (google, facebook) = tokio::join!(Google::start(), Facebook::start());
        let mut all = google.env().to_vec();
        all.extend(facebook.env());
        all.extend(env);
        let product = Product::start_with(Options { env: all }).await;
        google.register(&product.base);
        facebook.register(&product.base);
        Self {
            product,
            google,
            facebook,
        }
    }

    /// Somebody new.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor::of(&self.product)
    }

    /// Registers a person as an administrator does: without a password, so that a provider is their way in.
    pub async fn register(&self, email: &str) -> Value {
        let admin = self.product.admin().await;
        let new = json!({ "email": email });
        admin.post("/users", new).await.is(201).json()
    }

    /// Registers a person with a password; gives them signed in.
    pub async fn user(&self, email: &str) -> Client {
        self.product.user(email).await
    }

    /// Signs somebody in with their password.
    pub async fn by_password(&self, email: &str) -> Client {
        self.product.anyone().signed_in(email, PASSWORD).await
    }

    /// One number of the product's database.
    pub async fn number(&self, sql: &str) -> i64 {
        number(&self.product.database_url(), sql).await
    }

    /// How many sessions there are and were.
    pub async fn sessions(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM sessions").await
    }

    /// How many identities are linked.
    pub async fn identities(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM identities").await
    }

    /// Starts another instance of auth on the product's keys and database, with more environment.
    pub async fn instance(
        &self,
        env: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Instance {
        let mut command = Process::command("auth");
        command
            .env("PORT", "0")
            .env("PUBLIC_BASE_URL", &self.product.base)
            .env("DATABASE_URL", self.product.database_url())
            .env("LOG", "info")
            .env("LOG_FORMAT", "stackdriver")
            .envs(KEYS.map(|name| (name, self.product.key(name))))
            .envs(self.google.env())
            .envs(self.facebook.env())
            .envs(env);
        let process = Process::start(command, "listening").await;
        Instance {
            client: Client::new(&process.address(), &self.product.data("tls/ca.pem")),
            process,
        }
    }
}

impl SignIn {
    /// Starts another instance of auth whose clock can be moved.
    ///
    /// # Panics
    /// When `LIBFAKETIME` does not name the library: it is needed, not optional.
    #[expect(
        clippy::disallowed_methods,
        reason = "the rig is configured by its environment"
    )]
    pub async fn instance_with_clock(
        &self,
        env: impl IntoIterator<Item = (&'static str, String)>,
    ) -> (Instance, Clock) {
        let library = env::var("LIBFAKETIME")
            .expect("LIBFAKETIME names the library; `tests/run` installs it");
        let clock = Clock(NamedTempFile::new().expect("a file").into_temp_path());
        clock.ahead(0);
        let mut all = vec![
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", clock.0.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Timers go on as they do.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        all.extend(env);
        (self.instance(all).await, clock)
    }
}

/// The clock of one instance.
pub struct Clock(TempPath);

impl Clock {
    /// Sets it so many seconds ahead of the true time, or behind.
    ///
    /// # Panics
    /// When its file cannot be written.
    pub fn ahead(&self, seconds: i64) {
        // Written aside and moved into place: the instance reads it at any moment.
        let new = self.0.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}")).expect("written");
        std::fs::rename(&new, &self.0).expect("moved");
    }
}

/// An instance of auth that is spoken to directly, by plain HTTP.
pub struct Instance {
    /// The program.
    pub process: Process,
    /// Talks to it.
    pub client: Client,
}

impl Instance {
    /// Somebody new, who talks to this instance alone.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor::with(self.client.clone())
    }
}
