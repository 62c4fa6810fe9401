//! What a worker may do while it handles one message: what that message needs, and nothing else.
//!
//! The bytes of an upload are foreign. Whatever they make a worker say, the server does what the
//! grant allows: the pieces of the one image that they came with. This bounds what a worker can ask
//! for, not what code that runs in it can do by itself: that takes a sandbox (issue 6).

use std::collections::BTreeSet;

use domain::{
    Failure, ImageId, Key, Message, PieceId, Revision, StageName,
    key::Prefix,
    message::{Body, Order},
};
use serde::Serialize;

use super::wire::Operation;

/// The capabilities that come with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    stage: StageName,
    image: ImageId,
    /// What may be written and recorded.
    pieces: BTreeSet<PieceId>,
    /// What may be passed on, each as it came: sizes and recipes in it are the planner's word.
    orders: Vec<Order>,
    attempts: u32,
}

/// The longest form in JSON of anything that a worker wants written down: four times what the
/// metadata of a record may have, and of a reason a page.
const LONGEST_WORDS: usize = 16 << 10;

impl Grant {
    /// What handling this message takes; none where no worker handles it.
    pub fn of(message: &Message) -> Option<Self> {
        let (pieces, orders) = match &message.body {
            Body::Uploaded { bucket: None, .. } => (BTreeSet::new(), Vec::new()),
            Body::Describe { piece, .. } => (BTreeSet::from([piece.clone()]), Vec::new()),
            Body::Render { pieces, .. } => {
                (pieces.iter().map(|order| order.id.clone()).collect(), pieces.clone())
            }
            _ => return None,
        };
        let (stage, image) = (message.stage(), message.image()?);
        Some(Self { stage, image, pieces, orders, attempts: message.attempts })
    }

    /// Whether the operation is within it.
    pub fn allows(&self, operation: &Operation) -> bool {
        use StageName::{Ingest, Metadata, Resize};
        match operation {
            Operation::Head { key }
            | Operation::Read { key }
            | Operation::ReadRange { key, .. } => self.may_read(key),
            Operation::Write { key } => self.may_write(key),
            Operation::List { prefix, .. } => {
                let variants = [Prefix::Public(self.image), Prefix::Private(self.image)];
                self.stage == Resize && variants.contains(prefix)
            }
            // What a worker wrote it may take back, when the image turns out to be erased; ingest
            // also takes the upload of an erased image away.
            Operation::Delete { key } => {
                self.may_write(key) || self.may_keep(key) || self.is_upload(key)
            }
            Operation::Copy { from, to } => self.is_upload(from) && self.may_keep(to),
            Operation::Image { id } => *id == self.image,
            Operation::Accept { id, .. } => self.stage == Ingest && *id == self.image,
            Operation::Reject { id, problem } => {
                self.stage == Ingest && *id == self.image && is_brief(problem)
            }
            Operation::Record { id, outcomes } => {
                matches!(self.stage, Resize | Metadata)
                    && *id == self.image
                    && outcomes.len() <= self.pieces.len()
                    && outcomes
                        .iter()
                        .all(|(piece, outcome)| self.pieces.contains(piece) && is_brief(outcome))
            }
        }
    }

    /// Whether a message may follow from this one: about the same image, and the next step of its
    /// path or what is left of this step. What is left are the same orders and fewer of them, or a
    /// start more was lost, so that no message follows itself for ever.
    pub fn allows_sending(&self, message: &Message) -> bool {
        let delayed = message.retries > 0 || message.not_before.is_some();
        if message.image() != Some(self.image) || delayed {
            return false;
        }
        match (&message.body, self.stage) {
            (Body::Accepted { .. }, StageName::Ingest)
            | (Body::Completed { .. }, StageName::Resize | StageName::Metadata) => {
                message.attempts == 0
            }
            (Body::Render { pieces, .. }, StageName::Resize) => {
                let (left, given) = (pieces.len(), self.orders.len());
                let lost_one_more = message.attempts > self.attempts && left <= given;
                let got_on = message.attempts == self.attempts && left < given;
                (lost_one_more || got_on) && pieces.iter().all(|order| self.orders.contains(order))
            }
            _ => false,
        }
    }

    /// Whether a handler may end with this failure, whose words go to the logs and dead letters.
    pub fn allows_failing(failure: &Failure) -> bool {
        is_brief(failure)
    }

    fn may_read(&self, key: &Key) -> bool {
        if let Key::Asset { hash } = key {
            let hash = hash.to_string();
            let mut named = self.orders.iter().flat_map(|order| order.piece.assets());
            return self.stage == StageName::Resize && named.any(|id| id.as_str() == hash);
        }
        key.image() == Some(self.image)
            && match self.stage {
                StageName::Ingest => matches!(key, Key::Upload { .. } | Key::Original { .. }),
                _ => matches!(key, Key::Original { .. }) || self.may_write(key),
            }
    }

    fn may_write(&self, key: &Key) -> bool {
        key.image() == Some(self.image)
            && match (key, self.stage) {
                (Key::Metadata { .. }, StageName::Metadata) => true,
                (Key::Variant { file, revision, .. }, StageName::Resize) => {
                    self.is_ordered(file, revision)
                }
                _ => false,
            }
    }

    /// Originals are copies of the upload, and nothing that a worker thought up.
    fn may_keep(&self, key: &Key) -> bool {
        self.stage == StageName::Ingest
            && key.image() == Some(self.image)
            && matches!(key, Key::Original { .. })
    }

    fn is_ordered(&self, file: &str, revision: &Revision) -> bool {
        self.pieces.iter().any(|piece| piece.name == file && piece.revision == *revision)
    }

    fn is_upload(&self, key: &Key) -> bool {
        self.stage == StageName::Ingest && *key == Key::Upload { image: self.image }
    }
}

/// Whether it takes no more room in the catalog than an honest worker's words.
fn is_brief(words: &impl Serialize) -> bool {
    serde_json::to_vec(words).is_ok_and(|json| json.len() <= LONGEST_WORDS)
}
