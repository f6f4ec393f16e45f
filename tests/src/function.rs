//! One function as a program of its own, without a gateway.

use crate::Process;
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
