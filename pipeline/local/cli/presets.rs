//! `darkroom presets`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use domain::record::Record;
use imaging::{Presets, When};

use super::{End, Stop, say, say_pretty};
use crate::{in_memory::Developed, presets, share::Share};

/// Check a file of presets, describe what may stand in one, and see what it makes
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Say whether a file of presets is right, and if not, which line is not
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print a JSON Schema of presets files, which editors use to complete and check them
    Schema,
    /// Make the variants of one picture, and a page that shows them side by side
    Preview {
        /// The file of presets
        file: PathBuf,
        /// The picture
        image: PathBuf,
        /// Where the variants and index.html go
        #[arg(long, default_value = "presets-preview", value_name = "DIR")]
        out: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    match &arguments.command {
        Command::Check { file } => check(file),
        Command::Schema => say_pretty(&Presets::schema()).map(|()| End::Done),
        Command::Preview { file, image, out } => preview(file, image, out),
    }
}

fn check(file: &Path) -> Result<End, Stop> {
    let presets = presets::read(Some(file)).map_err(Stop::Failure)?.presets;
    for (name, preset) in &presets.variants {
        let formats: Vec<_> = preset.formats.iter().map(|format| format.name()).collect();
        let side = |side: Option<u32>| side.map_or_else(|| "any".to_owned(), |n| n.to_string());
        say(format_args!(
            "{name}: {} × {}, {}{}",
            side(preset.width),
            side(preset.height),
            formats.join(", "),
            if preset.when == When::Request { ", on request" } else { "" }
        ));
    }
    Ok(End::Done)
}

fn preview(file: &Path, image: &Path, out: &Path) -> Result<End, Stop> {
    let presets = presets::read(Some(file)).map_err(Stop::Failure)?;
    let developed = super::process::develop(image, &presets, &Share::of_this_machine())
        .map_err(|problem| Stop::Failure(format!("{}: {}", image.display(), problem.detail)))?;
    let record = Record::of(&developed.image, &|_| None);
    if let Some(problem) = &record.problem {
        return Err(Stop::Failure(format!("{}: {}", image.display(), problem.detail)));
    }
    let failed = |what: &Path, error| Stop::Failure(format!("{}: {error}", what.display()));
    fs::create_dir_all(out).map_err(|error| failed(out, error))?;
    for (name, bytes) in &developed.variants {
        let path = out.join(name);
        fs::write(&path, bytes).map_err(|error| failed(&path, error))?;
    }
    let index = out.join("index.html");
    fs::write(&index, page(&record, &developed)).map_err(|error| failed(&index, error))?;
    say(format_args!("{} variants: {}", developed.variants.len(), index.display()));
    match super::process::trouble(&record) {
        Some(what) => Err(Stop::Failure(format!("{}: {what}", image.display()))),
        None => Ok(End::Done),
    }
}

/// Names of variants are lower-case letters, digits and dashes, so nothing has to be escaped.
fn page(record: &Record, developed: &Developed) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Presets</title><style>body{font:16px \
         system-ui;background:#8883;margin:2rem}figure{display:inline-block;margin:0 2rem 2rem 0;\
         vertical-align:top}figcaption{margin-top:.5rem}</style><h1>Presets</h1>",
    );
    for variant in &record.variants {
        let name = format!("{}.{}", variant.name, variant.format);
        let shown = (variant.width, variant.height, developed.variants.get(&name));
        let figure = if let (Some(width), Some(height), Some(bytes)) = shown {
            format!(
                "<img src=\"{name}\" width={width} height={height} alt=\"\"><figcaption>{name}<br>{width} × \
                 {height}, {} bytes</figcaption>",
                bytes.len()
            )
        } else {
            let failed = variant.failed.as_ref().map(|failed| failed.detail.as_str());
            let why = escaped(failed.or(variant.dropped.as_deref()).unwrap_or_default());
            format!("<figcaption>{name} was not made<br>{why}</figcaption>")
        };
        page.push_str("<figure>");
        page.push_str(&figure);
        page.push_str("</figure>");
    }
    page
}

/// A text as it stands in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
