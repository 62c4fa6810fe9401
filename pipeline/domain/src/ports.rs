//! What a home must offer. Each port's guarantee is one sentence; the [`contract`](crate::contract)
//! is the proof that an adapter keeps it.

use std::{collections::BTreeSet, ops::Range, pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Image, ImageId, Key, Message, PieceId, Problem, Revision, Sha256, StageName, StoreError,
    Tenant,
    image::{Acceptance, Asking, Expectation, Flip, Outcome, Progress, Purpose, Source, Start},
    key::Prefix,
    query::{Filter, Page},
    signing::Signed,
};

/// The time. The one place where it enters.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Bytes that come in pieces.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// What a store says of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectMeta {
    /// Bytes.
    pub size: u64,
    /// Changes when the bytes do.
    pub etag: String,
}

/// What became of a write that creates and never overwrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Written {
    /// It is there now, by this write.
    Created,
    /// It was there before, and is as it was.
    Exists,
}

/// What a streamed write must turn out to be, or nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exactly {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, where it is known.
    pub sha256: Option<Sha256>,
}

/// Why a streamed write left nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The stream was longer or shorter; the number is the bytes that had come by then.
    #[error("{0} bytes came")]
    Size(u64),
    /// The bytes have another digest.
    #[error("the bytes have the SHA-256 {0}")]
    Checksum(Sha256),
    /// The store's own answer, or the stream's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Terms under which a client may upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadTerms {
    /// Exactly so many bytes.
    pub content_length: u64,
    /// Exactly this `Content-Type`.
    pub content_type: String,
    /// Exactly these bytes.
    pub checksum_sha256: Option<Sha256>,
    /// Not after this moment.
    pub expires_at: Timestamp,
}

/// **Objects: what was written is there, whole and durable, before the answer, and is never changed
/// by another write.**
#[async_trait]
pub trait Objects: Send + Sync {
    /// What is known of an object, without its bytes. [`StoreError::Missing`] where there is none.
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError>;
    /// All bytes.
    async fn read(&self, key: &Key) -> Result<Bytes, StoreError>;
    /// Some bytes; a range that ends behind the object is cut at its end, one that begins there or
    /// behind is empty.
    async fn read_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, StoreError>;
    /// Creates an object; of any number of writers to one key, one creates it.
    async fn write_if_absent(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError>;
    /// Creates an object from a stream, which is cut off at the first byte too many; leaves nothing
    /// unless it turned out exactly as given.
    async fn write_stream(
        &self,
        key: &Key,
        exactly: &Exactly,
        stream: ByteStream,
    ) -> Result<Written, WriteError>;
    /// Creates an object with another's bytes.
    async fn copy(&self, from: &Key, to: &Key) -> Result<Written, StoreError>;
    /// The keys under a prefix, a page at a time, in the order of their paths. It goes on behind a
    /// cursor: the one that came with a page, or the path of any key.
    async fn list(
        &self,
        prefix: &Prefix,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Key>, StoreError>;
    /// Removes an object; success also where there is none.
    async fn delete(&self, key: &Key) -> Result<(), StoreError>;
    /// A URL under which a client can create this object on these terms, once.
    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError>;
    /// A URL under which anybody can fetch this object until it expires.
    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError>;
}

/// Upload creation that is safe to repeat.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Idempotency {
    /// The client's `Idempotency-Key`, within its tenant.
    pub key: String,
    /// Digest of the request: another request under the same key is a mistake.
    pub request: Sha256,
}

/// What [`Catalog::create`] found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Creation {
    /// It is there now.
    Created,
    /// The same request was made before, or the same object adopted: this came of it.
    Repeated(Box<Image>),
    /// The key was used for another request.
    Reused,
}

