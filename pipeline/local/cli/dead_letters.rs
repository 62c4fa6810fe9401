//! `darkroom dead-letters`.

use clap::Subcommand;

use super::{End, Server, Stop, say, say_line, say_pretty};

/// Look at work that was given up, and take it up again
///
/// A message that was started three times and never came to an end, or that no retry could help,
/// is put aside with the reason. After its cause is gone, `redrive` sends it again.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List what was given up, the oldest first
    List {
        /// One JSON line a letter
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show one in full, as JSON
    Show {
        /// Its id, as `list` shows it
        id: String,
        #[command(flatten)]
        server: Server,
    },
    /// Send them again
    Redrive {
        /// Their ids
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// All there are
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// Print what became of them as one JSON line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    match &arguments.command {
        Command::List { json, server } => {
            for letter in server.client()?.dead_letters().map_err(Stop::failure)? {
                if *json {
                    say_line(&letter)?;
                    continue;
                }
                say(format_args!(
                    "{}  {}  {}  {}  {}: {}",
                    letter.id,
                    letter.buried_at,
                    letter.stage,
                    letter.image_id.as_deref().unwrap_or("-"),
                    letter.reason.code,
                    letter.reason.detail
                ));
            }
        }
        Command::Show { id, server } => {
            say_pretty(&server.client()?.dead_letter(id).map_err(Stop::failure)?)?;
        }
        Command::Redrive { ids, json, server, .. } => {
            let answer = server.client()?.redrive(ids).map_err(Stop::failure)?;
            if *json {
                say_line(&answer)?;
            } else {
                for id in &answer.redriven {
                    say(format_args!("{id} is sent again"));
                }
                for id in &answer.needless {
                    say(format_args!("{id} is taken off: nobody waits for it any more"));
                }
            }
        }
    }
    Ok(End::Done)
}
