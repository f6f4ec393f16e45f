//! The operator's program.

mod doctor;
mod progress;
mod sweep;

use anyhow::anyhow;
use auth::{
    NewUser, Passwords,
    keys::{
        self,
        rotate::{Keys, Step},
    },
    limits, users,
};
use clap::{Parser, Subcommand, ValueEnum};
use progress::during;
use shared::{
    config::{Env, value_or_file},
    customer::search,
    db::{DatabaseConfig, Db},
    error::ApiError,
    token::Role,
};
use std::{io, path::PathBuf, process::ExitCode};

/// Looks after the CRM's database, users, keys and pictures.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
enum Command {
    /// Brings the database's schema up to date
    Migrate,
    /// Looks at configuration, database, keys, pictures and the public address, and says what is wrong
    ///
    /// Give it the environment of the services. It changes nothing. SIGNING_KEYS may be left out where it must not be known.
    #[command(after_help = "\
Examples:
  set -a; . keys.env; . crm.env; set +a; admin doctor
  admin doctor --ca var/tls/ca.pem")]
    Doctor {
        /// A certificate authority to trust besides the usual ones, such as var/tls/ca.pem of the local gateway
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
    },
    /// Makes a user
    #[command(after_help = "\
Examples:
  admin create-user ada@example.com --role admin
  pass show crm/ada | admin create-user ada@example.com --password-stdin")]
    CreateUser {
        /// The address to sign in with
        email: String,
        /// What the user may do
        #[arg(long, value_enum, default_value_t = RoleName::User)]
        role: RoleName,
        /// Read the password from standard input instead of making one up and printing it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Makes the keys that a deployment needs, and changes them
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Lets everybody try to sign in again at once, who failed too often and has to wait
    LiftLimits,
    /// Removes what nobody needs any more; run it once a day
    ///
    /// It finishes erasures; removes pictures that no customer has, sessions that have been over for 90 days,
    /// idempotency keys of yesterday, and what failed sign-ins left behind.
    #[command(after_help = "\
Examples:
  admin sweep --dry-run
  DATABASE_URL=sqlite:var/crm.db IMAGES_DIR=var/pictures admin sweep")]
    Sweep {
        /// Look only at pictures that are older than so many hours
        ///
        /// A picture that is just being uploaded has no customer yet: 0 is for when nobody uploads.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        older_than: u32,
        /// Remove nothing, only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Prints a fresh set as environment variables, ready for a file that `set -a; . FILE` reads
    Generate,
    /// Reads SIGNING_KEYS, VERIFYING_KEYS and IMAGE_URL_KEYS, and prints them after one step of a change of keys
    #[command(after_help = "\
Examples:
  set -a; . keys.env; set +a
  admin keys rotate publish > next.env")]
    Rotate {
        /// Take the steps in this order, each deployed to every service before the next
        #[arg(value_enum)]
        step: StepName,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StepName {
    /// Add a new key that nothing is signed with yet
    Publish,
    /// Sign with the newest key
    Sign,
    /// Ten minutes later at the earliest: drop the old keys
    Retire,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    User,
    Admin,
}

const AFTER_HELP: &str = "\
Environment:
  DATABASE_URL                        mysql://user:password@host/crm or sqlite:///path/to/crm.db
  GOOGLE_BUCKET, or IMAGES_DIR        where the pictures are, for `sweep`
  STORAGE_ENDPOINT                    an emulator of Google's storage
  PUBLIC_BASE_URL, VERIFYING_KEYS, …  for `doctor`: all that the services have

Examples:
  admin migrate
  admin create-user ada@example.com --role admin
  pass show crm/ada | admin create-user ada@example.com --password-stdin
  admin doctor
  admin keys generate > keys.env
  admin keys rotate publish > next.env
  admin lift-limits
  admin sweep --dry-run";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Command::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("admin: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Migrate => migrate().await,
        Command::Doctor { ca } => doctor::examine(ca.as_deref()).await,
        Command::CreateUser {
            email,
            role,
            password_stdin,
        } => create_user(&email, role, password_stdin).await,
        Command::Keys(KeysCommand::Generate) => {
            generate_keys();
            Ok(())
        }
        Command::Keys(KeysCommand::Rotate { step }) => rotate_keys(step),
        Command::LiftLimits => lift_limits().await,
        Command::Sweep {
            older_than,
            dry_run,
        } => sweep::run(older_than, dry_run).await,
    }
}

fn open() -> anyhow::Result<Db> {
    let mut env = Env::of_process();
    let config = DatabaseConfig::read(&mut env);
    Ok(Db::open(&env.finish(config)?))
}

async fn migrate() -> anyhow::Result<()> {
    let db = open()?;
    let applied = during("Bringing the schema up to date", db.migrate()).await?;
    for migration in &applied {
        println!("Applied {migration}.");
    }
    println!("The schema is up to date.");
    match during("Indexing customers for search", search::index_missing(&db)).await? {
        0 => {}
        indexed => println!("Indexed {indexed} customers for search."),
    }
    db.close().await;
    Ok(())
}

async fn create_user(email: &str, role: RoleName, password_stdin: bool) -> anyhow::Result<()> {
    let role = match role {
        RoleName::User => Role::User,
        RoleName::Admin => Role::Admin,
    };
    let password = match password_stdin {
        true => read_password()?,
        false => auth::random_password(),
    };
    let new = NewUser::parse(email, role, Some(&password)).map_err(anyhow::Error::msg)?;
    let db = open()?;
    let user = users::create(&db, &Passwords::new(), new).await;
    let user = user.map_err(|error| match error {
        ApiError::Database(cause) => anyhow::Error::new(cause)
            .context("the database did not take the user; has `admin migrate` been run?"),
        error => error.into(),
    })?;
    println!("Made the user {} ({}).", user.email(), role.as_str());
    if !password_stdin {
        println!("Password, shown this once: {password}");
    }
    db.close().await;
    Ok(())
}

fn read_password() -> anyhow::Result<String> {
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Err(anyhow!("standard input holds no password"));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn lift_limits() -> anyhow::Result<()> {
    let db = open()?;
    let lifted = limits::lift(&db).await?;
    println!("Everybody may try to sign in again: {lifted} limits lifted.");
    db.close().await;
    Ok(())
}

fn generate_keys() {
    let keys = keys::generate();
    println!("SIGNING_KEYS='{}'", keys.signing);
    println!("VERIFYING_KEYS='{}'", keys.verifying);
    println!("REFRESH_KEY='{}'", keys.refresh);
    println!("IMAGE_URL_KEYS='{}'", keys.image_urls);
    println!("PRIVACY_KEY='{}'", keys.privacy);
}

fn rotate_keys(step: StepName) -> anyhow::Result<()> {
    let mut env = Env::of_process();
    let mut secret = |name| {
        env.required(name, value_or_file)
            .map(|text| text.reveal().to_owned())
    };
    let (signing, verifying) = (secret("SIGNING_KEYS"), secret("VERIFYING_KEYS"));
    let image_urls = secret("IMAGE_URL_KEYS");
    let keys = (|| {
        Some(Keys {
            signing: signing?,
            verifying: verifying?,
            image_urls: image_urls?,
        })
    })();
    let step = match step {
        StepName::Publish => Step::Publish,
        StepName::Sign => Step::Sign,
        StepName::Retire => Step::Retire,
    };
    let keys = env.finish(keys)?.after(step).map_err(anyhow::Error::msg)?;
    println!("SIGNING_KEYS='{}'", keys.signing);
    println!("VERIFYING_KEYS='{}'", keys.verifying);
    println!("IMAGE_URL_KEYS='{}'", keys.image_urls);
    Ok(())
}
