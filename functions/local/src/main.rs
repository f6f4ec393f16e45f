//! The whole product in one process: the three functions on SQLite and a folder of pictures, behind a TLS gateway.

mod balancer;
mod data;
mod gateway;
mod openapi;
mod product;
mod routes;
mod site;
mod tls;

use clap::{Args, Parser, Subcommand};
use std::{net::IpAddr, path::PathBuf, process::ExitCode};

/// Runs the whole CRM in one process: SQLite, a folder of pictures, and HTTPS on this machine.
#[derive(Debug, Parser)]
#[command(name = "crm", bin_name = "crm", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where to listen, and where to keep things.
#[derive(Debug, Args)]
struct Place {
    /// Folder for the database, the pictures, the keys and the certificate; made if missing
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Port for HTTPS
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    https_port: u16,
    /// Port for HTTP, which only redirects to HTTPS
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    http_port: u16,
    /// Address to listen on; the certificate is good for this machine alone
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    listen: IpAddr,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the gateway alone, in front of three running services: the load balancer's stand-in
    Gateway {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        services: balancer::Services,
    },
    /// Prints the OpenAPI document of the whole product, which docs/site/openapi.json is
    Openapi,
}

const AFTER_HELP: &str = "\
Environment:
  ADMIN_EMAIL      the first administrator's address (default admin@example.com)
  ADMIN_PASSWORD   their password (default: a random one, printed once)
  PUBLIC_BASE_URL  the public address, if it is not https://localhost:PORT
  DATABASE_URL     another database, such as mysql://user:password@host/crm
  LOG              what is logged, such as info or warn,shared=debug

Examples:
  crm --data /srv/crm
  crm gateway --auth http://127.0.0.1:8001 --customers http://127.0.0.1:8002 --images http://127.0.0.1:8003";

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    match options.command {
        None => product::run(options.place).await,
        Some(Command::Gateway { place, services }) => balancer::run(place, services).await,
        Some(Command::Openapi) => openapi::print(),
    }
}
