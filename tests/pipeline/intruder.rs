//! Objects behind somebody who does something at a chosen moment: what another process, a client
//! or an owner may do while a handler is at work.

use std::{
    ops::Range,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    Key, Objects, StoreError,
    key::Prefix,
    memory::MemoryObjects,
    ports::{ByteStream, Exactly, ObjectMeta, UploadTerms, WriteError, Written},
    query::Page,
    signing::Signed,
};
use jiff::Timestamp;

use super::world::World;

/// When it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the call of this number, from 0.
    Call(usize),
    /// Before the first write of a key with this in its path.
    Write(&'static str),
    /// After it.
    Written(&'static str),
}

type Deed = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The memory adapter, and what happens to it.
pub struct Intruder {
    inner: Arc<MemoryObjects>,
    moment: Moment,
    deed: Deed,
    calls: AtomicUsize,
    lists: AtomicUsize,
    deeds: AtomicUsize,
    deleted: Mutex<Vec<Key>>,
}

impl Intruder {
    pub fn new(
        world: &World,
        moment: Moment,
        deed: impl Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner: world.objects.clone(),
            moment,
            deed: Box::new(deed),
            calls: AtomicUsize::new(0),
            lists: AtomicUsize::new(0),
            deeds: AtomicUsize::new(0),
            deleted: Mutex::default(),
        }
    }

    /// Whether it happened.
    pub fn came(&self) -> bool {
        self.deeds.load(Ordering::SeqCst) > 0
    }

    /// Every key that was deleted through it, in order.
    pub fn deleted(&self) -> Vec<Key> {
        self.deleted.lock().unwrap().clone()
    }

    /// How many lists were asked for.
    pub fn lists(&self) -> usize {
        self.lists.load(Ordering::SeqCst)
    }

    async fn call(&self) {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if self.moment == Moment::Call(call) {
            self.intrude().await;
        }
    }

    async fn intrude(&self) {
        if self.deeds.fetch_add(1, Ordering::SeqCst) == 0 {
            (self.deed)().await;
        }
    }
}

#[async_trait]
impl Objects for Intruder {
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        self.call().await;
        self.inner.head(key).await
    }
    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        self.call().await;
        self.inner.read(key).await
    }
    async fn read_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.call().await;
        self.inner.read_range(key, range).await
    }
    async fn write_if_absent(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        self.call().await;
        let path = key.path();
        if matches!(self.moment, Moment::Write(part) if path.contains(part)) {
            self.intrude().await;
        }
        let written = self.inner.write_if_absent(key, bytes).await;
        if matches!(self.moment, Moment::Written(part) if path.contains(part)) {
            self.intrude().await;
        }
        written
    }
    async fn write_stream(
        &self,
        key: &Key,
        exactly: &Exactly,
        stream: ByteStream,
    ) -> Result<Written, WriteError> {
        self.call().await;
        self.inner.write_stream(key, exactly, stream).await
    }
    async fn copy(&self, from: &Key, to: &Key) -> Result<Written, StoreError> {
        self.call().await;
        self.inner.copy(from, to).await
    }
    async fn list(
        &self,
        prefix: &Prefix,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Key>, StoreError> {
        self.call().await;
        self.lists.fetch_add(1, Ordering::SeqCst);
        self.inner.list(prefix, cursor, limit).await
    }
    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.call().await;
        self.deleted.lock().unwrap().push(key.clone());
        self.inner.delete(key).await
    }
    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError> {
        self.inner.presign_put(key, terms).await
    }
    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError> {
        self.inner.presign_get(key, expires_at).await
    }
}
