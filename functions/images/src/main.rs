//! Serves the images function.

fn main() -> std::process::ExitCode {
    shared::server::main("images", images::Config::read, images::router)
}
