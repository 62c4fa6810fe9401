//! An image: its states, the pieces it awaits and how they ended. What may happen to it is decided
//! in `decisions.rs`.

mod decisions;
mod requests;
mod starts;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    requests::{Asking, Request},
    starts::Start,
};
use crate::{
    ImageId, PieceId, Problem, Revision, Sha256, StageName, Tenant,
    record::{Description, Placeholder},
};

/// How long work may go without a sign of life before the sweeper looks after it: three visibility
/// times of ten minutes, the longest that a stage may take in any home.
pub const STUCK_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// How often that patience doubles while nothing comes of what the sweeper says again: to sixteen
/// hours, after which it stays. So a long queue is not filled with copies of what waits in it.
const DOUBLINGS: u32 = 5;

/// The states of an image.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An upload URL was given out.
    Pending,
    /// It is an image that we keep; its pieces are being made.
    Processing,
    /// All pieces were made or dropped.
    Ready,
    /// All pieces have ended, and some failed.
    Failed,
    /// It is not an image that we keep.
    Rejected,
    /// The URL expired and nothing had come.
    Expired,
    /// It was erased, for good.
    Erased,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Processing,
        Self::Ready,
        Self::Failed,
        Self::Rejected,
        Self::Expired,
        Self::Erased,
    ];

    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Erased => "erased",
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Processing)
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|s| s.as_str()).collect();
            format!("{text:?} is not a status: {}", names.join(", "))
        })
    }
}

/// Who may fetch the variants.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody who has the URL, for ever.
    #[default]
    Public,
    /// Whoever has a URL that is signed and has not expired.
    Private,
}

/// What the client announced when it asked for an upload URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Announced {
    /// Bytes.
    pub content_length: u64,
    /// As the client will send it; what the bytes are is found out by reading them.
    pub content_type: String,
    /// SHA-256 of the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum_sha256: Option<Sha256>,
}

/// A point of interest, from the upper left corner: 0 to 1 each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FocalPoint {
    /// Share of the width.
    pub x: f32,
    /// Share of the height.
    pub y: f32,
}

/// The kept original.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    /// What its head says.
    pub header: imaging::Header,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes.
    pub sha256: Sha256,
}

/// How a piece ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A variant was written.
    Made(Made),
    /// It was not worth having, and why.
    Dropped(String),
    /// It could not be made, and why.
    Failed(Problem),
    /// What is derived from reduced pixels.
    Derived(Placeholder),
    /// What the bytes say about themselves.
    Described(Box<Description>),
}

/// A variant as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Format of the bytes.
    pub format: imaging::Format,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the stored object.
    pub sha256: Sha256,
}

/// The pieces that an image awaits, and how those that ended did. One set at a time: another set
/// of presets, or another try after failure, is another revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// All pieces of the set.
    pub expected: BTreeSet<PieceId>,
    /// How pieces ended: an addition to a set, never a counter.
    pub ended: BTreeMap<PieceId, Outcome>,
    /// How often the set was opened again after it had been announced.
    #[serde(default)]
    pub round: u32,
    /// When the missing pieces were last sent.
    pub sent_at: Option<Timestamp>,
    /// When this round was opened: what was given up before does not end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// How often the work of a stage was started and lost in this round, once that is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub starts: BTreeMap<StageName, u32>,
    /// How often the sweeper said again what was to be done, since anything last came of it.
    #[serde(default, skip_serializing_if = "crate::message::is_zero")]
    pub nudges: u32,
    /// Who asked for this set last.
    #[serde(default)]
    pub wanted_by: Purpose,
}

impl Work {
    /// The name of this set in this round; announced at most once.
    pub fn revision(&self) -> Revision {
        let mut text = self.round.to_string();
        for piece in &self.expected {
            text.push('\n');
            text.push_str(&piece.to_string());
        }
        Revision::short(Sha256::of(text.as_bytes()))
    }

    /// What has not ended.
    pub fn missing(&self) -> impl Iterator<Item = &PieceId> {
        self.expected.iter().filter(|piece| !self.ended.contains_key(piece))
    }

    /// Whether there is a set and all of it has ended.
    pub fn is_complete(&self) -> bool {
        !self.expected.is_empty() && self.missing().next().is_none()
    }

