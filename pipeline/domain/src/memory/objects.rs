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
    objects: Mutex<BTreeMap<String, (Key, Bytes)>>,
}

impl MemoryObjects {
    /// An empty store, whose URLs are signed by `signer`.
    pub fn new(signer: Signer) -> Self {
        Self { signer, objects: Mutex::default() }
    }

    fn find(&self, key: &Key) -> Result<Bytes, StoreError> {
        let objects = lock(&self.objects);
        let found = objects.get(&key.path()).map(|(_, bytes)| bytes.clone());
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
        let mut objects = lock(&self.objects);
        if objects.contains_key(&key.path()) {
            return Ok(Written::Exists);
        }
        objects.insert(key.path(), (key.clone(), bytes));
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
        let objects = lock(&self.objects);
        let found = objects
            .range(folder.clone()..)
            .take_while(|(path, _)| path.starts_with(&folder))
            .filter(|(path, _)| cursor.is_none_or(|cursor| path.as_str() > cursor))
            .map(|(path, (key, _))| (path.clone(), key.clone()));
        Ok(page(found, limit, Clone::clone))
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        lock(&self.objects).remove(&key.path());
        Ok(())
    }

    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError> {
        Ok(self.signer.put(key, terms))
    }

    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError> {
        Ok(self.signer.get(key, expires_at))
    }
}
