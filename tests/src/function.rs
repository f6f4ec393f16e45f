//! One function as a program of its own, without a gateway.

use crate::{Client, Process, Product};
use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

/// A running function with keys of its own; killed when dropped.
pub struct Function {
    /// Its process.
    pub process: Process,
    /// Its own address, plain HTTP.
    pub base: String,
    _pictures: TempDir,
}

impl Function {
    /// Starts one. Its database is not there, unless `env` names another.
    pub async fn start(name: &str, env: &[(&str, String)]) -> Self {
        let pictures = TempDir::new().expect("a folder");
        let keys = Process::output("admin", &["keys", "generate"], &[], "").await;
        let keys = keys.lines().filter_map(|line| line.split_once('='));
        let mut command = Process::command(name);
        command
            .envs(keys.map(|(name, value)| (name, value.trim_matches('\''))))
            .env("PORT", "0")
            .env("PUBLIC_BASE_URL", "https://crm.example.com")
            .env("DATABASE_URL", "mysql://nobody@127.0.0.1:9/crm")
            .env("IMAGES_DIR", pictures.path())
            .env("LOG_FORMAT", "stackdriver")
            .envs(env.iter().map(|(name, value)| (*name, value)));
        let process = Process::start(command, "listening").await;
        Self {
            base: process.address(),
            process,
            _pictures: pictures,
        }
    }

    /// The address of a path of its own.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// The images function on the database and with the keys of a product; killed when dropped.
pub struct ImagesFunction {
    _process: Process,
    authority: PathBuf,
    public: String,
    /// Its own address, plain HTTP.
    pub base: String,
}

impl ImagesFunction {
    /// Starts it beside a product.
    pub async fn start(
        product: &Product,
        env: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let mut command = Process::command("images");
        command
            .env("PORT", "0")
            .env("PUBLIC_BASE_URL", &product.base)
            .env("DATABASE_URL", product.database_url())
            .env("VERIFYING_KEYS", product.key("VERIFYING_KEYS"))
            .env("IMAGE_URL_KEYS", product.key("IMAGE_URL_KEYS"))
            .env("PRIVACY_KEY", product.key("PRIVACY_KEY"))
            .env("LOG_FORMAT", "stackdriver")
            .envs(env);
        let process = Process::start(command, "listening").await;
        Self {
            authority: product.data("tls/ca.pem"),
            public: product.base.clone(),
            base: process.address(),
            _process: process,
        }
    }

    /// Somebody who talks to it directly, signed in as another client is.
    #[must_use]
    pub fn client(&self, like: &Client) -> Client {
        let mut client = Client::new(&self.base, &self.authority);
        client.token.clone_from(&like.token);
        client
    }

    /// A public address as this function itself answers it.
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
