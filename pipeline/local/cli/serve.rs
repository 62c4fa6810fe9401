//! `darkroom serve`.

use super::{End, Stop, say};
use crate::{
    logging::{self, LogFormat},
    runner::Drained,
    serve::{ServeError, Server},
    settings::{Flags, Settings},
};

/// Run the server
///
/// Everything it keeps is in one directory. The first SIGTERM or Ctrl-C lets running work finish,
/// the second stops at once; neither loses anything. Every flag has an environment variable.
///
/// Listening on loopback only, it asks nobody for a key. Before it listens elsewhere, or behind a
/// public URL, make one: `darkroom keys create`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    let settings = Settings::read(&arguments.flags)
        .map_err(|mistakes| Stop::Misuse(format!("the settings are not right:\n{mistakes}")))?;
    logging::start(settings.log_format, &settings.log);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Stop::failure)?;
    let drained = runtime.block_on(serve(&settings)).map_err(|error| match error {
        ServeError::NoKeys { .. } => Stop::Misuse(error.to_string()),
        other => Stop::failure(other),
    })?;
    // What still waits for the disk has been answered or is begun again at the next start.
    runtime.shutdown_background();
    match drained {
        Drained::Whole => tracing::info!("stopped; everything that was begun is finished"),
        Drained::CutOff => {
            tracing::warn!("stopped; what was cut off is begun again at the next start");
        }
    }
    Ok(End::Done)
}

async fn serve(settings: &Settings) -> Result<Drained, ServeError> {
    let server = Server::prepare(settings).await?;
    let (url, workers) = (server.url(), settings.capacity.workers);
    match settings.log_format {
        LogFormat::Json | LogFormat::Bare => tracing::info!(url, workers, "listening"),
        LogFormat::Text => {
            let data = settings.data.display();
            say(format_args!("Darkroom is ready on {url} ({workers} workers, data in {data})"));
            say(format_args!("Try: darkroom upload photo.jpg --wait --endpoint {url}"));
        }
    }
    server.run().await
}
