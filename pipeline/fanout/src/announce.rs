//! The join's end: an image whose pieces have all ended is announced, here and nowhere else.

use std::collections::BTreeSet;

use domain::{
    Failure, ImageId, Message, PieceId, Problem, Revision, Sha256, Status,
    image::{Flip, Progress},
    message::Body,
};
use jiff::Timestamp;

use crate::Fanout;

/// The one name of a notification, however often it is delivered: receivers forget repetitions by it.
pub fn notification_id(
    image: ImageId,
    revision: &Revision,
    status: Status,
    endpoint: &str,
) -> Sha256 {
    let status = status.as_str();
    Sha256::of(format!("{image}\n{revision}\n{status}\n{endpoint}").as_bytes())
}

impl Fanout {
    /// Flips the image, if this set of pieces is the one that is due, and tells everybody. Where it
    /// was flipped before, whoever did it may have died before telling.
    pub(crate) async fn announce(
        &self,
        image: ImageId,
        revision: Revision,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let status = match self.catalog.flip(image, &revision, now).await? {
            Flip::Now(status) | Flip::Before(status) => status,
            Flip::No => return Ok(Vec::new()),
        };
        let notices = self.endpoints.iter().map(|endpoint| {
            let endpoint = endpoint.clone();
            Body::Notify { image, revision: revision.clone(), status, endpoint }.into()
        });
        Ok(notices.collect())
    }

    /// What ended in the dead letters is recorded as failed; an upload that could not be read is
    /// rejected. Pieces that were made after all stay made.
    pub(crate) async fn bury(
        &self,
        image: ImageId,
        pieces: &BTreeSet<PieceId>,
        reason: &Problem,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        Ok(match self.catalog.give_up(image, pieces, reason, at, now).await? {
            Progress::Complete(revision) => vec![Body::Completed { image, revision }.into()],
            // The upload was accepted before its event was given up. Whoever accepted it may have
            // died before it said so.
            Progress::Underway if pieces.is_empty() => vec![Body::Accepted { image }.into()],
            Progress::Underway | Progress::Ended | Progress::Erased => Vec::new(),
        })
    }
}

/// Delivers a notification. There is one kind of endpoint so far: the log.
pub(crate) fn notify(image: ImageId, revision: &Revision, status: Status, endpoint: &str) {
    let id = notification_id(image, revision, status, endpoint);
    let status = status.as_str();
    tracing::info!(%id, %image, %revision, status, endpoint, "announced");
}
