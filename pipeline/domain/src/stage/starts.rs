//! Three starts an image: what a home asks before it starts what touches foreign bytes, and what it
//! says afterwards.
//!
//! A message knows of the lost starts of its own copy. Its image knows of all, so a copy that was
//! never started takes over what the others cost. The first start of a copy is free while the image
//! knows of none: copies whose first starts are under way at the same moment cost one each.

use jiff::Timestamp;

use super::{Admission, admitted};
use crate::{Catalog, Failure, ImageId, Message, StageName, StoreError, image::Start};

/// A message that may be handed to its stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// It, with every lost start that is known.
    pub message: Message,
    counted: Counted,
}

/// Whether the image knows of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// It has no need to: no foreign bytes are touched, or no image waits for it.
    Never,
    /// Nothing speaks against the work so far.
    IfLost,
    /// Taken back if it comes to an end.
    Already,
}

impl Started {
    pub(super) fn new(message: Message) -> Self {
        Self { message, counted: Counted::Never }
    }

    /// Asks the image, and counts the start where others were lost before: one read and no write
    /// where none was. Before anything else is done.
    pub async fn begin(
        mut self,
        catalog: &dyn Catalog,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let Some((image, pieces)) = self.message.work() else { return Ok(Admission::Start(self)) };
        let stage = self.message.stage();
        let lost = match catalog.image(image).await {
            // The stage sees that for itself.
            Err(StoreError::Missing(_)) => return Ok(Admission::Start(self)),
            seen => {
                let seen = seen?;
                // What somebody asked for is counted by its message alone: it must not use up what
                // the set has.
                if pieces.iter().any(|piece| seen.is_on_request(piece)) {
                    return Ok(Admission::Start(self));
                }
                self.message.attempts.max(seen.work.starts(stage))
            }
        };
        if lost == 0 {
            self.counted = Counted::IfLost;
            return Ok(Admission::Start(self));
        }
        let attempts = self.message.attempts;
        let begins = Start::Begins { pieces: pieces.into_iter().collect(), attempts };
        if let Some(before) = catalog.count(image, stage, &begins, now).await? {
            self.message.attempts = before;
            self.counted = Counted::Already;
        }
        Ok(admitted(self))
    }

    /// The home saw that it was lost. Answers how many starts were, this one included.
    pub async fn lost(&self, catalog: &dyn Catalog, now: Timestamp) -> Result<u32, StoreError> {
        let own = self.message.attempts.saturating_add(1);
        match (self.counted, self.foreign()) {
            (Counted::IfLost, Some((image, stage))) => {
                let lost = catalog.count(image, stage, &Start::Lost, now).await?;
                Ok(lost.map_or(own, |lost| lost.max(own)))
            }
            _ => Ok(own),
        }
    }

    /// Its stage answered. One that hands its own work on as lost has lost this start.
    pub async fn ended(
        &self,
        catalog: &dyn Catalog,
        answer: &Result<Vec<Message>, Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some((image, stage)) = self.foreign() else { return Ok(()) };
        let own = self.message.attempts;
        let lost = |follow: &Message| follow.stage() == stage && follow.attempts > own;
        let start = match (self.counted, answer.iter().flatten().any(lost)) {
            (Counted::IfLost, true) => Start::Lost,
            (Counted::Already, false) => Start::Ended,
            _ => return Ok(()),
        };
        catalog.count(image, stage, &start, now).await.map(drop)
    }

    fn foreign(&self) -> Option<(ImageId, StageName)> {
        let (image, _) = self.message.work()?;
        Some((image, self.message.stage()))
    }
}