/// **Catalog: each change is one of [`Image`]'s decisions, applied to the newest state of one image
/// atomically, and durable before the answer.**
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Adds an image.
    async fn create(
        &self,
        image: &Image,
        idempotency: Option<&Idempotency>,
    ) -> Result<Creation, StoreError>;
    /// An image as it is. [`StoreError::Missing`] where there is none; so for every change.
    async fn image(&self, id: ImageId) -> Result<Image, StoreError>;
    /// [`Image::accept`].
    async fn accept(
        &self,
        id: ImageId,
        source: &Source,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError>;
    /// [`Image::reject`].
    async fn reject(
        &self,
        id: ImageId,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// [`Image::expire`].
    async fn expire(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError>;
    /// [`Image::expect`].
    async fn expect(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        purpose: Purpose,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Expectation, StoreError>;
    /// [`Image::record`].
    async fn record(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Progress, StoreError>;
    /// [`Image::give_up`].
    async fn give_up(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        reason: &Problem,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Progress, StoreError>;
    /// [`Image::count`].
    async fn count(
        &self,
        id: ImageId,
        stage: StageName,
        start: &Start,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError>;
    /// [`Image::flip`].
    async fn flip(
        &self,
        id: ImageId,
        revision: &Revision,
        now: Timestamp,
    ) -> Result<Flip, StoreError>;
    /// [`Image::reopen`].
    async fn reopen(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// [`Image::ask`].
    async fn ask(
        &self,
        id: ImageId,
        files: &BTreeSet<String>,
        presets: &Revision,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Asking, StoreError>;
    /// [`Image::order`].
    async fn order(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        presets: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError>;
    /// [`Image::nudge`].
    async fn nudge(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError>;
    /// [`Image::erase`]; answers the tombstone.
    async fn erase(&self, id: ImageId, now: Timestamp) -> Result<Image, StoreError>;
    /// [`Image::removed`].
    async fn removed(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError>;
    /// Images that fit, the newest first, a page at a time.
    async fn search(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Image>, StoreError>;
    /// Images in this state whose [`Image::due_at`] lies before the moment, the longest due first.
    async fn due(
        &self,
        status: crate::Status,
        before: Timestamp,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ImageId>, StoreError>;
}

/// **Outbox: what was sent is delivered at least once.** Used by the homes only.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Sends messages, each not to be delivered before its own time.
    async fn send(&self, messages: &[Message]) -> Result<(), StoreError>;
    /// Puts a message among the dead letters with its reason, and sends what tells its image:
    /// [`Message::obituary`]. Letters of the same message are one: the newest.
    async fn bury(&self, message: &Message, reason: &Problem) -> Result<(), StoreError>;
}

/// A message on loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// The loan: valid until its visibility time is over.
    pub receipt: String,
    /// How often this copy was lent, this time included.
    pub receives: u32,
}

/// **Queue: a message that was lent and not acknowledged within its visibility time is lent again.**
/// The semantics of SQS's standard queues.
#[async_trait]
pub trait Queue: Outbox {
    /// Borrows up to `limit` messages of one stage, hidden from others for the visibility time.
    /// Does not wait.
    async fn receive(
        &self,
        stage: StageName,
        limit: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// Removes a message for good. A receipt that was overtaken by another loan changes nothing.
    async fn acknowledge(&self, receipt: &str) -> Result<(), StoreError>;
    /// Sets anew how long a lent message stays hidden; zero gives it back at once. A receipt that
    /// was overtaken changes nothing.
    async fn hide(&self, receipt: &str, visibility: Duration) -> Result<(), StoreError>;
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its name among the dead letters.
    pub id: String,
    /// What was given up.
    pub message: Message,
    /// Why.
    pub reason: Problem,
    /// When.
    pub buried_at: Timestamp,
}

impl DeadLetter {
    /// The name of a message among the dead letters: the same work has the same name, however
    /// often it was tried.
    pub fn name(message: &Message) -> String {
        let bare: Message = message.body.clone().into();
        // A message that could not be written as JSON could not have been sent.
        let text = serde_json::to_vec(&bare).unwrap_or_default();
        hex::encode(&Sha256::of(&text).0[..16])
    }
}

/// **Dead letters: what was given up stays until somebody takes it back.**
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Letters, the oldest first, a page at a time.
    async fn letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StoreError>;
    /// One letter.
    async fn letter(&self, id: &str) -> Result<DeadLetter, StoreError>;
    /// Removes the letter that was buried at this moment, after its message was sent again; success
    /// also where there is none, or by now a newer one, which stays.
    async fn discard(&self, id: &str, buried_at: Timestamp) -> Result<(), StoreError>;
}

/// What a key opens beside its tenant's images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nothing.
    #[default]
    Tenant,
    /// What belongs to the home: its counts, and dead letters of no image.
    Operator,
}

/// Whose a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Whose images it opens.
    pub tenant: Tenant,
    /// What else.
    pub role: Role,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its public name.
    pub id: String,
    /// Whose images it opens.
    pub tenant: Tenant,
    /// What else it opens; keys of old did not say, and open nothing else.
    #[serde(default)]
    pub role: Role,
    /// What its owner calls it.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whose it is.
    pub fn owner(&self) -> Owner {
        Owner { tenant: self.tenant.clone(), role: self.role }
    }
}

/// **Keyring: a key opens its tenant's images until it is revoked; secrets are kept as digests.**
#[async_trait]
pub trait Keyring: Send + Sync {
    /// Adds a key by the digest of its secret. [`StoreError::Conflict`] where another key has its
    /// name or its secret.
    async fn add(&self, key: &ApiKey, secret: Sha256) -> Result<(), StoreError>;
    /// All keys, the oldest first.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;
    /// Revokes a key; where it was revoked before, it stays revoked since then.
    /// [`StoreError::Missing`] where there is none.
    async fn revoke(&self, id: &str, now: Timestamp) -> Result<(), StoreError>;
    /// The owner of a secret with this digest; none where it is unknown or revoked.
    async fn owner(&self, secret: Sha256) -> Result<Option<Owner>, StoreError>;
}
