//! `darkroom completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, End};

/// Print a completion script for a shell
///
/// For bash, for example: `darkroom completions bash > /etc/bash_completion.d/darkroom`
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> End {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "darkroom", &mut script);
    super::say(String::from_utf8_lossy(&script).trim_end());
    End::Done
}
