//! `darkroom worker`: what `serve` starts for itself.

use std::process::ExitCode;

use crate::logging::{self, LogFormat};

/// Handle messages over standard input and output; started by `serve`, of no use to people
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Bytes of address space that the process is bound to
    #[arg(long)]
    memory: u64,
    /// Which log lines are written
    #[arg(long, default_value = "info")]
    log: String,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    crate::heap::keep();
    crate::heap::share_one();
    logging::start(LogFormat::Bare, &arguments.log);
    crate::worker::process::run(arguments.memory)
}
