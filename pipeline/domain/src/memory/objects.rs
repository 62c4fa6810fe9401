//! Objects in a map.

use std::{collections::BTreeMap, ops::Range, sync::Mutex};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use jiff::Timestamp;

use super::{lock, page};
use crate::{
    Key, Objects, Sha256, StoreError,
    key::Prefix,
    ports::{ByteStream, Exactly, ObjectMeta, UploadTerms, WriteError, Written},
    query::Page,
    signing::{Signed, Signer},
};

/// [`Objects`] in memory.
pub struct MemoryObjects {
    signer: Signer,
    room: u64,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    objects: BTreeMap<Place, (Key, Bytes)>,
    held: u64,
}

/// Bucket, path and version. Our own buckets share one map, since their folders differ; an adopted
/// bucket is another, whose keys may look like ours and which keeps versions of one key apart.
type Place = (Option<String>, String);

fn place(key: &Key) -> Place {
    match key {
        Key::Foreign { version, .. } => (Some(version.clone()), key.path()),
        Key::Upload { .. }
        | Key::Part { .. }
        | Key::Original { .. }
        | Key::Variant { .. }
        | Key::Metadata { .. }
        | Key::Asset { .. } => (None, key.path()),
    }
}

impl MemoryObjects {
    /// An empty store, whose URLs are signed by `signer`.
    pub fn new(signer: Signer) -> Self {
        Self { signer, room: u64::MAX, shelf: Mutex::default() }
    }

    /// The same store with an end: it refuses what would make it hold more bytes than these, as a
    /// full disk does.
    #[must_use]
    pub fn with_room(mut self, bytes: u64) -> Self {
        self.room = bytes;
        self
    }

    fn find(&self, key: &Key) -> Result<Bytes, StoreError> {
        let shelf = lock(&self.shelf);
        let found = shelf.objects.get(&place(key)).map(|(_, bytes)| bytes.clone());
        found.ok_or_else(|| StoreError::Missing(key.to_string()))
    }
}

#[async_trait]
impl Objects for MemoryObjects {
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        let bytes = self.find(key)?;
        Ok(ObjectMeta { size: bytes.len() as u64, etag: Sha256::of(&bytes).to_string() })
    }

    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        self.find(key)
    }

    async fn read_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, StoreError> {
        let bytes = self.find(key)?;
        let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let (start, end) = (clamp(range.start), clamp(range.end));
        Ok(bytes.slice(start..end.max(start)))
    }

    async fn write_if_absent(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        let mut shelf = lock(&self.shelf);
        if shelf.objects.contains_key(&place(key)) {
            return Ok(Written::Exists);
        }
        let (needed, all) = (bytes.len() as u64, self.room);
        let room = all.saturating_sub(shelf.held);
        if needed > room {
            return Err(StoreError::Full(format!(
                "{key} needs {needed} bytes and {room} of {all} are left: delete objects first"
            )));
        }
        shelf.held += needed;
        shelf.objects.insert(place(key), (key.clone(), bytes));
        Ok(Written::Created)
    }

    async fn write_stream(
        &self,
        key: &Key,
        exactly: &Exactly,
        mut stream: ByteStream,
    ) -> Result<Written, WriteError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() as u64 > exactly.size {
                return Err(WriteError::Size(bytes.len() as u64));
            }
        }
        if bytes.len() as u64 != exactly.size {
            return Err(WriteError::Size(bytes.len() as u64));
        }
        let sum = Sha256::of(&bytes);
        if exactly.sha256.is_some_and(|wanted| wanted != sum) {
            return Err(WriteError::Checksum(sum));
        }
        Ok(self.write_if_absent(key, bytes.freeze()).await?)
    }

    async fn copy(&self, from: &Key, to: &Key) -> Result<Written, StoreError> {
        let bytes = self.find(from)?;
        self.write_if_absent(to, bytes).await
    }

    async fn list(
        &self,
        prefix: &Prefix,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Key>, StoreError> {
        let folder = prefix.path();
        let shelf = lock(&self.shelf);
        let found = shelf
            .objects
            .range((None, folder.clone())..)
            .take_while(|((bucket, path), _)| bucket.is_none() && path.starts_with(&folder))
            .filter(|((_, path), _)| cursor.is_none_or(|cursor| path.as_str() > cursor))
            .map(|((_, path), (key, _))| (path.clone(), key.clone()));
        Ok(page(found, limit, Clone::clone))
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let mut shelf = lock(&self.shelf);
        if let Some((_, bytes)) = shelf.objects.remove(&place(key)) {
            shelf.held -= bytes.len() as u64;
        }
        Ok(())
    }

    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError> {
        Ok(self.signer.put(key, terms))
    }

    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError> {
        Ok(self.signer.get(key, expires_at))
    }
}
