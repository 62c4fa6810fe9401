//! Removing every object of an erased image, a bounded step at a time.

use std::time::Duration;

use domain::{
    Budget, Failure, ImageId, Key, Message, Status, StoreError, key::Prefix, message::Body,
    stage::MAX_ATTEMPTS,
};
use jiff::Timestamp;

use crate::Fanout;

/// Keys that are asked for at a time.
const PAGE: usize = 100;

/// The last round. A worker that was at it when the image was erased may write for as long as its
/// message lives, and die before it sees the tombstone; after that, every start sees it first.
const LAST_ROUND: u32 = 1;

impl Fanout {
    /// Deletes until nothing is left or the time is up, and comes back once for late writes.
    pub(crate) async fn erase(
        &self,
        image: ImageId,
        round: u32,
        budget: &Budget,
    ) -> Result<Vec<Message>, Failure> {
        match self.catalog.image(image).await {
            Ok(record) if record.status == Status::Erased => {}
            // Never on the word of a message alone.
            Ok(_) | Err(StoreError::Missing(_)) => {
                tracing::warn!(%image, "asked to remove the objects of an image that is not erased");
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        }
        let upload = Key::Upload { image };
        self.objects.delete(&upload).await?;
        self.parts.abort(&upload).await?;
        for prefix in Prefix::of(image) {
            loop {
                // From the beginning each time: what was there is gone.
                let page = self.objects.list(&prefix, None, PAGE).await?;
                let Some((first, rest)) = page.items.split_first() else { break };
                self.objects.delete(first).await?;
                for key in rest {
                    if budget.spent() {
                        return Ok(vec![Body::Erase { image, round }.into()]);
                    }
                    self.objects.delete(key).await?;
                }
                if budget.spent() {
                    return Ok(vec![Body::Erase { image, round }.into()]);
                }
            }
        }
        if round >= LAST_ROUND {
            // Until this is written down, the sweeper has it all repeated.
            self.catalog.removed(image, budget.now()).await?;
            return Ok(Vec::new());
        }
        let again: Message = Body::Erase { image, round: round + 1 }.into();
        Ok(vec![again.not_before(self.patience.late(budget.now()))])
    }
}

impl crate::Patience {
    /// When nothing that was lent before `now` can still be at work.
    fn late(&self, now: Timestamp) -> Timestamp {
        let lifetime: Duration = self.visibility.saturating_mul(MAX_ATTEMPTS);
        now.checked_add(lifetime).unwrap_or(Timestamp::MAX)
    }
}
