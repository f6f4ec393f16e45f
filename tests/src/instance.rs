//! A further instance of one of a product's functions, which may have a clock of its own.

use crate::{Client, Process, Product, visitor::Visitor};
use serde_json::Value;
use std::env;
use tempfile::{NamedTempFile, TempPath};

/// The variables that all instances must agree on.
const KEYS: [&str; 5] = [
    "SIGNING_KEYS",
    "VERIFYING_KEYS",
    "REFRESH_KEY",
    "IMAGE_URL_KEYS",
    "PRIVACY_KEY",
];

/// An instance that is spoken to directly, by plain HTTP; killed when dropped.
pub struct Instance {
    /// The program.
    pub process: Process,
    /// Somebody who talks to it, and is not signed in.
    pub client: Client,
    base: String,
    public: String,
}

impl Instance {
    /// Starts one of a function on a product's keys and database, and its pictures if `env` names no others.
    pub async fn start(
        product: &Product,
        name: &str,
        env: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let env: Vec<_> = env.into_iter().collect();
        let mut command = Process::command(name);
        command
            .env("PORT", "0")
            .env("PUBLIC_BASE_URL", &product.base)
            .env("DATABASE_URL", product.database_url())
            .env("LOG", "info")
            .env("LOG_FORMAT", "stackdriver")
            .envs(KEYS.map(|name| (name, product.key(name))));
        let elsewhere = |(name, _): &(&str, _)| ["IMAGES_DIR", "GOOGLE_BUCKET"].contains(name);
        if !env.iter().any(elsewhere) {
            command.envs(product.pictures().env());
        }
        command.envs(env);
        let process = Process::start(command, "listening").await;
        let base = process.address();
        Self {
            client: Client::new(&base, &product.data("tls/ca.pem")),
            base,
            public: product.base.clone(),
            process,
        }
    }

    /// Somebody who talks to this instance alone, signed in as another client is.
    #[must_use]
    pub fn client(&self, like: &Client) -> Client {
        let mut client = self.client.clone();
        client.token.clone_from(&like.token);
        client
    }

    /// Somebody new, who talks to this instance alone.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor::with(self.client.clone())
    }

    /// A public address as this instance itself answers it.
    ///
    /// # Panics
    /// When it is not one of the product's.
    #[must_use]
    pub fn address(&self, public: &Value) -> String {
        let path = public
            .as_str()
            .and_then(|text| text.strip_prefix(&self.public));
        format!("{}{}", self.base, path.expect("a public address"))
    }
}

/// The clock of one instance.
pub struct Clock {
    library: String,
    file: TempPath,
}

impl Clock {
    /// A clock that is right.
    ///
    /// # Panics
    /// When `LIBFAKETIME` does not name the library: it is needed, not optional.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the rig is configured by its environment"
    )]
    pub fn new() -> Self {
        let library = env::var("LIBFAKETIME")
            .expect("LIBFAKETIME names the library; `tests/run` installs it");
        let clock = Self {
            library,
            file: NamedTempFile::new().expect("a file").into_temp_path(),
        };
        clock.ahead(0);
        clock
    }

    /// What tells a program to go by it.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Timers go on as they do.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }

    /// Sets it so many seconds ahead of the true time, or behind.
    ///
    /// # Panics
    /// When its file cannot be written.
    pub fn ahead(&self, seconds: i64) {
        // Written aside and moved into place: the instance reads it at any moment.
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}")).expect("written");
        std::fs::rename(&new, &self.file).expect("moved");
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
