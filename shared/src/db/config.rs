//! Where the database is, and how it is reached.

use crate::config::{Env, parsed};
use sqlx::mysql::MySqlConnectOptions;
#[cfg(feature = "sqlite")]
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use std::fmt;
#[cfg(feature = "sqlite")]
use std::time::Duration;
use url::Url;

/// How long SQLite waits for another process (such as `admin`) that is writing.
#[cfg(feature = "sqlite")]
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The parameters of a MySQL address. Others are mistakes: the driver passes them over, and a misspelt `ssl-mode` would
/// be a plain connection.
const PARAMETERS: [&str; 6] = [
    "ssl-mode",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "socket",
    "statement-cache-capacity",
];

/// `DATABASE_URL` and `DATABASE_MAX_CONNECTIONS`.
#[derive(Clone)]
pub struct DatabaseConfig {
    pub(super) target: Target,
    pub(super) max_connections: u32,
}

#[derive(Clone)]
pub(super) enum Target {
    MySql(Box<MySqlConnectOptions>),
    #[cfg(feature = "sqlite")]
    Sqlite(Box<SqliteConnectOptions>),
}

impl DatabaseConfig {
    /// Reads the variables.
    pub fn read(env: &mut Env) -> Option<Self> {
        let target = env.required("DATABASE_URL", Target::parse);
        let max_connections = env.or("DATABASE_MAX_CONNECTIONS", 5, |value| {
            parsed::<u32>(value).and_then(|max| match max {
                0 => Err("must be at least 1".to_owned()),
                max => Ok(max),
            })
        });
        Some(Self {
            target: target?,
            max_connections: max_connections?,
        })
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseConfig(***)")
    }
}

impl Target {
    fn parse(url: &str) -> Result<Self, String> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("mysql") => {
                known_parameters(url)?;
                match url.parse::<MySqlConnectOptions>() {
                    Ok(options) => Ok(Self::MySql(Box::new(options.collation("utf8mb4_bin")))),
                    Err(error) => Err(format!("is not a MySQL address: {error}")),
                }
            }
            #[cfg(feature = "sqlite")]
            Some("sqlite") => match url.parse::<SqliteConnectOptions>() {
                // FULL: what was acknowledged outlives a power cut, not only a killed process.
                Ok(options) => Ok(Self::Sqlite(Box::new(
                    options
                        .create_if_missing(true)
                        .foreign_keys(true)
                        .journal_mode(SqliteJournalMode::Wal)
                        .synchronous(SqliteSynchronous::Full)
                        .busy_timeout(BUSY_TIMEOUT)
                        // What was erased is overwritten, not only given free.
                        .pragma("secure_delete", "ON"),
                ))),
                Err(error) => Err(format!("is not an SQLite address: {error}")),
            },
            _ => Err("must begin with mysql:// (or sqlite:// in the all-in-one)".to_owned()),
        }
    }
}

fn known_parameters(url: &str) -> Result<(), String> {
    let url = Url::parse(url).map_err(|error| format!("is not a MySQL address: {error}"))?;
    let unknown = url
        .query_pairs()
        .find(|(name, _)| !PARAMETERS.contains(&name.as_ref()));
    match unknown {
        None => Ok(()),
        Some((name, _)) => Err(format!(
            "has the parameter `{name}`, which is none of {}",
            PARAMETERS.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_parameter_is_a_mistake_and_not_a_plain_connection() {
        for good in [
            "mysql://crm:pass@db.example.com/crm",
            "mysql://crm:p%40ss@10.0.0.3/crm?ssl-mode=VERIFY_CA&ssl-ca=/ca.pem",
            "mysql://crm@localhost/crm?socket=/cloudsql/shop:europe-west1:crm",
        ] {
            assert!(Target::parse(good).is_ok(), "{good}");
        }
        for (bad, named) in [
            ("mysql://crm@db/crm?ssl_mode=VERIFY_CA", "ssl_mode"),
            (
                "mysql://crm@db/crm?ssl-mode=VERIFY_CA&sslca=/ca.pem",
                "sslca",
            ),
            ("mysql://crm@db/crm?ssl-mode=VERIFIED", "VERIFIED"),
            ("mysql://crm:hunter2@db:port/crm", "port"),
        ] {
            let said = Target::parse(bad).map(|_| ()).expect_err(bad);
            assert!(said.contains(named) && !said.contains("hunter2"), "{said}");
        }
    }
}
