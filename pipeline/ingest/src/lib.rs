//! Is this upload an image that we keep?
//!
//! The order of work: look at the record, because most repetitions end there; read the head and
//! judge it; hash all the bytes and compare them with what was announced; keep a copy under their
//! own hash; write the decision down. What cannot be kept is a result, recorded with its reason.
//! Only trouble with a store goes back to the queue.
//!
//! *Architecture invariant:* nothing is decoded here, and never more of a file is in memory than
//! its header or one [`CHUNK`](reading).

mod adoption;
mod reading;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Budget, Catalog, Code, Failure, Image, ImageId, Key, Message, Objects, Problem, Stage, Status,
    StoreError,
    image::{Acceptance, Source},
    message::Body,
    ports::ObjectMeta,
};
use imaging::Limits;
use jiff::Timestamp;

pub use self::adoption::Adoption;
use self::reading::Verdict;

/// The stage of [`Body::Uploaded`].
pub struct Ingest {
    /// Where uploads lie and originals are kept.
    pub objects: Arc<dyn Objects>,
    /// Where the decision is written down.
    pub catalog: Arc<dyn Catalog>,
    /// What is refused.
    pub limits: Limits,
    /// Terms for objects that arrive in a bucket that is not ours; none where there is none.
    pub adoption: Option<Adoption>,
}

/// An object that arrived, and whose it is.
struct Arrival<'a> {
    image: ImageId,
    key: &'a Key,
    meta: ObjectMeta,
}

#[async_trait]
impl Stage for Ingest {
    async fn handle(&self, message: Message, budget: &Budget) -> Result<Vec<Message>, Failure> {
        match &message.body {
            Body::Uploaded { key: key @ Key::Upload { image }, bucket: None, .. } => {
                self.uploaded(*image, key, budget.now()).await
            }
            Body::Uploaded {
                key: key @ Key::Foreign { .. }, bucket: Some(bucket), etag, ..
            } => self.adopted(bucket, key, etag, budget.now()).await,
            _ => Err(Failure::Misrouted(message.name().to_owned())),
        }
    }
}

impl Ingest {
    /// An upload through one of our URLs. Its key is written once, so every read of it gives the
    /// same bytes and the event's own size and `ETag` are not needed.
    async fn uploaded(
        &self,
        id: ImageId,
        key: &Key,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let image = match self.catalog.image(id).await {
            // The sweeper deletes the object when no upload can belong to it any more.
            Err(StoreError::Missing(_)) => {
                tracing::warn!(image = %id, "an upload arrived for an image that nobody created");
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        match image.status {
            Status::Processing => return Ok(vec![Body::Accepted { image: id }.into()]),
            Status::Ready | Status::Failed | Status::Rejected => return Ok(Vec::new()),
            Status::Erased => {
                self.objects.delete(key).await?;
                return Ok(Vec::new());
            }
            Status::Pending | Status::Expired => {}
        }
        let meta = match self.objects.head(key).await {
            // Its event came before it did, or it was erased since: the sweeper looks after it.
            Err(StoreError::Missing(_)) => return Ok(Vec::new()),
            answer => answer?,
        };
        let arrival = Arrival { image: id, key, meta };
        match self.judge(&arrival).await.and_then(|source| promised(&image, source)) {
            Ok(source) => {
                let original = Key::Original { image: id, hash: source.sha256 };
                match self.objects.copy(key, &original).await {
                    Err(StoreError::Missing(_)) => Ok(Vec::new()),
                    copied => {
                        copied?;
                        self.keep(&arrival, &source, now).await
                    }
                }
            }
            Err(Unkept::Refused(problem)) => self.refuse(id, &problem, now).await,
            // Erased while it was read.
            Err(Unkept::Store(StoreError::Missing(_))) => Ok(Vec::new()),
            Err(Unkept::Store(error)) => Err(error.into()),
        }
    }

    /// Reads the object and says what it is, or why it is not kept.
    async fn judge(&self, arrival: &Arrival<'_>) -> Result<Source, Unkept> {
        let verdict =
            reading::judge(&*self.objects, arrival.key, arrival.meta.size, &self.limits).await?;
        match verdict {
            Verdict::Image(source) => Ok(source),
            Verdict::Refused(fault) => Err(Unkept::Refused(fault.into())),
        }
    }

    /// Writes down that the original, already copied, is an image that we keep.
    async fn keep(
        &self,
        arrival: &Arrival<'_>,
        source: &Source,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let image = arrival.image;
        match self.catalog.accept(image, source, now).await? {
            Acceptance::Go => Ok(vec![Body::Accepted { image }.into()]),
            Acceptance::Ended => Ok(Vec::new()),
            Acceptance::Erased => {
                self.objects.delete(&Key::Original { image, hash: source.sha256 }).await?;
                if let Key::Upload { .. } = arrival.key {
                    self.objects.delete(arrival.key).await?;
                }
                Ok(Vec::new())
            }
        }
    }

    async fn refuse(
        &self,
        id: ImageId,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        self.catalog.reject(id, problem, now).await?;
        tracing::info!(image = %id, code = %problem.code, detail = problem.detail, "rejected");
        Ok(Vec::new())
    }
}

/// Why there is nothing to keep.
enum Unkept {
    Refused(Problem),
    Store(StoreError),
}

impl From<StoreError> for Unkept {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The upload must be what the client announced. The signed URL enforced it already; this holds it
/// for homes whose store does not, and for a store that lost bytes on the way.
fn promised(image: &Image, source: Source) -> Result<Source, Unkept> {
    let announced = &image.announced;
    if source.bytes != announced.content_length {
        let detail = format!(
            "The upload has {} bytes where {} were announced.",
            source.bytes, announced.content_length
        );
        return Err(Unkept::Refused(Problem::new(Code::SizeMismatch, detail)));
    }
    match announced.checksum_sha256 {
        Some(wanted) if wanted != source.sha256 => {
            let detail = format!(
                "The upload has the SHA-256 {} where {wanted} was announced.",
                source.sha256
            );
            Err(Unkept::Refused(Problem::new(Code::ChecksumMismatch, detail)))
        }
        _ => Ok(source),
    }
}
