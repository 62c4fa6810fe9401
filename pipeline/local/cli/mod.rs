//! The command line: one file a subcommand.

mod completions;
mod dead_letters;
mod erase;
mod estimate;
mod inspect;
mod keys;
mod presets;
mod process;
mod progress;
mod serve;
mod status;
mod trace;
mod upload;
mod worker;

use std::{fmt, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    client::Client,
    logging::{self, LogFormat},
};

/// The image pipeline: uploads in, variants, records and events out
#[derive(Parser, Debug)]
#[command(
    name = "darkroom",
    version,
    max_term_width = 100,
    propagate_version = true,
    after_help = "\
Exit codes: 0 all done; 1 something was refused, failed or could not be reached (each is named on
standard error); 2 wrong use.

Examples:
  darkroom serve                                  a server on http://127.0.0.1:8080
  darkroom process *.jpg --out variants           no server: files in, files out
  darkroom upload photo.jpg --wait                to a server, until it is ready
  darkroom inspect photo.jpg                      everything that the picture says of itself"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(Box<serve::Arguments>),
    Process(process::Arguments),
    Inspect(inspect::Arguments),
    Upload(upload::Arguments),
    Status(status::Arguments),
    Trace(trace::Arguments),
    Erase(erase::Arguments),
    DeadLetters(dead_letters::Arguments),
    Keys(keys::Arguments),
    Presets(presets::Arguments),
    Estimate(Box<estimate::Arguments>),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Worker(worker::Arguments),
}

/// Why a command came to no good end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It was asked for something that makes no sense: exit code 2.
    Misuse(String),
    /// It could not do what it was asked for: exit code 1.
    Failure(String),
}

impl Stop {
    pub(crate) fn failure(what: impl fmt::Display) -> Self {
        Self::Failure(what.to_string())
    }
}

/// How a command ended that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All is done: exit code 0.
    Done,
    /// Some of it was refused or failed, and was named: exit code 1.
    SomeFailed,
}

/// Where to find the server, and as whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct Server {
    /// The server to talk to
    #[arg(
        long,
        env = "DARKROOM_ENDPOINT",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    endpoint: String,
    /// An API key, where the server asks for one
    #[arg(long, env = "DARKROOM_KEY", value_name = "KEY", hide_env_values = true)]
    key: Option<String>,
}

impl Server {
    pub(crate) fn client(&self) -> Result<Client, Stop> {
        Client::new(&self.endpoint, self.key.as_deref()).map_err(Stop::Misuse)
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    // Answers its own mistakes, with exit code 2.
    let cli = Cli::parse();
    if !matches!(cli.command, Command::Serve(_) | Command::Worker(_)) {
        logging::start(LogFormat::Text, "error");
    }
    let ended = match cli.command {
        Command::Worker(arguments) => return worker::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Process(arguments) => process::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Upload(arguments) => upload::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Erase(arguments) => erase::run(&arguments),
        Command::DeadLetters(arguments) => dead_letters::run(&arguments),
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Presets(arguments) => presets::run(&arguments),
        Command::Estimate(arguments) => estimate::run(&arguments),
        Command::Completions(arguments) => Ok(completions::run(&arguments)),
    };
    match ended {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::SomeFailed) => ExitCode::from(1),
        Err(Stop::Failure(what)) => {
            eprintln!("darkroom: {what}");
            ExitCode::from(1)
        }
        Err(Stop::Misuse(what)) => {
            eprintln!("darkroom: {what}");
            ExitCode::from(2)
        }
    }
}

/// A line on standard output. Nobody reading any more (`| head`) is no failure of ours.
pub(crate) fn say(line: impl fmt::Display) {
    use std::io::Write as _;
    let _nobody_reads = writeln!(std::io::stdout().lock(), "{line}");
}

/// JSON for programs: one line on standard output. What cannot be said as JSON is a failure, and
/// never looks like JSON.
pub(crate) fn say_line(value: &impl serde::Serialize) -> Result<(), Stop> {
    serde_json::to_string(value).map(say).map_err(Stop::failure)
}

/// JSON for people: over several lines.
pub(crate) fn say_pretty(value: &impl serde::Serialize) -> Result<(), Stop> {
    serde_json::to_string_pretty(value).map(say).map_err(Stop::failure)
}
