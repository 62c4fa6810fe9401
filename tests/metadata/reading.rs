//! Bytes as a stored object, whose reads are counted.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    ImageId, Key, Objects, Sha256, StoreError,
    key::Prefix,
    ports::{ByteStream, Exactly, ObjectMeta, UploadTerms, WriteError, Written},
    query::Page,
    signing::Signed,
};
use futures::FutureExt as _;
use jiff::Timestamp;
use metadata::{Exposition, expose};
use serde_json::Value;

/// What was read of a file until everything was known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub reads: u64,
    pub bytes: u64,
}

/// What bytes say of themselves, by the stage's own way, and what it cost.
pub fn exposed(bytes: &[u8]) -> (Exposition, Cost) {
    let only = Only {
        bytes: Bytes::copy_from_slice(bytes),
        reads: AtomicU64::new(0),
        read: AtomicU64::new(0),
    };
    let key = Key::Original { image: ImageId::mint(1, &[1; 10]), hash: Sha256::of(b"") };
    let exposition = expose(&only, &key, bytes.len() as u64).now_or_never();
    let exposition = exposition.expect("memory never waits").expect("memory never fails");
    let cost = Cost {
        reads: only.reads.load(Ordering::Relaxed),
        bytes: only.read.load(Ordering::Relaxed),
    };
    (exposition, cost)
}

/// All that bytes say, as the raw metadata has it; null where they say nothing.
pub fn raw(bytes: &[u8]) -> Value {
    let raw = exposed(bytes).0.raw;
    raw.map_or(Value::Null, |raw| serde_json::from_slice(&raw).expect("raw metadata is JSON"))
}

/// One object that can be read by ranges, and nothing else: a reader that asks for more fails.
struct Only {
    bytes: Bytes,
    reads: AtomicU64,
    read: AtomicU64,
}

#[async_trait]
impl Objects for Only {
    async fn read_range(&self, _: &Key, range: Range<u64>) -> Result<Bytes, StoreError> {
        let clamp = |at: u64| usize::try_from(at).unwrap().min(self.bytes.len());
        let (start, end) = (clamp(range.start), clamp(range.end));
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.read.fetch_add((end - start) as u64, Ordering::Relaxed);
        Ok(self.bytes.slice(start..end))
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        Err(refused(key))
    }

    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        Err(refused(key))
    }

    async fn write_if_absent(&self, key: &Key, _: Bytes) -> Result<Written, StoreError> {
        Err(refused(key))
    }

    async fn write_stream(
        &self,
        key: &Key,
        _: &Exactly,
        _: ByteStream,
    ) -> Result<Written, WriteError> {
        Err(refused(key).into())
    }

    async fn copy(&self, key: &Key, _: &Key) -> Result<Written, StoreError> {
        Err(refused(key))
    }

    async fn list(&self, _: &Prefix, _: Option<&str>, _: usize) -> Result<Page<Key>, StoreError> {
        Err(StoreError::Refused("listing".to_owned()))
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        Err(refused(key))
    }

    async fn presign_put(&self, key: &Key, _: &UploadTerms) -> Result<Signed, StoreError> {
        Err(refused(key))
    }

    async fn presign_get(&self, key: &Key, _: Timestamp) -> Result<String, StoreError> {
        Err(refused(key))
    }
}

fn refused(key: &Key) -> StoreError {
    StoreError::Refused(key.to_string())
}
