//! Broken parts.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::BytesMut;
use domain::{
    Key, Objects, Parts, StoreError,
    parts::{CompleteError, Part, Sent},
    ports::{ByteStream, WriteError, Written},
    query::Page,
    signing::Signed,
};
use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::dawdle;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    JoinsAsTheyCame,
    LeavesThemBehind,
    JoinOverwrites,
    EachJoins,
    JoinsWhatIsThere,
    FirstCopyCounts,
    TakesAnyLength,
    BeginsEachTime,
    GivesUpInWordsOnly,
    ListsNothing,
    SignsTheNumberOnly,
}

/// Each fault, and the checks that are meant to find it.
pub(super) const FAULTS: &[(Fault, &[&str])] = &[
    (Fault::JoinsAsTheyCame, &["parts::parts_become_one"]),
    (Fault::LeavesThemBehind, &["parts::parts_become_one"]),
    (Fault::JoinOverwrites, &["parts::joined_never_overwrites"]),
    (Fault::EachJoins, &["parts::one_of_many_joins"]),
    (Fault::JoinsWhatIsThere, &["parts::wrong_parts_make_nothing"]),
    (Fault::FirstCopyCounts, &["parts::the_last_copy_counts"]),
    (Fault::TakesAnyLength, &["parts::a_part_has_its_length"]),
    (Fault::BeginsEachTime, &["parts::begun_once"]),
    (Fault::GivesUpInWordsOnly, &["parts::given_up_leaves_nothing"]),
    (Fault::ListsNothing, &["parts::waiting_are_listed"]),
    (Fault::SignsTheNumberOnly, &["parts::parts_are_signed"]),
];

pub(super) struct BrokenParts {
    inner: Arc<dyn Parts>,
    objects: Arc<dyn Objects>,
    fault: Fault,
    begun: AtomicU64,
    /// In the order in which they came.
    came: Mutex<Vec<Sent>>,
    first: Mutex<BTreeMap<u16, String>>,
}

impl BrokenParts {
    pub(super) fn new(inner: Arc<dyn Parts>, objects: Arc<dyn Objects>, fault: Fault) -> Self {
        let (begun, came, first) = Default::default();
        Self { inner, objects, fault, begun, came, first }
    }

    /// Joins parts as they are named, as a new object.
    async fn join(&self, key: &Key, parts: &[Sent]) -> Result<Written, CompleteError> {
        let Key::Upload { image } = *key else { unreachable!("uploads only") };
        let mut whole = BytesMut::new();
        for Sent { number, .. } in parts {
            match self.objects.read(&Key::Part { image, number: *number }).await {
                Ok(bytes) => whole.extend_from_slice(&bytes),
                Err(StoreError::Missing(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.objects.delete(key).await?;
        Ok(self.objects.write_if_absent(key, whole.freeze()).await?)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Parts for BrokenParts {
    async fn begin(&self, key: &Key, content_type: &str) -> Result<String, StoreError> {
        let begun = self.inner.begin(key, content_type).await?;
        if self.fault == Fault::BeginsEachTime {
            return Ok(format!("{begun}-{}", self.begun.fetch_add(1, Ordering::SeqCst)));
        }
        Ok(begun)
    }

    async fn presign(
        &self,
        key: &Key,
        upload: &str,
        part: Part,
        expires_at: Timestamp,
    ) -> Result<Signed, StoreError> {
        let signed = self.inner.presign(key, upload, part, expires_at).await?;
        if self.fault == Fault::SignsTheNumberOnly {
            return Ok(Signed { url: part.number.to_string(), ..signed });
        }
        Ok(signed)
    }

    async fn write(
        &self,
        key: &Key,
        upload: &str,
        part: Part,
        mut stream: ByteStream,
    ) -> Result<String, WriteError> {
        if self.fault == Fault::FirstCopyCounts
            && let Some(etag) = self.first.lock().unwrap().get(&part.number)
        {
            return Ok(etag.clone());
        }
        let mut part = part;
        if self.fault == Fault::TakesAnyLength {
            let mut whole = BytesMut::new();
            while let Some(chunk) = stream.next().await {
                whole.extend_from_slice(&chunk?);
            }
            part.length = whole.len() as u64;
            stream = stream::iter([Ok(whole.freeze())]).boxed();
        }
        let etag = self.inner.write(key, upload, part, stream).await?;
        self.first.lock().unwrap().insert(part.number, etag.clone());
        self.came.lock().unwrap().push(Sent { number: part.number, etag: etag.clone() });
        Ok(etag)
    }

    async fn complete(
        &self,
        key: &Key,
        parts: &[Sent],
        length: u64,
    ) -> Result<Written, CompleteError> {
        match self.fault {
            Fault::JoinsAsTheyCame => {
                let came = self.came.lock().unwrap().clone();
                self.join(key, &came).await
            }
            Fault::LeavesThemBehind | Fault::JoinOverwrites | Fault::JoinsWhatIsThere => {
                self.join(key, parts).await
            }
            Fault::EachJoins => {
                let written = self.join(key, parts).await;
                dawdle().await;
                written
            }
            _ => self.inner.complete(key, parts, length).await,
        }
    }

    async fn abort(&self, key: &Key) -> Result<(), StoreError> {
        match self.fault {
            Fault::GivesUpInWordsOnly => Ok(()),
            _ => self.inner.abort(key).await,
        }
    }

    async fn waiting(&self, cursor: Option<&str>, limit: usize) -> Result<Page<Key>, StoreError> {
        match self.fault {
            Fault::ListsNothing => Ok(Page { items: Vec::new(), next: None }),
            _ => self.inner.waiting(cursor, limit).await,
        }
    }
}
