//! Log lines, on standard error: standard output is for answers.

use std::{
    io::{IsTerminal as _, stderr},
    str::FromStr,
};

use tracing_subscriber::{EnvFilter, fmt};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// From a worker to its supervisor: level and text; the supervisor adds the rest.
    Bare,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// Whether the text is a filter.
pub fn is_filter(text: &str) -> bool {
    EnvFilter::try_new(text).is_ok()
}

/// Begins logging. Called once, at the start of the program; a second call changes nothing.
pub fn start(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt().with_env_filter(filter).with_writer(stderr);
    // Only fails where logging was begun before.
    let _begun_before = match format {
        LogFormat::Text => lines.with_target(false).with_ansi(stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Bare => lines.without_time().with_target(false).with_ansi(false).try_init(),
    };
}
