//! Serves the customers function.

fn main() -> std::process::ExitCode {
    shared::server::main("customers", customers::Config::read, customers::router)
}
