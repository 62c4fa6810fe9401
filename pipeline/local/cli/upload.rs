//! `darkroom upload`.

use std::{fmt, fs, path::PathBuf};

use domain::Status;

use super::{End, Server, Stop, progress::Progress};
use crate::client::Client;

/// Upload files to a server
///
/// Prints `ID FILE` for each, or with `--json` one JSON line a file: the file as given, and the
/// image's id or, with `--wait`, its record. More than 100 MB go by parts, each of which is tried
/// again where the connection fails. What could not be uploaded is named on standard error,
/// the others go on.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Wait until each is ready, or is not to become so
    #[arg(long)]
    wait: bool,
    /// One JSON line a file
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let client = arguments.server.client()?;
    let mut end = End::Done;
    let mut failed = |progress: &Progress, name: &str, what: &dyn fmt::Display| {
        progress.complain(format_args!("{name}: {what}"));
        end = End::SomeFailed;
    };
    // First all uploads, then all waiting: the server works while the next file travels.
    let mut uploaded = Vec::new();
    let size = |file: &PathBuf| fs::metadata(file).map_or(0, |meta| meta.len());
    let all = arguments.files.iter().map(size).sum();
    let progress = Progress::of_bytes(arguments.files.len(), all);
    for file in &arguments.files {
        let name = file.to_string_lossy();
        progress.at(&name);
        match client.upload(file, &mut |bytes| progress.more(bytes)) {
            Ok(id) if arguments.wait => uploaded.push((name.clone(), id)),
            Ok(id) if arguments.json => {
                progress.say(serde_json::json!({"file": name, "image_id": id}));
            }
            Ok(id) => progress.say(format_args!("{id} {name}")),
            Err(error) => failed(&progress, &name, &error),
        }
    }
    drop(progress);
    let progress = Progress::over(uploaded.len());
    for (name, id) in &uploaded {
        match wait(&client, id, name, arguments.json, &progress) {
            Ok(()) => {}
            Err(what) => failed(&progress, name, &what),
        }
        progress.step(name);
    }
    Ok(end)
}

fn wait(
    client: &Client,
    id: &str,
    file: &str,
    json: bool,
    progress: &Progress,
) -> Result<(), String> {
    let record = client.follow(id, &mut |_| {}).map_err(|error| error.to_string())?;
    if json {
        progress.say(super::process::line(file, &record)?);
    } else {
        progress.say(format_args!("{id} {file} {}", record.status.as_str()));
    }
    match (record.status, record.problem) {
        (Status::Ready, _) => Ok(()),
        (status, None) => Err(format!("{} is {}", id, status.as_str())),
        (status, Some(problem)) => {
            Err(format!("{}: {} ({})", status.as_str(), problem.detail, problem.code))
        }
    }
}
