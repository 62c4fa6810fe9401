//! The memory adapters behind a [`Fuse`], with a ledger of what went through.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    Catalog, Image, ImageId, Key, Message, Objects, Outbox, PieceId, Problem, Queue, Revision,
    StageName, Status, StoreError,
    image::{Acceptance, Asking, Expectation, Flip, Outcome, Progress, Purpose, Source, Start},
    key::Prefix,
    memory::{MemoryCatalog, MemoryObjects, MemoryQueue},
    ports::{
        ByteStream, Creation, Delivery, Exactly, Idempotency, ObjectMeta, UploadTerms, WriteError,
        Written,
    },
    query::{Filter, Page},
    signing::Signed,
};
use jiff::Timestamp;

use super::fuse::{Entry, Fuse, Lethal};

/// Objects behind a fuse.
pub struct FusedObjects(pub Arc<MemoryObjects>, pub Arc<Fuse>);

#[async_trait]
impl Objects for FusedObjects {
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        self.1.around(self.0.head(key)).await
    }
    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        if let Key::Original { image, .. } = key {
            self.1.survive(&Lethal::Decoding(*image)).await;
        }
        self.1.around(self.0.read(key)).await
    }
    async fn read_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, StoreError> {
        match key {
            Key::Upload { image } => self.1.survive(&Lethal::Reading(*image)).await,
            Key::Original { image, .. } => self.1.survive(&Lethal::Describing(*image)).await,
            _ => {}
        }
        self.1.around(self.0.read_range(key, range)).await
    }
    async fn write_if_absent(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        if let Key::Variant { image, file, .. } = key {
            self.1.survive(&Lethal::Making(*image, file.clone())).await;
        }
        let written = self.1.around(self.0.write_if_absent(key, bytes)).await;
        if let Ok(written) = written {
            self.1.enter(Entry::Written(key.clone(), written));
        }
        written
    }
    async fn write_stream(
        &self,
        key: &Key,
        exactly: &Exactly,
        stream: ByteStream,
    ) -> Result<Written, WriteError> {
        self.1.around(self.0.write_stream(key, exactly, stream)).await
    }
    async fn copy(&self, from: &Key, to: &Key) -> Result<Written, StoreError> {
        self.1.around(self.0.copy(from, to)).await
    }
    async fn list(
        &self,
        prefix: &Prefix,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Key>, StoreError> {
        self.1.around(self.0.list(prefix, cursor, limit)).await
    }
    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.1.around(self.0.delete(key)).await
    }
    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError> {
        self.1.around(self.0.presign_put(key, terms)).await
    }
    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError> {
        self.1.around(self.0.presign_get(key, expires_at)).await
    }
}

/// A catalog behind a fuse.
pub struct FusedCatalog(pub Arc<MemoryCatalog>, pub Arc<Fuse>);

