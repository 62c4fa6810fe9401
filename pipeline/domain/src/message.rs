//! The message flow, as one type.

use std::time::Duration;

use imaging::Piece;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ImageId, Key, PieceId, Problem, Revision, Status};

/// What travels through the queues: something that happened or an order, and how often it was tried.
///
/// The JSON form is the contract between versions of Darkroom that share a queue: every form that
/// was ever sent must still parse, so fields are only ever added, with defaults.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// What happened, or what to do.
    #[serde(flatten)]
    pub body: Body,
    /// Starts of this work that never came to an end: the handler died, hung or was cut off.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// Times that the handler gave it back because something it needs was not there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// Not to be handled before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
pub(crate) fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Events are past participles, orders imperatives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum Body {
    /// An object arrived where uploads arrive.
    Uploaded {
        /// Where it lies.
        key: Key,
        /// The bucket, where it is not our own one for uploads.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bucket: Option<String>,
        /// Bytes, as the event says: never trusted.
        size: u64,
        /// As the store says.
        etag: String,
        /// The store's order of events on one key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sequencer: Option<String>,
    },
    /// The upload is an image that we keep.
    Accepted {
        /// Which.
        image: ImageId,
    },
    /// Read what the bytes say of themselves.
    Describe {
        /// Which.
        image: ImageId,
        /// The piece that is ended by it.
        piece: PieceId,
    },
    /// Make pieces from one decode.
    Render {
        /// Which.
        image: ImageId,
        /// What to make, in order of work.
        pieces: Vec<Order>,
    },
    /// All pieces of an image's revision have ended.
    Completed {
        /// Which.
        image: ImageId,
        /// The set of pieces that has ended.
        revision: Revision,
    },
    /// Somebody asked for variants that wait until they are asked for.
    Requested {
        /// Of which image.
        image: ImageId,
        /// Which: `hero.webp`.
        files: Vec<String>,
    },
    /// Tell an endpoint how it ended.
    Notify {
        /// Which.
        image: ImageId,
        /// The set of pieces that was announced.
        revision: Revision,
        /// How it ended.
        status: Status,
        /// Whom to tell.
        endpoint: String,
    },
    /// Work on an image went to the dead letters.
    Buried {
        /// Which.
        image: ImageId,
        /// What will not be made; none where it was the upload itself that could not be read.
        pieces: Vec<PieceId>,
        /// Why.
        reason: Problem,
        /// When: what was opened again since is not ended by it. Those of old did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// Remove every object of an erased image.
    Erase {
        /// Which.
        image: ImageId,
        /// How often its objects were removed already: late workers may write again.
        #[serde(default)]
        round: u32,
    },
    /// Look for uploads that never came, images that got stuck, erasures that were not carried to
    /// their end and uploads that are no longer needed.
    Sweep {
        /// Where to go on; none for the beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<SweepCursor>,
    },
    /// Make what the presets now ask for, of every image that the query finds.
    Reprocess {
        /// Which images.
        query: crate::query::Filter,
        /// Where to go on; none for the beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    },
}

/// A piece to make: its name in the catalog, and all that decides its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// What it is recorded as.
    pub id: PieceId,
    /// How it is made.
    pub piece: Piece,
}

/// Where a sweep has got to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SweepCursor {
    /// What is being looked for.
    pub phase: SweepPhase,
    /// Where to go on in it; none for its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The parts of a sweep, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepPhase {
    /// Uploads that came but whose event may have been lost, because this home was down: every
    /// pending one is looked at, due or not. Only asked for, at a home's start; the others follow.
    Arrivals,
    /// Uploads that never came, or whose event was lost.
    Pending,
    /// Images whose messages were lost.
    Processing,
    /// Erased images whose objects may still be there.
    Erased,
    /// Uploaded objects that are no longer needed.
    Uploads,
    /// Parts of uploads that nobody can complete any more.
    Parts,
}

/// Which stage takes a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// Is this upload an image that we keep?
    Ingest,
    /// Spread the work, join it, announce it.
    Fanout,
    /// Make variants and what is derived from reduced pixels.
    Resize,
    /// What the bytes say about themselves.
    Metadata,
}

impl StageName {
    /// Every stage, in the order of an image's path.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Fanout, Self::Resize, Self::Metadata];

    /// As it stands in queue names, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Fanout => "fanout",
            Self::Resize => "resize",
            Self::Metadata => "metadata",
        }
    }
}

impl From<Body> for Message {
    fn from(body: Body) -> Self {
        Self { body, attempts: 0, retries: 0, not_before: None }
    }
}

impl Message {
    /// The stage that takes it.
    pub fn stage(&self) -> StageName {
        match &self.body {
            Body::Uploaded { .. } => StageName::Ingest,
            Body::Describe { .. } => StageName::Metadata,
            Body::Render { .. } => StageName::Resize,
            Body::Accepted { .. }
            | Body::Completed { .. }
            | Body::Requested { .. }
            | Body::Notify { .. }
            | Body::Buried { .. }
            | Body::Erase { .. }
            | Body::Sweep { .. }
            | Body::Reprocess { .. } => StageName::Fanout,
        }
    }

    /// Its name in logs: the tag of its JSON form.
    pub fn name(&self) -> &'static str {
        match &self.body {
            Body::Uploaded { .. } => "uploaded",
            Body::Accepted { .. } => "accepted",
            Body::Describe { .. } => "describe",
            Body::Render { .. } => "render",
            Body::Completed { .. } => "completed",
            Body::Requested { .. } => "requested",
            Body::Notify { .. } => "notify",
            Body::Buried { .. } => "buried",
            Body::Erase { .. } => "erase",
            Body::Sweep { .. } => "sweep",
            Body::Reprocess { .. } => "reprocess",
        }
    }

    /// The image that it is about; an adopted upload has none yet, sweeps have many.
    pub fn image(&self) -> Option<ImageId> {
        match &self.body {
            Body::Uploaded { key, .. } => key.image(),
            Body::Accepted { image }
            | Body::Describe { image, .. }
            | Body::Render { image, .. }
            | Body::Completed { image, .. }
            | Body::Requested { image, .. }
            | Body::Notify { image, .. }
            | Body::Buried { image, .. }
            | Body::Erase { image, .. } => Some(*image),
            Body::Sweep { .. } | Body::Reprocess { .. } => None,
        }
    }

    /// The same message, not to be handled before `moment`.
    #[must_use]
    pub fn not_before(mut self, moment: Timestamp) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// How long a queue should hold it back.
    pub fn delay(&self, now: Timestamp) -> Duration {
        self.not_before
            .and_then(|moment| Duration::try_from(moment.duration_since(now)).ok())
            .unwrap_or_default()
    }
}
