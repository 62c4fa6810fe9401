//! `darkroom status`.

use domain::Status;

use super::{End, Server, Stop, say_line, say_pretty};

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
        if arguments.json { say_line(record) } else { say_pretty(record) }
    };
    let record = if arguments.follow {
        let mut said = Ok(());
        let mut each = |record: &_| {
            if said.is_ok() {
                said = show(record);
            }
        };
        let record = client.follow(&arguments.id, &mut each).map_err(Stop::failure)?;
        said?;
        record
    } else {
        let record = client.image(&arguments.id).map_err(Stop::failure)?;
        show(&record)?;
        record
    };
    Ok(match record.status {
        Status::Rejected | Status::Failed | Status::Expired => End::SomeFailed,
        Status::Pending | Status::Processing | Status::Ready | Status::Erased => End::Done,
    })
}