    /// Begins anew: what was given up or lost before does not count any more.
    fn open(&mut self, now: Timestamp) {
        self.opened_at = Some(now);
        self.starts.clear();
        self.nudges = 0;
    }

    fn failed(&self) -> impl Iterator<Item = (&PieceId, &Problem)> {
        self.ended.iter().filter_map(|(piece, outcome)| match outcome {
            Outcome::Failed(problem) => Some((piece, problem)),
            _ => None,
        })
    }
}

/// An image's whole entry in the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Which.
    pub id: ImageId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one at each change: the `id` of its event.
    pub version: u64,
    /// Its state.
    pub status: Status,
    /// Who may fetch its variants.
    pub visibility: Visibility,
    /// When its upload was created.
    pub created_at: Timestamp,
    /// When its upload URL ends.
    pub expires_at: Timestamp,
    /// When it last became ready.
    pub ready_at: Option<Timestamp>,
    /// When it was erased.
    pub erased_at: Option<Timestamp>,
    /// When the last of its objects had been removed after that, late writes included. Tombstones of
    /// old do not say, so the sweeper has their objects removed once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// When anything last happened to it.
    pub touched_at: Timestamp,
    /// What the client said of the upload.
    pub announced: Announced,
    /// The client's name for the file.
    pub filename: Option<String>,
    /// The client's own words about it.
    pub tags: BTreeMap<String, String>,
    /// The client's point of interest.
    pub focal_point: Option<FocalPoint>,
    /// The kept original, once accepted.
    pub source: Option<Source>,
    /// The set of pieces awaited.
    pub work: Work,
    /// The set and round that were last announced.
    pub flipped: Option<Revision>,
    /// How that was announced: known also while the next round is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flipped_as: Option<Status>,
    /// The variants of the last announced set, which serve until the next set is complete.
    pub serving: BTreeMap<PieceId, Outcome>,
    /// What somebody asked for beside the set, by file: `hero.webp`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, Request>,
    /// Why it was rejected or failed.
    pub problem: Option<Problem>,
}

impl Image {
    /// An image whose upload URL is given out now: nothing has come of it, and nothing but this is
    /// said of it yet.
    pub fn pending(
        id: ImageId,
        tenant: Tenant,
        announced: Announced,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            id,
            tenant,
            version: 1,
            status: Status::Pending,
            visibility: Visibility::default(),
            created_at,
            expires_at,
            ready_at: None,
            erased_at: None,
            removed_at: None,
            touched_at: created_at,
            announced,
            filename: None,
            tags: BTreeMap::new(),
            focal_point: None,
            source: None,
            work: Work::default(),
            flipped: None,
            flipped_as: None,
            serving: BTreeMap::new(),
            requests: BTreeMap::new(),
            problem: None,
        }
    }
}

/// What [`Image::accept`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Acceptance {
    /// It is accepted now, or was and is being worked on: fan out.
    Go,
    /// It ended before: nothing is to be done.
    Ended,
    /// It was erased: what arrived is to be deleted.
    Erased,
}

/// Whether an announced image may be opened again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// The fan-out of an accepted image: an announced one stays as it is.
    #[default]
    Spread,
    /// Other pieces are wanted, by new presets or a person: an announced image is opened again.
    Reopen,
}

/// What [`Image::expect`] found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Expectation {
    /// These pieces are to be sent now.
    Send(BTreeSet<PieceId>),
    /// They were sent lately: leave them their time.
    Underway,
    /// All have ended: look whether it was announced.
    Complete(Revision),
    /// Announced, rejected, expired or erased: nothing is to be done.
    Ended,
}

/// What [`Image::record`] found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Progress {
    /// Pieces are missing still.
    Underway,
    /// All have ended: whoever sees this says so.
    Complete(Revision),
    /// The image was announced, or does not want these pieces any more: nothing changed.
    Ended,
    /// The image was erased: what was written for it is to be deleted.
    Erased,
}

/// What [`Image::flip`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Flip {
    /// Announced now, as this.
    Now(Status),
    /// This revision was announced before, as this.
    Before(Status),
    /// Pieces are missing, or it is another revision's turn.
    No,
}
