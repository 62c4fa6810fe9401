//! `darkroom erase`.

use super::{End, Server, Stop, say, say_line};

/// Erase an image for good: its original, its variants and what is known of it
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The image's id
    id: String,
    /// Print the server's answer as one JSON line: when, and which objects are removed
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let erased = arguments.server.client()?.erase(&arguments.id).map_err(Stop::failure)?;
    if arguments.json {
        say_line(&erased)?;
    } else {
        say(format_args!("{} is erased", arguments.id));
    }
    Ok(End::Done)
}
