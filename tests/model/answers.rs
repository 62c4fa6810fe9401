//! What the ports answer, as a process remembers it.

use std::collections::BTreeSet;

use domain::{
    Image, ImageId, Key, Message, PieceId, Problem, Revision, Status,
    image::{Acceptance, Asking, Expectation, Flip, Progress, Source},
};

use super::{
    scenario::{Content, NOW, Set},
    world::Shared,
};

/// What a call was answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Answer {
    /// Done.
    Done,
    /// [`StoreError::Missing`].
    Missing,
    /// [`StoreError::Busy`].
    Busy,
    /// The budget is spent.
    Late,
    /// It was there before.
    Exists,
    /// What an adopted bucket sent is not what was read before.
    Differs,
    /// Dead letters, and when each was buried.
    Letters(Vec<(Shared<Message>, u8)>),
    /// An image's state.
    Status(Status),
    /// An image as it was.
    Image(Shared<Seen>),
    /// The same, and the presets that were in force.
    Planned(Shared<Seen>, Set),
    /// Images.
    Images(Vec<ImageId>),
    /// Starts that an image knows of.
    Starts(u32),
    /// The work is not of the image's set, but asked for beside it.
    OnRequest,
    /// An object's bytes.
    Content(Content),
    /// Keys.
    Keys(Vec<Shared<Key>>),
    /// What a decision found.
    Found(Shared<Found>),
}

impl Answer {
    /// Whether it is no answer of a store that works, or no time to hear one.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self, Self::Busy | Self::Late)
    }
}

/// What stages look at in an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    /// Which.
    pub(super) id: ImageId,
    /// Its state.
    pub(super) status: Status,
    /// Its source.
    pub(super) source: Option<Source>,
    /// Whether its upload URL still works.
    pub(super) expired: bool,
    /// Why it was rejected.
    pub(super) problem: Option<Problem>,
    /// What is missing of its work.
    pub(super) missing: BTreeSet<PieceId>,
    /// What somebody asked for beside it.
    pub(super) on_request: BTreeSet<PieceId>,
    /// What somebody asked for and has not ended.
    pub(super) asked: BTreeSet<PieceId>,
    /// Whether all of its work has ended.
    pub(super) complete: Option<Revision>,
}

impl Seen {
    /// As it is now.
    pub(super) fn of(image: &Image) -> Self {
        let pieces = image.requests.values().filter_map(|request| request.piece.as_ref());
        let pieces: BTreeSet<_> = pieces.cloned().collect();
        let asked = pieces.iter().filter(|piece| image.misses(piece)).cloned().collect();
        let on_request = pieces.into_iter().filter(|piece| image.is_on_request(piece)).collect();
        Self {
            asked,
            on_request,
            id: image.id,
            status: image.status,
            source: image.source.clone(),
            expired: NOW >= image.expires_at,
            problem: image.problem.clone(),
            missing: image.work.missing().cloned().collect(),
            complete: image.work.is_complete().then(|| image.work.revision()),
        }
    }
}

/// What a decision found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Found {
    Acceptance(Acceptance),
    Expectation(Expectation),
    Progress(Progress),
    Flip(Flip),
    Starts(Option<u32>),
    Asking(Asking),
    Pieces(BTreeSet<PieceId>),
    Whether(bool),
}
