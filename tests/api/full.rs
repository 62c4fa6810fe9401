//! A store whose disk is full from the first byte on: it does not read what it cannot keep.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    Key, Objects, StoreError,
    key::Prefix,
    ports::{ByteStream, Exactly, ObjectMeta, UploadTerms, WriteError, Written},
    query::Page,
    signing::{Signed, Signer},
};
use jiff::Timestamp;

pub(crate) struct Full(pub(crate) Signer);

fn full<T>() -> Result<T, StoreError> {
    Err(StoreError::Full("no space left on device".into()))
}

fn missing<T>(key: &Key) -> Result<T, StoreError> {
    Err(StoreError::Missing(key.to_string()))
}

#[async_trait]
impl Objects for Full {
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        missing(key)
    }
    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        missing(key)
    }
    async fn read_range(&self, key: &Key, _: Range<u64>) -> Result<Bytes, StoreError> {
        missing(key)
    }
    async fn write_if_absent(&self, _: &Key, _: Bytes) -> Result<Written, StoreError> {
        full()
    }
    async fn write_stream(
        &self,
        _: &Key,
        _: &Exactly,
        _: ByteStream,
    ) -> Result<Written, WriteError> {
        Ok(full()?)
    }
    async fn copy(&self, _: &Key, _: &Key) -> Result<Written, StoreError> {
        full()
    }
    async fn list(&self, _: &Prefix, _: Option<&str>, _: usize) -> Result<Page<Key>, StoreError> {
        Ok(Page { items: Vec::new(), next: None })
    }
    async fn delete(&self, _: &Key) -> Result<(), StoreError> {
        Ok(())
    }
    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError> {
        Ok(self.0.put(key, terms))
    }
    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError> {
        Ok(self.0.get(key, expires_at))
    }
}
