//! `darkroom status`.

use domain::Status;

use super::{End, Server, Stop, pretty, say};

/// Show what has become of an image
///
/// Prints its record as JSON. Exit code 1 where it was rejected, failed or expired.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The image's id, as the upload answered it
    id: String,
    /// Print each change as it happens, until nothing more will
    #[arg(long)]
    follow: bool,
    /// One JSON line a record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let client = arguments.server.client()?;
    let show = |record: &domain::record::Record| {
        if arguments.json {
            say(serde_json::to_string(record).unwrap_or_default());
        } else {
            say(pretty(record));
        }
    };
    let record = if arguments.follow {
        client.follow(&arguments.id, &mut |record| show(record)).map_err(Stop::failure)?
    } else {
        let record = client.image(&arguments.id).map_err(Stop::failure)?;
        show(&record);
        record
    };
    Ok(match record.status {
        Status::Rejected | Status::Failed | Status::Expired => End::SomeFailed,
        Status::Pending | Status::Processing | Status::Ready | Status::Erased => End::Done,
    })
}
