//! Objects that arrive in a bucket that is not ours, under keys that somebody may overwrite.
//!
//! The id is derived from bucket, key and version (its version id, or its `ETag` where the bucket
//! keeps none), so an overwrite is another image, and a repeated event the same one. S3's
//! `sequencer` orders the events of one key. It is carried for whoever traces a key's history, and
//! decides nothing here: with a version in the identity no event can be too late, only about an
//! object that is gone. That is found out by asking the object, which knows better than any order
//! of events, since the newest event may be the one that has not arrived yet.

use std::sync::Arc;

use bytes::Bytes;
use domain::{
    Failure, Image, ImageId, Key, Message, Objects, Status, StoreError, Tenant, Visibility,
    image::{Announced, Source},
    message::Body,
    ports::{ByteStream, Exactly, WriteError},
};
use futures::stream;
use jiff::{SignedDuration, Timestamp};

use crate::{Arrival, Ingest, Unkept, reading::chunk};

/// Terms on which foreign objects become images.
#[derive(Clone)]
pub struct Adoption {
    /// The bucket that [`Key::Foreign`] is about.
    pub bucket: String,
    /// Makes ids that nobody else can aim at.
    pub secret: Vec<u8>,
    /// Who owns what is adopted.
    pub tenant: Tenant,
    /// Who may fetch its variants.
    pub visibility: Visibility,
}

/// How long an adopted image may stay pending before the sweeper gives it up.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

impl Ingest {
    /// An object that somebody else wrote.
    pub(crate) async fn adopted(
        &self,
        bucket: &str,
        key: &Key,
        etag: &str,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let (Some(adoption), Key::Foreign { key: path, version }) = (&self.adoption, key) else {
            return Err(Failure::Permanent(format!("adoption is off, and {bucket} sent {key}")));
        };
        if adoption.bucket != bucket {
            let wanted = &adoption.bucket;
            return Err(Failure::Permanent(format!("{key} came from {bucket}, not from {wanted}")));
        }
        let id = ImageId::adopted(&adoption.secret, bucket, path, version);
        match self.catalog.image(id).await.map(|image| image.status) {
            Ok(Status::Processing) => return Ok(vec![Body::Accepted { image: id }.into()]),
            Ok(Status::Ready | Status::Failed | Status::Rejected) => return Ok(Vec::new()),
            // What was erased are our copies. The object itself is its owner's.
            Ok(Status::Erased) => return Ok(Vec::new()),
            Ok(Status::Pending | Status::Expired) | Err(StoreError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let meta = match self.objects.head(key).await {
            Ok(meta) if meta.etag == etag => meta,
            // Overwritten or deleted since: the new version is another image with its own event.
            Ok(_) | Err(StoreError::Missing(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let arrival = Arrival { image: id, key, meta };
        let judged = self.judge(&arrival).await;
        // What was read belongs to this version only if it was still there afterwards.
        if !matches!(judged, Err(Unkept::Store(_))) && self.overwritten(&arrival).await? {
            return Ok(Vec::new());
        }
        // Created only now, so that a version that was overtaken leaves no record behind; one that is
        // there already stays as it is.
        let record = adoption.image(id, path, arrival.meta.size, now);
        match judged {
            Ok(source) if self.copied(&arrival, &source).await? => {
                self.catalog.create(&record, None).await?;
                self.keep(&arrival, &source, now).await
            }
            Ok(_) | Err(Unkept::Store(StoreError::Missing(_))) => Ok(Vec::new()),
            Err(Unkept::Refused(problem)) => {
                self.catalog.create(&record, None).await?;
                self.refuse(id, &problem, now).await
            }
            Err(Unkept::Store(error)) => Err(error.into()),
        }
    }

    async fn overwritten(&self, arrival: &Arrival<'_>) -> Result<bool, StoreError> {
        match self.objects.head(arrival.key).await {
            Ok(meta) => Ok(meta != arrival.meta),
            Err(StoreError::Missing(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Keeps the bytes that were judged, and no others: a copy by the store would take whatever is
    /// there by then, so they are read again and must have the same digest. False where they had not.
    async fn copied(&self, arrival: &Arrival<'_>, source: &Source) -> Result<bool, Failure> {
        let exactly = Exactly { size: source.bytes, sha256: Some(source.sha256) };
        let original = Key::Original { image: arrival.image, hash: source.sha256 };
        let bytes = streamed(Arc::clone(&self.objects), arrival.key.clone(), source.bytes);
        match self.objects.write_stream(&original, &exactly, bytes).await {
            Ok(_) => Ok(true),
            Err(WriteError::Size(_) | WriteError::Checksum(_)) => Ok(false),
            // Gone, or shorter than before, because it was overwritten: its next event says so.
            Err(WriteError::Store(StoreError::Missing(_))) => Ok(false),
            Err(WriteError::Store(error)) => {
                if self.overwritten(arrival).await? {
                    Ok(false)
                } else {
                    Err(error.into())
                }
            }
        }
    }
}

impl Adoption {
    /// The record that the API would have made, had it been asked for an upload URL.
    fn image(&self, id: ImageId, path: &str, size: u64, now: Timestamp) -> Image {
        let file = path.rsplit('/').next().filter(|name| !name.is_empty());
        let announced =
            Announced { content_length: size, content_type: String::new(), checksum_sha256: None };
        let expires_at = now.checked_add(PATIENCE).unwrap_or(Timestamp::MAX);
        Image {
            visibility: self.visibility,
            filename: file.map(str::to_owned),
            ..Image::pending(id, self.tenant.clone(), announced, now, expires_at)
        }
    }
}

fn streamed(objects: Arc<dyn Objects>, key: Key, size: u64) -> ByteStream {
    Box::pin(stream::try_unfold(0, move |at| {
        let (objects, key) = (Arc::clone(&objects), key.clone());
        async move {
            if at >= size {
                return Ok(None);
            }
            let bytes = Bytes::from(chunk(&*objects, &key, at, size).await?);
            let next = at + bytes.len() as u64;
            Ok(Some((bytes, next)))
        }
    }))
}
