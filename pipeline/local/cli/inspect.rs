//! `darkroom inspect`.

use std::path::PathBuf;

use domain::{Status, record::Record};
use serde_json::Value;

use super::{End, Stop, say_pretty};
use crate::{presets, share::Share};

/// Show everything that a picture says of itself
///
/// Prints the record that a server would make of it, as JSON, with all metadata as the file has it
/// under `metadata.raw`. Nothing is written. Exit code 1 where it is no picture that is taken.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The file
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let file = &arguments.file;
    let failed = |what: String| Stop::Failure(format!("{}: {what}", file.display()));
    let share = Share::of_this_machine();
    let developed = super::process::develop(file, &presets::Read::built_in(), &share)
        .map_err(|problem| failed(problem.detail))?;
    let record = Record::of(&developed.image, &|_| None);
    let mut shown = serde_json::to_value(&record).map_err(|error| failed(error.to_string()))?;
    if let (Some(raw), Some(metadata)) =
        (&developed.raw_metadata, shown.get_mut("metadata").and_then(Value::as_object_mut))
    {
        let raw = serde_json::from_slice(raw).map_err(|error| failed(error.to_string()))?;
        metadata.insert("raw".to_owned(), raw);
        metadata.remove("raw_url");
    }
    say_pretty(&shown)?;
    Ok(if record.status == Status::Ready { End::Done } else { End::SomeFailed })
}
