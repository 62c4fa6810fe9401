//! The program `darkroom`.

fn main() -> std::process::ExitCode {
    local::cli::run()
}