#[async_trait]
impl Catalog for FusedCatalog {
    async fn create(
        &self,
        image: &Image,
        idempotency: Option<&Idempotency>,
    ) -> Result<Creation, StoreError> {
        self.1.around(self.0.create(image, idempotency)).await
    }
    async fn image(&self, id: ImageId) -> Result<Image, StoreError> {
        self.1.around(self.0.image(id)).await
    }
    async fn accept(
        &self,
        id: ImageId,
        source: &Source,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError> {
        self.1.around(self.0.accept(id, source, now)).await
    }
    async fn reject(
        &self,
        id: ImageId,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.1.around(self.0.reject(id, problem, now)).await
    }
    async fn expire(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.1.around(self.0.expire(id, now)).await
    }
    async fn expect(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        purpose: Purpose,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Expectation, StoreError> {
        self.1.around(self.0.expect(id, pieces, purpose, horizon, now)).await
    }
    async fn record(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        self.1.around(self.0.record(id, outcomes, now)).await
    }
    async fn give_up(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        reason: &Problem,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        self.1.around(self.0.give_up(id, pieces, reason, at, now)).await
    }
    async fn count(
        &self,
        id: ImageId,
        stage: StageName,
        start: &Start,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        self.1.around(self.0.count(id, stage, start, now)).await
    }
    async fn flip(
        &self,
        id: ImageId,
        revision: &Revision,
        now: Timestamp,
    ) -> Result<Flip, StoreError> {
        self.1.around(self.0.flip(id, revision, now)).await
    }
    async fn reopen(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.1.around(self.0.reopen(id, pieces, now)).await
    }
    async fn ask(
        &self,
        id: ImageId,
        files: &BTreeSet<String>,
        presets: &Revision,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Asking, StoreError> {
        self.1.around(self.0.ask(id, files, presets, horizon, now)).await
    }
    async fn order(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        presets: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError> {
        self.1.around(self.0.order(id, pieces, presets)).await
    }
    async fn nudge(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.1.around(self.0.nudge(id, now)).await
    }
    async fn erase(&self, id: ImageId, now: Timestamp) -> Result<Image, StoreError> {
        self.1.around(self.0.erase(id, now)).await
    }
    async fn removed(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.1.around(self.0.removed(id, now)).await
    }
    async fn search(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Image>, StoreError> {
        self.1.around(self.0.search(filter, cursor, limit)).await
    }
    async fn due(
        &self,
        status: Status,
        before: Timestamp,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ImageId>, StoreError> {
        self.1.around(self.0.due(status, before, cursor, limit)).await
    }
}

/// What a queue does with what is sent.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    /// How many of each message arrive.
    pub copies: usize,
    /// The longest delay, in seconds, by which messages overtake each other.
    pub longest: u64,
    /// Which delays.
    pub seed: u64,
}

impl Delays {
    /// Each once, in order.
    pub const NONE: Self = Self { copies: 1, longest: 0, seed: 0 };
}

/// A queue behind a fuse, whose messages are doubled and overtake each other. Lending is not
/// counted: nothing has happened yet when it fails.
pub struct FusedQueue {
    pub inner: Arc<MemoryQueue>,
    pub fuse: Arc<Fuse>,
    pub delays: Delays,
    pub random: Mutex<Random>,
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl FusedQueue {
    /// The same message, delayed, as often as this queue delivers it.
    pub fn scattered(&self, message: &Message) -> Vec<Message> {
        let mut random = self.random.lock().unwrap();
        let copy = |_| {
            let seconds = random.below(self.delays.longest + 1);
            let moment = (self.now)() + Duration::from_secs(seconds);
            let moment = message.not_before.map_or(moment, |wanted| wanted.max(moment));
            message.clone().not_before(moment)
        };
        (0..self.delays.copies).map(copy).collect()
    }
}

#[async_trait]
impl Outbox for FusedQueue {
    async fn send(&self, messages: &[Message]) -> Result<(), StoreError> {
        let scattered: Vec<_> = messages.iter().flat_map(|m| self.scattered(m)).collect();
        for message in messages {
            self.fuse.enter(Entry::Sent(message.clone()));
        }
        self.fuse.around(self.inner.send(&scattered)).await
    }
    async fn bury(&self, message: &Message, reason: &Problem) -> Result<(), StoreError> {
        self.fuse.around(self.inner.bury(message, reason)).await
    }
}

#[async_trait]
impl Queue for FusedQueue {
    async fn receive(
        &self,
        stage: StageName,
        limit: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.inner.receive(stage, limit, visibility).await
    }
    async fn acknowledge(&self, receipt: &str) -> Result<(), StoreError> {
        self.fuse.around(self.inner.acknowledge(receipt)).await
    }
    async fn hide(&self, receipt: &str, visibility: Duration) -> Result<(), StoreError> {
        self.inner.hide(receipt, visibility).await
    }
}

/// `SplitMix64` (Steele, Lea, Flood, 2014): a sequence that a seed repeats.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            let other = self.below(index as u64 + 1);
            items.swap(index, usize::try_from(other).unwrap());
        }
    }
}
