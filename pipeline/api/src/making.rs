//! Variants that are made when they are first asked for: the fan-out is told, once however many ask,
//! and the answer waits a while for what comes of it.
//!
//! What may be asked for is what the presets offer, of images that are there: whoever tries names
//! makes no work. What has failed is not tried again for being asked for.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{Code, Image, PieceId, StoreError, image::Asking, message::Body};
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use crate::{
    App,
    choice::{Choice, Wanted, choose_from},
    params::unknown_image,
    problem::Refusal,
};

/// When a client should come again for what was not made while it waited.
const AGAIN: Duration = Duration::from_secs(2);

/// Asks for what suits the client best, and waits for what comes of it: the image by then, and the
/// piece to serve. Where it fails, the next best is asked for.
pub(crate) async fn wait(
    app: &Arc<App>,
    mut image: Image,
    wanted: &Wanted<'_>,
    accept: Option<&str>,
) -> Result<(Image, PieceId), Refusal> {
    let rules = app.api.settings.requests;
    // Who finds no place to wait has asked all the same.
    let place = app.waiting.try_acquire();
    let end = if place.is_ok() { Instant::now() + rules.wait } else { Instant::now() };
    let mut pause = rules.poll;
    loop {
        match choose_from(&image, wanted, accept, &(app.api.offers)())? {
            Choice::There { piece, .. } => {
                let piece = piece.clone();
                return Ok((image, piece));
            }
            Choice::ToMake(file) => ask(app, &image, file).await?,
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || (app.api.closing)() {
            let detail = "the variant is made when it is first asked for, and is being made now: \
                          send the same request again";
            return Err(Refusal::new(Code::NotYetMade, detail).retry_after(AGAIN.as_secs()));
        }
        sleep(pause.min(left)).await;
        pause = (pause * 3 / 2).min(rules.poll_most);
        image = match app.api.catalog.image(image.id).await {
            Err(StoreError::Missing(_)) => return Err(unknown_image(image.id)),
            image => image?,
        };
    }
}

/// Writes down that a file was asked for, and tells the fan-out unless somebody did lately. On its
/// own feet: what is written down is told, whether or not the client waits for the answer.
pub(crate) async fn ask(app: &Arc<App>, image: &Image, file: String) -> Result<(), Refusal> {
    let (now, presets) = (app.api.clock.now(), (app.api.offers)().presets.clone());
    let horizon = app.api.settings.requests.horizon(now);
    let (id, files) = (image.id, BTreeSet::from([file]));
    // What the catalog would answer, as long as nothing has happened since: most who ask need not
    // bother it.
    if !matches!(image.clone().ask(&files, &presets, horizon, now), Asking::Send(_)) {
        return Ok(());
    }
    let app = Arc::clone(app);
    let asked = async move {
        let asking = match app.api.catalog.ask(id, &files, &presets, horizon, now).await {
            Err(StoreError::Missing(_)) => return Err(unknown_image(id)),
            asking => asking?,
        };
        let Asking::Send(files) = asking else { return Ok(()) };
        let told = Body::Requested { image: id, files: files.iter().cloned().collect() };
        let Err(untold) = app.api.outbox.send(&[told.into()]).await else { return Ok(()) };
        // Asked for as long ago as the horizon, so that the next who asks tells the fan-out.
        if let Err(error) = app.api.catalog.ask(id, &files, &presets, now, horizon).await {
            tracing::warn!(image = %id, %error, "who asks next is kept waiting in vain");
        }
        Err(untold.into())
    };
    tokio::spawn(asked.in_current_span()).await.map_err(Refusal::internal)?
}
