//! What a worker may do while it handles one message: what that message needs, and nothing else.
//!
//! The bytes of an upload are foreign. Should they take a worker over, they hold what the grant
//! allows: the pieces of the one image that they came with.

use std::collections::BTreeSet;

use domain::{ImageId, Key, Message, PieceId, Revision, StageName, key::Prefix, message::Body};

use super::wire::Operation;

/// The capabilities that come with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    stage: StageName,
    image: ImageId,
    pieces: BTreeSet<PieceId>,
    attempts: u32,
}

impl Grant {
    /// What handling this message takes; none where no worker handles it.
    pub fn of(message: &Message) -> Option<Self> {
        let pieces = match &message.body {
            Body::Uploaded { bucket: None, .. } => BTreeSet::new(),
            Body::Describe { piece, .. } => BTreeSet::from([piece.clone()]),
            Body::Render { pieces, .. } => pieces.iter().map(|order| order.id.clone()).collect(),
            _ => return None,
        };
        let (stage, image) = (message.stage(), message.image()?);
        Some(Self { stage, image, pieces, attempts: message.attempts })
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
            Operation::Accept { id, .. } | Operation::Reject { id, .. } => {
                self.stage == Ingest && *id == self.image
            }
            Operation::Record { id, outcomes, .. } => {
                matches!(self.stage, Resize | Metadata)
                    && *id == self.image
                    && outcomes.iter().all(|(piece, _)| self.pieces.contains(piece))
            }
        }
    }

    /// Whether a message may follow from this one: about the same image, and the next step of its
    /// path or what is left of this step, which keeps its attempts.
    pub fn allows_sending(&self, message: &Message) -> bool {
        if message.image() != Some(self.image) || message.retries > 0 {
            return false;
        }
        match (&message.body, self.stage) {
            (Body::Accepted { .. }, StageName::Ingest)
            | (Body::Completed { .. }, StageName::Resize | StageName::Metadata) => true,
            (Body::Render { pieces, .. }, StageName::Resize) => {
                message.attempts >= self.attempts
                    && pieces.iter().all(|order| self.pieces.contains(&order.id))
            }
            _ => false,
        }
    }

    fn may_read(&self, key: &Key) -> bool {
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
