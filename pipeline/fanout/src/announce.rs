//! The join's end: an image whose pieces have all ended is announced, here and nowhere else.

use domain::{
    Failure, ImageId, Message, PieceId, Problem, Revision, Sha256, Status,
    image::{Flip, Outcome},
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
        pieces: Vec<PieceId>,
        reason: Problem,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        if pieces.is_empty() {
            self.catalog.reject(image, &reason, now).await?;
            return Ok(Vec::new());
        }
        let failed: Vec<_> =
            pieces.into_iter().map(|piece| (piece, Outcome::Failed(reason.clone()))).collect();
        Ok(self.recorded(image, &failed, now).await?.into_iter().collect())
    }
}

/// Delivers a notification. There is one kind of endpoint so far: the log.
pub(crate) fn notify(image: ImageId, revision: &Revision, status: Status, endpoint: &str) {
    let id = notification_id(image, revision, status, endpoint);
    let status = status.as_str();
    tracing::info!(%id, %image, %revision, status, endpoint, "announced");
}
