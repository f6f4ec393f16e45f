//! Serves the auth function.

fn main() -> std::process::ExitCode {
    shared::server::main("auth", auth::Config::read, auth::router)
}
