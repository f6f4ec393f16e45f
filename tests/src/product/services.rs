//! Starting the product as three services behind the gateway.

use super::{Options, Product, directly};
use crate::{
    ADMIN, PASSWORD,
    database::fresh_mysql,
    pictures::Pictures,
    process::{Process, free_port},
    storage::Storage,
};
use tempfile::TempDir;

impl Product {
    /// Starts so many instances of each service behind one gateway, whatever shape the tests run in.
    ///
    /// # Panics
    /// Without `TEST_MYSQL_URL` or another `DATABASE_URL`.
    pub async fn services(instances: usize, options: Options) -> Self {
        Self::fresh_services(instances, options, directly).await
    }

    /// Starts each service behind one gateway, which reaches a service at the address that `through` gives for its own.
    ///
    /// # Panics
    /// Without `TEST_MYSQL_URL` or another `DATABASE_URL`.
    pub async fn services_through(
        options: Options,
        through: impl Fn(&str, String) -> String,
    ) -> Self {
        Self::fresh_services(1, options, through).await
    }

    async fn fresh_services(
        instances: usize,
        mut options: Options,
        through: impl Fn(&str, String) -> String,
    ) -> Self {
        if !options.env.iter().any(|(name, _)| *name == "DATABASE_URL") {
            let url = fresh_mysql().await;
            let url = url.expect("TEST_MYSQL_URL: services want a server");
            options.env.push(("DATABASE_URL", url));
        }
        let (folder, storage) = (TempDir::new().expect("a folder"), Storage::start().await);
        Self::start_services(folder, storage, instances, options, through).await
    }

    pub(super) async fn start_services(
        folder: TempDir,
        storage: Storage,
        instances: usize,
        mut options: Options,
        through: impl Fn(&str, String) -> String,
    ) -> Self {
        let data = folder.path().join("data");
        let keys = folder.path().join("keys.env");
        if !keys.exists() {
            let admin = async |arguments: &[&str], input: &str| {
                Process::output("admin", arguments, &options.env, input).await
            };
            std::fs::write(&keys, admin(&["keys", "generate"], "").await).expect("written");
            admin(&["migrate"], "").await;
            let user = ["create-user", ADMIN, "--role", "admin", "--password-stdin"];
            admin(&user, PASSWORD).await;
        }
        let port = free_port().to_string();
        let mut shared = vec![
            (
                "PUBLIC_BASE_URL".to_owned(),
                format!("https://localhost:{port}"),
            ),
            ("CLIENT_IP_HEADER".to_owned(), "X-Crm-Client-Ip".to_owned()),
            ("DATABASE_MAX_CONNECTIONS".to_owned(), "8".to_owned()),
            ("LOG_FORMAT".to_owned(), "stackdriver".to_owned()),
            ("PORT".to_owned(), "0".to_owned()),
        ];
        let keys = std::fs::read_to_string(&keys).expect("readable");
        shared.extend(keys.lines().filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('\'').to_owned()))
        }));
        let mut gateway = Process::command("local");
        gateway
            .args([
                "gateway",
                "--http-port",
                "0",
                "--https-port",
                &port,
                "--data",
            ])
            .arg(&data)
            .env("LOG", "warn");
        gateway.envs(options.env.iter().map(|(name, value)| (*name, value)));
        let mut processes = Vec::new();
        for name in ["auth", "customers", "images"] {
            for _ in 0..instances {
                let mut command = Process::command(name);
                let own = options.env.iter().map(|(name, value)| (*name, value));
                command
                    .envs(shared.iter().map(|(name, value)| (name, value)))
                    .envs(storage.env())
                    .envs(own);
                let process = Process::start(command, "listening").await;
                let address = through(name, process.address());
                gateway.arg(format!("--{name}")).arg(address);
                processes.push(process);
            }
        }
        processes.insert(0, Process::start(gateway, "Ctrl-C").await);
        options.env.retain(|(name, _)| *name != "PUBLIC_BASE_URL");
        Self::of(
            processes,
            folder,
            Pictures::Bucket(Box::new(storage)),
            options,
        )
    }
}
