//! How often work that touches foreign bytes was started and lost: three times at most, however many
//! copies of its message there are.
//!
//! The first start of healthy work is not written down, so that it costs nothing. It is when it is
//! lost; every start after that is counted before it begins, and taken back if it comes to an end.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Image, Status, Work};
use crate::{PieceId, StageName, stage::MAX_ATTEMPTS};

/// What becomes of a start, as its image counts it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Start {
    /// It is about to begin, though starts of this work were lost.
    Begins {
        /// What it is to make; nothing where it is to read the upload.
        pieces: BTreeSet<PieceId>,
        /// The lost starts that its message knows of.
        attempts: u32,
    },
    /// It was counted when it began, and came to an end.
    Ended,
    /// It was not counted when it began, and was lost.
    Lost,
}

impl Work {
    /// Starts of a stage that were lost in this round, and those under way that are counted.
    pub fn starts(&self, stage: StageName) -> u32 {
        self.starts.get(&stage).copied().unwrap_or(0)
    }
}

impl Image {
    /// Counts a start. Answers how many there were before one that begins, which must not if they
    /// are [`MAX_ATTEMPTS`], and how many are left after one that ended or was lost; none where the
    /// image does not wait for the work, so that nothing is to be counted.
    pub fn count(&mut self, stage: StageName, start: &Start, now: Timestamp) -> Option<u32> {
        let known = self.work.starts(stage);
        let (answer, count) = match start {
            Start::Begins { pieces, .. } if !self.awaits(pieces) => return None,
            Start::Begins { attempts, .. } => match known.max(*attempts) {
                before if before < MAX_ATTEMPTS => (before, before + 1),
                before => (before, known),
            },
            Start::Ended | Start::Lost if !self.is_open() => return None,
            Start::Ended => (known.saturating_sub(1), known.saturating_sub(1)),
            Start::Lost => (known.saturating_add(1), known.saturating_add(1)),
        };
        if count != known {
            self.work.starts.insert(stage, count);
            self.step(self.status, now);
        }
        Some(answer)
    }

    /// Whether it waits for these pieces, or, where there are none, for its upload.
    fn awaits(&self, pieces: &BTreeSet<PieceId>) -> bool {
        match self.status {
            Status::Processing => self.work.missing().any(|piece| pieces.contains(piece)),
            _ => self.is_open() && pieces.is_empty(),
        }
    }

    /// Whether anything is still to be done for it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.status, Status::Pending | Status::Expired | Status::Processing)
    }
}
