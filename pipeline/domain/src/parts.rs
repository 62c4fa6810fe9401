//! Uploads that come by parts: how they are cut, what a store must offer for them, and how a store that
//! has nothing of its own for it offers it all the same.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::{
    Key, Objects, StoreError,
    key::Prefix,
    ports::{ByteStream, Exactly, UploadTerms, WriteError, Written},
    query::Page,
    signing::Signed,
};

/// The most bytes that are sent by one request; what is longer comes by parts.
pub const WHOLE_MOST: u64 = 100_000_000;

/// The longest upload, in bytes: what S3 copies by one request.
pub const LONGEST: u64 = 5 << 30;

/// The least bytes of a part, the last one excepted. S3 wants 5 MiB; with more, few are needed.
const PART_LEAST: u64 = 16 << 20;

/// The most parts: their URLs stay a short answer, and S3 lists them at once.
const PARTS_MOST: u64 = 100;

/// How an upload is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes of the whole.
    pub length: u64,
    /// Bytes of each part, the last one excepted: whole mebibytes.
    pub size: u64,
}

/// A part of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u16,
    /// Where it begins.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
}

impl Cut {
    /// The cut of an upload of so many bytes; none where it comes as a whole.
    pub fn of(length: u64) -> Option<Self> {
        let even = length.div_ceil(PARTS_MOST).next_multiple_of(1 << 20);
        (length > WHOLE_MOST).then_some(Self { length, size: even.max(PART_LEAST) })
    }

    /// All parts, in order.
    pub fn parts(self) -> impl Iterator<Item = Part> {
        let offsets = (0..).map(move |before| before * self.size);
        (1..).zip(offsets.take_while(move |offset| *offset < self.length)).map(
            move |(number, offset)| Part {
                number,
                offset,
                length: self.size.min(self.length - offset),
            },
        )
    }
}

/// A part as its sender knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which part.
    pub number: u16,
    /// What the store answered.
    pub etag: String,
}

/// Why parts did not become an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompleteError {
    /// They are not what the sender says they are.
    #[error("{0}")]
    Parts(String),
    /// The store's own answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// **Parts: what came by parts becomes one object that is never overwritten, or waits until it is given
/// up, and then nothing of it is left.**
#[async_trait]
pub trait Parts: Send + Sync {
    /// Begins an upload by parts of this object, or finds the one that was begun; answers its name.
    async fn begin(&self, key: &Key, content_type: &str) -> Result<String, StoreError>;
    /// A URL under which a client can send this part, as often as it wants: the last one counts.
    async fn presign(
        &self,
        key: &Key,
        upload: &str,
        part: Part,
        expires_at: Timestamp,
    ) -> Result<Signed, StoreError>;
    /// Takes a part, for homes that take them themselves; answers its `ETag`.
    async fn write(
        &self,
        key: &Key,
        upload: &str,
        part: Part,
        stream: ByteStream,
    ) -> Result<String, WriteError>;
    /// Makes the object of these parts, which together have so many bytes.
    async fn complete(
        &self,
        key: &Key,
        parts: &[Sent],
        length: u64,
    ) -> Result<Written, CompleteError>;
    /// Gives up what was begun of this object; success also where nothing was.
    async fn abort(&self, key: &Key) -> Result<(), StoreError>;
    /// Objects of which parts are waiting, a page at a time; one may be named twice.
    async fn waiting(&self, cursor: Option<&str>, limit: usize) -> Result<Page<Key>, StoreError>;
}

/// Checks what a sender says against what is there, both in the order of numbers.
pub fn compare<'a>(
    said: &[Sent],
    found: impl IntoIterator<Item = (u16, &'a str, u64)>,
    length: u64,
) -> Result<(), CompleteError> {
    let wrong = |why: String| Err(CompleteError::Parts(why));
    let mut found = found.into_iter().peekable();
    let mut bytes = 0;
    for Sent { number, etag } in said {
        while found.next_if(|(other, ..)| other < number).is_some() {}
        match found.next_if(|(other, ..)| other == number) {
            None => return wrong(format!("part {number} has not come")),
            Some((_, other, _)) if bare(other) != bare(etag) => {
                return wrong(format!("part {number} has the ETag {other}, not {etag}"));
            }
            Some((.., part)) => bytes += part,
        }
    }
    if bytes != length {
        return wrong(format!("the parts have {bytes} bytes and {length} were announced"));
    }
    Ok(())
}

/// An `ETag` without its quotes: some clients keep them and some do not.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// [`Parts`] as objects of their own, joined by reading them one after the other: for homes whose store
/// is their own.
pub struct PartObjects {
    objects: Arc<dyn Objects>,
}

/// Bytes that are read at a time while parts are joined.
const CHUNK: u64 = 4 << 20;

