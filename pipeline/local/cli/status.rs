//! `darkroom status`.

use domain::{Status, record::Record};

use super::{End, Server, Stop, say_line, say_pretty};
use crate::client::{Client, ClientError};

/// Show what has become of images
///
/// Prints the record of each as JSON. Exit code 1 where one was rejected, failed or expired, or could
/// not be asked for, which is named on standard error; the others are shown.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The images' ids, as the uploads answered them
    #[arg(required = true)]
    ids: Vec<String>,
    /// Print each change as it happens, until nothing more will; one image after the other
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
    let mut said = Ok(());
    let mut show = |record: &Record| {
        if said.is_ok() {
            said = if arguments.json { say_line(record) } else { say_pretty(record) };
        }
    };
    let mut end = End::Done;
    for id in &arguments.ids {
        match ask(&client, id, arguments.follow, &mut show) {
            Ok(record) => match record.status {
                Status::Rejected | Status::Failed | Status::Expired => end = End::SomeFailed,
                Status::Pending | Status::Processing | Status::Ready | Status::Erased => {}
            },
            Err(error) => {
                eprintln!("darkroom: {id}: {error}");
                end = End::SomeFailed;
            }
        }
    }
    said?;
    Ok(end)
}

fn ask(
    client: &Client,
    id: &str,
    follow: bool,
    show: &mut dyn FnMut(&Record),
) -> Result<Record, ClientError> {
    if follow {
        return client.follow(id, show);
    }
    let record = client.image(id)?;
    show(&record);
    Ok(record)
}
