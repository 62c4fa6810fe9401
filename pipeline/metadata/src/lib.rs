//! What the bytes say about themselves.
//!
//! The order of work: find the blocks in the container (EXIF, XMP, IPTC, its own texts), reading
//! around the pixels by ranges; parse each as far as it can be parsed; normalise the fields that
//! clients search by; keep all of it, as the file has it, in an object of its own. A field that
//! cannot be trusted is left out, and a block that cannot be parsed at all is a picture that says
//! nothing of itself: both are results. `docs/metadata.md` says which block gives which field.
//!
//! *Architecture invariant:* pixels are never read here, let alone decoded.

mod container;
mod directories;
mod exposition;
mod fields;
mod iptc;
mod moment;
mod raw;
mod text;
mod xml;
mod xmp;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    Budget, Catalog, Failure, ImageId, Key, Message, Objects, PieceId, Sha256, Stage, Status,
    StoreError,
    image::{Outcome, Progress},
    message::Body,
    record::Description,
};
use jiff::Timestamp;

pub use self::{
    exposition::{Exposition, expose},
    raw::MOST_RAW,
};

/// What reads metadata. It is hashed into the revision of the metadata piece, so the first number
/// is raised whenever a change here changes what is found.
pub const ENGINE: &str =
    "2 kamadak-exif-0.6.2 quick-xml-0.42.0 miniz_oxide-0.9.1 brotli-decompressor-5.0.3";

/// The stage of [`Body::Describe`].
pub struct Describe {
    /// Where originals are kept and raw metadata goes.
    pub objects: Arc<dyn Objects>,
    /// What is awaited and what has ended.
    pub catalog: Arc<dyn Catalog>,
}

#[async_trait]
impl Stage for Describe {
    async fn handle(&self, message: Message, budget: &Budget) -> Result<Vec<Message>, Failure> {
        match message.body {
            Body::Describe { image, piece } => self.describe(image, piece, budget.now()).await,
            _ => Err(Failure::Misrouted(message.name().to_owned())),
        }
    }
}

impl Describe {
    async fn describe(
        &self,
        id: ImageId,
        piece: PieceId,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let image = self.catalog.image(id).await?;
        let (Status::Processing, Some(source)) = (image.status, &image.source) else {
            return Ok(Vec::new());
        };
        let wanted = image.work.expected.contains(&piece) && !image.work.ended.contains_key(&piece);
        if !wanted {
            // Whoever recorded the last piece may have died before it said so.
            return self.record(id, &[], None, now).await;
        }
        let key = Key::Original { image: id, hash: source.sha256 };
        let exposition = match expose(&*self.objects, &key, source.bytes).await {
            Err(StoreError::Missing(what)) => {
                let erased = self.catalog.image(id).await?.status == Status::Erased;
                return if erased {
                    Ok(Vec::new())
                } else {
                    Err(Failure::Permanent(format!("the kept original {what}")))
                };
            }
            answer => answer?,
        };
        let raw = match &exposition.raw {
            Some(json) => Some(self.keep(id, json).await?),
            None => None,
        };
        let fields = exposition.fields;
        let outcome = Outcome::Described(Box::new(Description { fields, raw }));
        self.record(id, &[(piece, outcome)], raw, now).await
    }

    /// Writes raw metadata under its own hash.
    async fn keep(&self, image: ImageId, json: &[u8]) -> Result<Sha256, Failure> {
        let hash = Sha256::of(json);
        let bytes = Bytes::copy_from_slice(json);
        self.objects.write_if_absent(&Key::Metadata { image, hash }, bytes).await?;
        Ok(hash)
    }

    async fn record(
        &self,
        image: ImageId,
        outcomes: &[(PieceId, Outcome)],
        raw: Option<Sha256>,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        match self.catalog.record(image, outcomes, now).await? {
            Progress::Complete(revision) => Ok(vec![Body::Completed { image, revision }.into()]),
            Progress::Underway | Progress::Ended => Ok(Vec::new()),
            Progress::Erased => {
                if let Some(hash) = raw {
                    self.objects.delete(&Key::Metadata { image, hash }).await?;
                }
                Ok(Vec::new())
            }
        }
    }
}
