//! A database of its own for each product.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, SqliteConnection};
use std::{
    env, fs, process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::{process::Command, time::sleep};
use url::Url;

/// The address of a fresh, empty MySQL database; none when the tests run on SQLite.
///
/// # Panics
/// When the server that `TEST_MYSQL_URL` names does not answer: a missing database is a failure, not a skip.
#[expect(
    clippy::disallowed_methods,
    reason = "the rig is configured by its environment"
)]
pub async fn fresh_mysql() -> Option<String> {
    let server = env::var("TEST_MYSQL_URL").ok()?;
    Some(fresh_on(&server).await)
}

/// The address of a fresh, empty database on the MySQL server at `server`.
///
/// # Panics
/// When it does not answer, or its user may not make databases.
pub async fn fresh_on(server: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("crm_{}_{count}", process::id());
    let mut connection = MySqlConnection::connect(server).await.expect("it answers");
    for sql in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
    ] {
        let made = sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await;
        made.expect("its user may make databases");
    }
    connection.close().await.expect("closed");
    let (server, options) = server.split_once('?').unwrap_or((server, ""));
    format!("{}/{name}?{options}", server.trim_end_matches('/'))
}

/// Runs one statement on the database of a product, beside the product; gives how many rows it touched.
///
/// # Panics
/// When the database refuses it.
pub async fn execute(url: &str, sql: &str) -> u64 {
    let sql = AssertSqlSafe(sql.to_owned());
    match url.starts_with("mysql:") {
        true => {
            let mut connection = MySqlConnection::connect(url).await.expect("it answers");
            let done = sqlx::query(sql).execute(&mut connection).await;
            done.expect("it runs").rows_affected()
        }
        false => {
            let mut connection = SqliteConnection::connect(url).await.expect("it opens");
            let done = sqlx::query(sql).execute(&mut connection).await;
            done.expect("it runs").rows_affected()
        }
    }
}

/// Runs two statements in one transaction on the database of a product, with a pause between them in which the product
/// can do what it wants to.
///
/// # Panics
/// When the database refuses one of them.
pub async fn execute_slowly(url: &str, [first, second]: [String; 2], pause: Duration) {
    let steps = |begin: &'static str| {
        let wait = (AssertSqlSafe(first), Some(pause));
        let rest = [
            (AssertSqlSafe(second), None),
            (AssertSqlSafe("COMMIT".to_owned()), None),
        ];
        [(AssertSqlSafe(begin.to_owned()), None), wait]
            .into_iter()
            .chain(rest)
    };
    match url.starts_with("mysql:") {
        true => {
            let mut connection = MySqlConnection::connect(url).await.expect("it answers");
            for (sql, pause) in steps("START TRANSACTION") {
                connection.execute(sql).await.expect("it runs");
                sleep(pause.unwrap_or_default()).await;
            }
        }
        false => {
            let mut connection = SqliteConnection::connect(url).await.expect("it opens");
            for (sql, pause) in steps("BEGIN IMMEDIATE") {
                connection.execute(sql).await.expect("it runs");
                sleep(pause.unwrap_or_default()).await;
            }
        }
    }
}

/// The one whole number that a query of a product's database gives.
///
/// # Panics
/// When it gives something else.
pub async fn number(url: &str, sql: &str) -> i64 {
    let sql = AssertSqlSafe(sql.to_owned());
    let number: sqlx::Result<i64> = match url.starts_with("mysql:") {
        true => {
            let mut connection = MySqlConnection::connect(url).await.expect("it answers");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await
        }
        false => {
            let mut connection = SqliteConnection::connect(url).await.expect("it opens");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await
        }
    };
    number.expect("a number")
}

/// The texts of one column that a query of a product's database gives.
///
/// # Panics
/// When it gives something else.
pub async fn texts(url: &str, sql: &str) -> Vec<String> {
    let sql = AssertSqlSafe(sql.to_owned());
    let texts = match url.starts_with("mysql:") {
        true => {
            let mut connection = MySqlConnection::connect(url).await.expect("it answers");
            sqlx::query_scalar(sql).fetch_all(&mut connection).await
        }
        false => {
            let mut connection = SqliteConnection::connect(url).await.expect("it opens");
            sqlx::query_scalar(sql).fetch_all(&mut connection).await
        }
    };
    texts.expect("texts")
}

/// Everything that the database of a product holds, as it lies: what `mariadb-dump` writes, or SQLite's files.
///
/// # Panics
/// When it cannot be read.
pub async fn dump(url: &str) -> Vec<u8> {
    if let Some(file) = url.strip_prefix("sqlite://") {
        let log = fs::read(format!("{file}-wal")).unwrap_or_default();
        return [fs::read(file).expect("readable"), log].concat();
    }
    let url = Url::parse(url).expect("an address");
    let mut dump = Command::new("mariadb-dump");
    dump.args([
        "--no-defaults",
        "--skip-ssl",
        "--protocol=tcp",
        "--default-character-set=utf8mb4",
    ])
    .arg(format!("--host={}", url.host_str().expect("a host")))
    .arg(format!("--port={}", url.port().expect("a port")))
    .arg(format!("--user={}", url.username()))
    .arg(url.path().trim_start_matches('/'));
    let output = dump.output().await.expect("mariadb-dump runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    output.stdout
}
