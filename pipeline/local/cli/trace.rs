//! `darkroom trace`.

use domain::trace::{Event, Trace};
use jiff::Timestamp;
use serde::Serialize;

use super::{End, Server, Stop, say, say_line};
use crate::client::Letter;

/// Show an image's life: what happened to it, and when
///
/// A line for each thing that happened, with the seconds since the image was created; a line without
/// them is dated by nobody, and stands behind what it followed. Work on the image that was given up, and
/// waits among the dead letters, is there too. Exit code 1 where there is no such image.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The image's id, as its upload answered it
    id: String,
    /// Print the server's answer as one JSON line, with the image's dead letters
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// The whole story.
#[derive(Serialize)]
struct Life {
    #[serde(flatten)]
    trace: Trace,
    dead_letters: Vec<Letter>,
}

/// Something that happened, in columns.
struct Line {
    at: Option<Timestamp>,
    what: &'static str,
    said: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let client = arguments.server.client()?;
    let failure = |error| Stop::failure(format_args!("{}: {error}", arguments.id));
    let trace = client.trace(&arguments.id).map_err(failure)?;
    let mut dead_letters = client.dead_letters().map_err(failure)?;
    dead_letters.retain(|letter| letter.image_id.as_deref() == Some(arguments.id.as_str()));
    let life = Life { trace, dead_letters };
    if arguments.json {
        say_line(&life)?;
    } else {
        show(&life);
    }
    Ok(End::Done)
}

fn show(life: &Life) {
    let Trace { image_id, trace_id, status, events } = &life.trace;
    let lines = lines(life);
    let begun = events.iter().find_map(|event| event.at);
    say(format_args!("{image_id} is {}", status.as_str()));
    say(format_args!("trace {trace_id}"));
    if let Some(begun) = begun {
        say(format_args!("since {begun}"));
    }
    let moments: Vec<_> = lines.iter().map(|line| elapsed(begun, line.at)).collect();
    let first = moments.iter().map(String::len).max().unwrap_or(0);
    let second = lines.iter().map(|line| line.what.len()).max().unwrap_or(0);
    for (moment, Line { what, said, .. }) in moments.iter().zip(&lines) {
        let line = format!("  {moment:>first$}  {what:second$}  {said}");
        say(line.trim_end());
    }
}

/// Letters stand in front of the first thing that is known to have happened after them.
fn lines(life: &Life) -> Vec<Line> {
    let mut lines: Vec<_> = life.trace.events.iter().map(line).collect();
    for letter in &life.dead_letters {
        let at: Option<Timestamp> = letter.buried_at.parse().ok();
        let later = |line: &Line| at.zip(line.at).is_some_and(|(at, other)| other > at);
        let place = lines.iter().position(later).unwrap_or(lines.len());
        let (stage, reason) = (&letter.stage, &letter.reason);
        let said = format!("{stage}: {} ({}); {}", reason.detail, reason.code, letter.id);
        lines.insert(place, Line { at, what: "dead letter", said });
    }
    lines
}

fn line(event: &Event) -> Line {
    let problem =
        event.problem.as_ref().map(|problem| format!("{} ({})", problem.detail, problem.code));
    let stage = event.stage.map(|stage| stage.as_str().to_owned());
    let parts = [stage, event.piece.clone(), event.detail.clone(), problem];
    let said: Vec<_> = parts.into_iter().flatten().collect();
    Line { at: event.at, what: event.what.as_str(), said: said.join(": ") }
}

fn elapsed(begun: Option<Timestamp>, at: Option<Timestamp>) -> String {
    let seconds = begun.zip(at).map(|(begun, at)| at.duration_since(begun).as_secs_f64());
    seconds.map_or_else(String::new, |seconds| format!("{seconds:+.3} s"))
}
