//! `darkroom upload`.

use std::path::PathBuf;

use domain::Status;

use super::{End, Server, Stop, say};
use crate::client::Client;

/// Upload files to a server
///
/// Prints `ID FILE` for each, or with `--json` one JSON line a file: the file as given, and the
/// image's id or, with `--wait`, its record. What could not be uploaded is named on standard error,
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
    // First all uploads, then all waiting: the server works while the next file travels.
    let mut uploaded = Vec::new();
    for file in &arguments.files {
        match client.upload(file) {
            Ok(id) if arguments.wait => uploaded.push((file, id)),
            Ok(id) if arguments.json => {
                say(serde_json::json!({"file": file.to_string_lossy(), "image_id": id}));
            }
            Ok(id) => say(format_args!("{id} {}", file.display())),
            Err(error) => {
                eprintln!("darkroom: {}: {error}", file.display());
                end = End::SomeFailed;
            }
        }
    }
    for (file, id) in uploaded {
        if let Err(what) = wait(&client, &id, &file.to_string_lossy(), arguments.json) {
            eprintln!("darkroom: {}: {what}", file.display());
            end = End::SomeFailed;
        }
    }
    Ok(end)
}

fn wait(client: &Client, id: &str, file: &str, json: bool) -> Result<(), String> {
    let record = client.follow(id, &mut |_| {}).map_err(|error| error.to_string())?;
    if json {
        say(super::process::line(file, &record)?);
    } else {
        say(format_args!("{id} {file} {}", record.status.as_str()));
    }
    match (record.status, record.problem) {
        (Status::Ready, _) => Ok(()),
        (status, None) => Err(format!("{} is {}", id, status.as_str())),
        (status, Some(problem)) => {
            Err(format!("{}: {} ({})", status.as_str(), problem.detail, problem.code))
        }
    }
}
