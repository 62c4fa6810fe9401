//! How broken catalogs answer those who ask for variants.

use std::collections::BTreeSet;

use domain::{
    ImageId, PieceId, Revision, StoreError,
    image::{Asking, Purpose},
};
use jiff::Timestamp;

use super::{BrokenCatalog, Fault, dawdle};

impl BrokenCatalog {
    pub(super) async fn ask_brokenly(
        &self,
        id: ImageId,
        files: &BTreeSet<String>,
        presets: &Revision,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Asking, StoreError> {
        match self.fault {
            Fault::AsksEachTime => self.inner.ask(id, files, presets, now, now).await,
            Fault::AsksOnlyForward if horizon >= now => Ok(Asking::Underway),
            Fault::AskLooksBeforeItWrites => {
                let before = self.inner.image(id).await?;
                dawdle().await;
                let answer = self.inner.ask(id, files, presets, horizon, now).await?;
                let new = before.flipped.is_some() && before.requests.is_empty();
                Ok(if new { Asking::Send(files.clone()) } else { answer })
            }
            Fault::RetriesWhatFailed => {
                let before = self.inner.image(id).await?;
                let answer = self.inner.ask(id, files, presets, horizon, now).await?;
                let failed = before.requests.values().any(|request| {
                    let mut ended = request.ended.values();
                    ended.any(|outcome| matches!(outcome, domain::image::Outcome::Failed(_)))
                });
                Ok(if failed { Asking::Send(files.clone()) } else { answer })
            }
            _ => self.inner.ask(id, files, presets, horizon, now).await,
        }
    }

    pub(super) async fn order_brokenly(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        presets: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError> {
        let asked_by = match self.fault {
            Fault::OrdersByThePresetsThatAsked => {
                let requests = self.inner.image(id).await?.requests;
                requests.into_values().next().map(|request| request.presets)
            }
            _ => None,
        };
        let by = asked_by.as_ref().unwrap_or(presets);
        let missing = self.inner.order(id, pieces, by).await?;
        match self.fault {
            Fault::OrdersWhatNobodyAskedFor => Ok(pieces.clone()),
            Fault::RequestsJoinTheSet => {
                let image = self.inner.image(id).await?;
                let set: BTreeSet<_> = image.work.expected.union(&missing).cloned().collect();
                let now = image.touched_at;
                self.inner.expect(id, &set, Purpose::Reopen, now, now).await?;
                Ok(missing)
            }
            _ => Ok(missing),
        }
    }
}
