//! `darkroom presets`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{End, Stop};

/// Check a file of presets
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
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let Command::Check { file } = &arguments.command;
    let presets = crate::settings::read_presets(Some(file)).map_err(Stop::Failure)?;
    for (name, preset) in &presets.variants {
        let formats: Vec<_> = preset.formats.iter().map(|format| format.name()).collect();
        let side = |side: Option<u32>| side.map_or_else(|| "any".to_owned(), |n| n.to_string());
        super::say(format_args!(
            "{name}: {} × {}, {}",
            side(preset.width),
            side(preset.height),
            formats.join(", ")
        ));
    }
    Ok(End::Done)
}
