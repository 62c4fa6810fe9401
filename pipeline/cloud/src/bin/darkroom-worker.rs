//! All stages in one process that stays, for steady load.

fn main() -> std::process::ExitCode {
    cloud::worker::run()
}
