//! Lists, search and races of the customers function, at ten thousand customers and at a million.
//!
//! `tests/bench-customers` builds this optimised and starts it. The function under measure is this program too: its
//! own `main`, with SQLite compiled in beside MySQL.

mod ask;
mod find;
mod make;
mod measure;
mod names;
mod nation;
mod people;
mod races;
mod rig;

use anyhow::{Context as _, bail};
use measure::SIZES;
use rig::{Function, open};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

const USE: &str = "use: bench-customers fingerprint | serve | make FOLDER [MYSQL-SERVER] | lists FOLDER [MYSQL-SERVER] | \
    races [MYSQL-SERVER] | find FOLDER SECONDS";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return shared::server::main("customers", customers::Config::read, customers::router);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-customers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: &[String]) -> anyhow::Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["fingerprint"] => {
            println!("{}", make::fingerprint());
            Ok(())
        }
        ["make", folder] => make(Path::new(folder), None).await.map(drop),
        ["make", folder, server] => make(Path::new(folder), Some(server)).await.map(drop),
        ["lists", folder] => lists(Path::new(folder), None).await,
        ["lists", folder, server] => lists(Path::new(folder), Some(server)).await,
        ["find", folder, seconds] => find::run(Path::new(folder), seconds.parse()?).await,
        ["races"] => races(None).await,
        ["races", server] => races(Some(server)).await,
        _ => bail!(USE),
    }
}

/// The addresses of the databases, which `folder` keeps for the next time.
async fn make(folder: &Path, server: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut urls = Vec::new();
    for rows in SIZES {
        urls.push(made(folder, server, rows).await?);
    }
    Ok(urls)
}

async fn lists(folder: &Path, server: Option<&str>) -> anyhow::Result<()> {
    let urls = make(folder, server).await?;
    let process = match server {
        None => None,
        Some(_) => {
            let file = folder.join("mariadb/run/pid");
            Some(fs::read_to_string(file)?.trim().parse()?)
        }
    };
    let urls = urls.try_into().ok().context("one for each size")?;
    measure::lists(urls, process).await
}

/// The address of a database of so many customers, which is made unless it is there.
async fn made(folder: &Path, server: Option<&str>, rows: usize) -> anyhow::Result<String> {
    let file = |end: &str| -> PathBuf { folder.join(format!("{rows}{end}")) };
    let (url, mark) = match server {
        Some(server) => (format!("{server}/crm_{rows}"), file(".mariadb.made")),
        None => (
            format!("sqlite://{}", file(".db").display()),
            file(".sqlite.made"),
        ),
    };
    if mark.exists() {
        return Ok(url);
    }
    eprintln!("Making {rows} customers");
    let begun = Instant::now();
    match server {
        Some(server) => fresh(server, &format!("crm_{rows}")).await?,
        None => ["", "-wal", "-shm"].iter().for_each(|end| {
            // It may not be there.
            let _ = fs::remove_file(file(&format!(".db{end}")));
        }),
    }
    let db = open(&url)?;
    make::make(&db, rows).await?;
    db.close().await;
    fs::write(mark, "")?;
    eprintln!("Made in {} seconds", begun.elapsed().as_secs());
    Ok(url)
}

async fn fresh(server: &str, name: &str) -> anyhow::Result<()> {
    let mut connection = MySqlConnection::connect(server).await?;
    for sql in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
    ] {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
    }
    Ok(connection.close().await?)
}

/// On MySQL two instances of the function race for the same rows, as in production; SQLite has one writer.
async fn races(server: Option<&str>) -> anyhow::Result<()> {
    let folder = tempfile::TempDir::new()?;
    let (url, instances) = match server {
        Some(server) => {
            fresh(server, "crm_races").await?;
            (format!("{server}/crm_races"), 2)
        }
        None => (
            format!("sqlite://{}", folder.path().join("crm.db").display()),
            1,
        ),
    };
    let db = open(&url)?;
    db.migrate().await?;
    make::users(&db).await?;
    db.close().await;
    let mut functions = Vec::new();
    for _ in 0..instances {
        functions.push(Function::start(&url).await?);
    }
    let begun = Instant::now();
    races::run(&functions).await?;
    println!(
        "\n{} seconds, {instances} instances of the function.",
        begun.elapsed().as_secs()
    );
    Ok(())
}