/// Keys that are asked for at a time; more than there are parts.
const PAGE: usize = 1000;

/// Parts are stored as bytes of no kind.
const CONTENT_TYPE: &str = "application/octet-stream";

impl PartObjects {
    /// Parts beside the objects that they become.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    /// The parts that are there: number, key, `ETag`, bytes.
    async fn found(&self, key: &Key) -> Result<Vec<(u16, Key, String, u64)>, StoreError> {
        let page = self.objects.list(&Prefix::PartsOf(image(key)?), None, PAGE).await?;
        let mut found = Vec::with_capacity(page.items.len());
        for key in page.items {
            let Key::Part { number, .. } = key else { continue };
            let meta = self.objects.head(&key).await?;
            found.push((number, key, meta.etag, meta.size));
        }
        Ok(found)
    }

    /// Reads the parts into a channel, until nobody listens or one cannot be read.
    async fn read(&self, parts: Vec<(Key, u64)>, to: mpsc::Sender<Result<Bytes, StoreError>>) {
        for (key, length) in parts {
            let mut at = 0;
            while at < length {
                let read = self.objects.read_range(&key, at..length.min(at + CHUNK)).await;
                let read = read.and_then(|bytes| {
                    if bytes.is_empty() {
                        Err(StoreError::Broken(format!("{key} ends at byte {at}")))
                    } else {
                        Ok(bytes)
                    }
                });
                at += read.as_ref().map_or(length, |bytes| bytes.len() as u64);
                if to.send(read).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn image(key: &Key) -> Result<crate::ImageId, StoreError> {
    match key {
        Key::Upload { image } => Ok(*image),
        _ => Err(StoreError::Refused(format!("{key} is no upload"))),
    }
}

#[async_trait]
impl Parts for PartObjects {
    async fn begin(&self, key: &Key, _content_type: &str) -> Result<String, StoreError> {
        // They are found by their image: an image has one upload.
        image(key).map(|image| image.to_string())
    }

    async fn presign(
        &self,
        key: &Key,
        _upload: &str,
        part: Part,
        expires_at: Timestamp,
    ) -> Result<Signed, StoreError> {
        let terms = UploadTerms {
            content_length: part.length,
            content_type: CONTENT_TYPE.to_owned(),
            checksum_sha256: None,
            expires_at,
        };
        let part = Key::Part { image: image(key)?, number: part.number };
        self.objects.presign_put(&part, &terms).await
    }

    async fn write(
        &self,
        key: &Key,
        _upload: &str,
        part: Part,
        stream: ByteStream,
    ) -> Result<String, WriteError> {
        let exactly = Exactly { size: part.length, sha256: None };
        let key = Key::Part { image: image(key)?, number: part.number };
        self.objects.delete(&key).await?;
        // Where another copy of the same part came meanwhile, that one counts.
        self.objects.write_stream(&key, &exactly, stream).await?;
        Ok(self.objects.head(&key).await?.etag)
    }

    async fn complete(
        &self,
        key: &Key,
        parts: &[Sent],
        length: u64,
    ) -> Result<Written, CompleteError> {
        let found = self.found(key).await?;
        let facts = found.iter().map(|(number, _, etag, size)| (*number, etag.as_str(), *size));
        compare(parts, facts, length)?;
        let said = |number: &u16| parts.iter().any(|part| part.number == *number);
        let wanted = found.into_iter().filter(|(number, ..)| said(number));
        let wanted = wanted.map(|(_, key, _, size)| (key, size)).collect();
        let (to, from) = mpsc::channel(1);
        let joined = stream::unfold(from, |mut from: mpsc::Receiver<_>| async move {
            from.recv().await.map(|bytes| (bytes, from))
        });
        let exactly = Exactly { size: length, sha256: None };
        let write = self.objects.write_stream(key, &exactly, joined.boxed());
        let ((), written) = futures::join!(self.read(wanted, to), write);
        let written = written.map_err(|error| match error {
            WriteError::Store(error) => CompleteError::Store(error),
            other => {
                CompleteError::Parts(format!("the parts changed while they were joined: {other}"))
            }
        })?;
        self.abort(key).await?;
        Ok(written)
    }

    async fn abort(&self, key: &Key) -> Result<(), StoreError> {
        let page = self.objects.list(&Prefix::PartsOf(image(key)?), None, PAGE).await?;
        for key in page.items {
            self.objects.delete(&key).await?;
        }
        Ok(())
    }

    async fn waiting(&self, cursor: Option<&str>, limit: usize) -> Result<Page<Key>, StoreError> {
        let page = self.objects.list(&Prefix::Parts, cursor, limit).await?;
        let mut items: Vec<_> =
            page.items.iter().filter_map(Key::image).map(|image| Key::Upload { image }).collect();
        items.dedup();
        Ok(Page { items, next: page.next })
    }
}
