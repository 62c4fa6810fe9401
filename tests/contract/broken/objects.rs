//! Broken objects.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use domain::{
    Key, Objects, Sha256, StoreError, Visibility,
    key::Prefix,
    ports::{ByteStream, Exactly, ObjectMeta, UploadTerms, WriteError, Written},
    query::Page,
    signing::Signed,
};
use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::dawdle;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    Forgets,
    ForgetsWhatIsEmpty,
    MixesFolders,
    Overwrites,
    LooksBeforeItWrites,
    CopyForgets,
    CopyMoves,
    CopyOverwrites,
    LosesOnFullDisk,
    TakesEmptyChunkForEnd,
    CutsWhatIsTooLong,
    ReadsTooLongToItsEnd,
    KeepsWhatIsTooShort,
    IgnoresChecksum,
    LeavesPartialObject,
    TakesFailureForEnd,
    WritesInPlace,
    StreamOverwrites,
    StreamLooksBeforeItWrites,
    MissingIsEmpty,
    EtagIsTheSize,
    RefusesRangesBeyondTheEnd,
    ListsOtherFolders,
    ListSkipsAtPageEnds,
    ListCountsPositions,
    DeleteMissesWhatIsGone,
    DeleteKeepsKeyTaken,
    SignsTheKeyOnly,
    SignsForEver,
}

/// Each fault, and the checks that are meant to find it.
pub(super) const FAULTS: &[(Fault, &[&str])] = &[
    (Fault::Forgets, &["objects::written_is_there"]),
    (Fault::ForgetsWhatIsEmpty, &["objects::empty_is_an_object"]),
    (Fault::MixesFolders, &["objects::keys_are_apart"]),
    (Fault::Overwrites, &["objects::never_overwritten"]),
    (
        Fault::LooksBeforeItWrites,
        &["objects::one_of_many_creates", "objects::one_creates_by_any_way"],
    ),
    (Fault::CopyForgets, &["objects::copy_is_whole"]),
    (Fault::CopyMoves, &["objects::copy_is_whole"]),
    (Fault::CopyOverwrites, &["objects::copy_never_overwrites"]),
    (Fault::LosesOnFullDisk, &["objects::full_store_loses_nothing"]),
    (Fault::TakesEmptyChunkForEnd, &["objects::stream_arrives_whole"]),
    (Fault::CutsWhatIsTooLong, &["objects::too_long_is_cut_off"]),
    (Fault::ReadsTooLongToItsEnd, &["objects::too_long_is_cut_off"]),
    (Fault::KeepsWhatIsTooShort, &["objects::too_short_leaves_nothing"]),
    (Fault::IgnoresChecksum, &["objects::wrong_checksum_leaves_nothing"]),
    (Fault::LeavesPartialObject, &["objects::failing_stream_leaves_nothing"]),
    (Fault::TakesFailureForEnd, &["objects::failing_stream_leaves_nothing"]),
    (Fault::WritesInPlace, &["objects::given_up_stream_leaves_nothing"]),
    (Fault::StreamOverwrites, &["objects::stream_never_overwrites"]),
    (Fault::StreamLooksBeforeItWrites, &["objects::one_of_many_streams_creates"]),
    (Fault::MissingIsEmpty, &["objects::missing_is_said"]),
    (Fault::EtagIsTheSize, &["objects::etag_follows_bytes"]),
    (Fault::RefusesRangesBeyondTheEnd, &["objects::ranges_are_cut"]),
    (Fault::ListsOtherFolders, &["objects::list_is_of_one_folder"]),
    (Fault::ListSkipsAtPageEnds, &["objects::list_is_in_order"]),
    (Fault::ListCountsPositions, &["objects::list_outlives_deletion"]),
    (Fault::DeleteMissesWhatIsGone, &["objects::deleted_is_gone"]),
    (Fault::DeleteKeepsKeyTaken, &["objects::deleted_is_gone"]),
    (Fault::SignsTheKeyOnly, &["objects::put_is_signed"]),
    (Fault::SignsForEver, &["objects::get_is_signed"]),
];

pub(super) struct BrokenObjects {
    inner: Arc<dyn Objects>,
    fault: Fault,
    deleted: Mutex<Vec<Key>>,
}

impl BrokenObjects {
    pub(super) fn new(inner: Arc<dyn Objects>, fault: Fault) -> Self {
        Self { inner, fault, deleted: Mutex::default() }
    }

    /// Looks, and writes a moment later.
    async fn racing_write(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        if self.inner.head(key).await.is_ok() {
            return Ok(Written::Exists);
        }
        dawdle().await;
        self.overwrite(key, bytes).await
    }

    async fn overwrite(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        self.inner.delete(key).await?;
        self.inner.write_if_absent(key, bytes).await?;
        Ok(Written::Created)
    }

    /// Both folders of an image's variants are one.
    fn mix(&self, key: &Key) -> Key {
        match (self.fault, key.clone()) {
            (Fault::MixesFolders, Key::Variant { image, revision, file, .. }) => {
                Key::Variant { image, revision, file, visibility: Visibility::Public }
            }
            (_, key) => key,
        }
    }

    /// Reads what comes, to the end or the first failure.
    async fn gather(mut stream: ByteStream) -> (Bytes, Option<StoreError>) {
        let mut came = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => came.extend_from_slice(&chunk),
                Err(error) => return (came.freeze(), Some(error)),
            }
        }
        (came.freeze(), None)
    }
}

fn once(bytes: Bytes) -> ByteStream {
    stream::iter([Ok(bytes)]).boxed()
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Objects for BrokenObjects {
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        let mut meta = self.inner.head(&self.mix(key)).await?;
        if self.fault == Fault::EtagIsTheSize {
            meta.etag = meta.size.to_string();
        }
        Ok(meta)
    }

    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        match self.inner.read(&self.mix(key)).await {
            Err(StoreError::Missing(_)) if self.fault == Fault::MissingIsEmpty => Ok(Bytes::new()),
            answer => answer,
        }
    }

    async fn read_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, StoreError> {
        let size = self.inner.head(&self.mix(key)).await?.size;
        if self.fault == Fault::RefusesRangesBeyondTheEnd && range.end > size {
            return Err(StoreError::Broken(format!("the range {range:?} of {size} bytes")));
        }
        self.inner.read_range(&self.mix(key), range).await
    }

    async fn write_if_absent(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        let key = &self.mix(key);
        match self.fault {
            Fault::Forgets => Ok(Written::Created),
            Fault::ForgetsWhatIsEmpty if bytes.is_empty() => Ok(Written::Created),
            Fault::Overwrites => self.overwrite(key, bytes).await,
            Fault::LooksBeforeItWrites => self.racing_write(key, bytes).await,
            Fault::DeleteKeepsKeyTaken if self.deleted.lock().unwrap().contains(key) => {
                Ok(Written::Exists)
            }
            Fault::LosesOnFullDisk => match self.inner.write_if_absent(key, bytes).await {
                Err(StoreError::Full(_)) => Ok(Written::Created),
                answer => answer,
            },
            _ => self.inner.write_if_absent(key, bytes).await,
        }
    }

    async fn write_stream(
        &self,
        key: &Key,
        exactly: &Exactly,
        stream: ByteStream,
    ) -> Result<Written, WriteError> {
        let right = |bytes: &Bytes| {
            bytes.len() as u64 == exactly.size
                && exactly.sha256.is_none_or(|wanted| wanted == Sha256::of(bytes))
        };
        let key = &self.mix(key);
        match self.fault {
            Fault::TakesEmptyChunkForEnd => {
                let stream = stream.take_while(|chunk| {
                    let goes_on = !chunk.as_ref().is_ok_and(Bytes::is_empty);
                    async move { goes_on }
                });
                self.inner.write_stream(key, exactly, stream.boxed()).await
            }
            Fault::CutsWhatIsTooLong => {
                let (came, failure) = Self::gather(stream).await;
                failure.map_or(Ok(()), Err)?;
                let most = usize::try_from(exactly.size).unwrap_or(usize::MAX);
                let came = came.slice(..most.min(came.len()));
                self.inner.write_stream(key, exactly, once(came)).await
            }
            Fault::ReadsTooLongToItsEnd => {
                let (came, failure) = Self::gather(stream).await;
                failure.map_or(Ok(()), Err)?;
                self.inner.write_stream(key, exactly, once(came)).await
            }
            Fault::KeepsWhatIsTooShort | Fault::LeavesPartialObject => {
                let (came, failure) = Self::gather(stream).await;
                let short = failure.is_none() && (came.len() as u64) < exactly.size;
                let kept = match self.fault {
                    Fault::KeepsWhatIsTooShort => short,
                    _ => failure.is_some(),
                };
                if kept {
                    self.inner.write_if_absent(key, came.clone()).await?;
                }
                failure.map_or(Ok(()), Err)?;
                self.inner.write_stream(key, exactly, once(came)).await
            }
            Fault::IgnoresChecksum => {
                let exactly = Exactly { size: exactly.size, sha256: None };
                self.inner.write_stream(key, &exactly, stream).await
            }
            Fault::TakesFailureForEnd => {
                let stream = stream.take_while(|chunk| {
                    let goes_on = chunk.is_ok();
                    async move { goes_on }
                });
                self.inner.write_stream(key, exactly, stream.boxed()).await
            }
            Fault::WritesInPlace => {
                if self.inner.write_if_absent(key, Bytes::new()).await? == Written::Exists {
                    return Ok(Written::Exists);
                }
                let (came, failure) = Self::gather(stream).await;
                self.inner.delete(key).await?;
                failure.map_or(Ok(()), Err)?;
                self.inner.write_stream(key, exactly, once(came)).await
            }
            Fault::StreamOverwrites | Fault::StreamLooksBeforeItWrites => {
                let (came, failure) = Self::gather(stream).await;
                failure.map_or(Ok(()), Err)?;
                if !right(&came) {
                    return self.inner.write_stream(key, exactly, once(came)).await;
                }
                Ok(match self.fault {
                    Fault::StreamOverwrites => self.overwrite(key, came).await?,
                    _ => self.racing_write(key, came).await?,
                })
            }
            Fault::LosesOnFullDisk => match self.inner.write_stream(key, exactly, stream).await {
                Err(WriteError::Store(StoreError::Full(_))) => Ok(Written::Created),
                answer => answer,
            },
            _ => self.inner.write_stream(key, exactly, stream).await,
        }
    }

    async fn copy(&self, from: &Key, to: &Key) -> Result<Written, StoreError> {
        let (from, to) = (&self.mix(from), &self.mix(to));
        match self.fault {
            Fault::CopyForgets => self.inner.head(from).await.map(|_| Written::Created),
            Fault::CopyMoves => {
                let written = self.inner.copy(from, to).await?;
                self.inner.delete(from).await?;
                Ok(written)
            }
            Fault::CopyOverwrites => {
                let bytes = self.inner.read(from).await?;
                self.overwrite(to, bytes).await
            }
            Fault::LooksBeforeItWrites => {
                let bytes = self.inner.read(from).await?;
                self.racing_write(to, bytes).await
            }
            _ => self.inner.copy(from, to).await,
        }
    }

    async fn list(
        &self,
        prefix: &Prefix,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Key>, StoreError> {
        match self.fault {
            Fault::ListsOtherFolders => {
                let mut page = self.inner.list(prefix, cursor, limit).await?;
                if let Prefix::Public(image) = prefix {
                    let private = Prefix::Private(*image);
                    page.items.extend(self.inner.list(&private, cursor, limit).await?.items);
                }
                Ok(page)
            }
            Fault::ListSkipsAtPageEnds => {
                let mut page = self.inner.list(prefix, cursor, limit).await?;
                if page.next.is_some() {
                    page.items.pop();
                }
                Ok(page)
            }
            Fault::ListCountsPositions => {
                let all = self.inner.list(prefix, None, 10_000).await?.items;
                let start: usize = cursor.and_then(|text| text.parse().ok()).unwrap_or(0);
                let next = (start + limit < all.len()).then(|| (start + limit).to_string());
                Ok(Page { items: all.into_iter().skip(start).take(limit).collect(), next })
            }
            _ => self.inner.list(prefix, cursor, limit).await,
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let key = &self.mix(key);
        match self.fault {
            Fault::DeleteMissesWhatIsGone => {
                self.inner.head(key).await?;
            }
            Fault::DeleteKeepsKeyTaken => self.deleted.lock().unwrap().push(key.clone()),
            _ => {}
        }
        self.inner.delete(key).await
    }

    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError> {
        if self.fault != Fault::SignsTheKeyOnly {
            return self.inner.presign_put(key, terms).await;
        }
        let nothing = UploadTerms {
            content_length: 0,
            content_type: String::new(),
            checksum_sha256: None,
            expires_at: terms.expires_at,
        };
        let right = self.inner.presign_put(key, terms).await?;
        Ok(Signed { url: self.inner.presign_put(key, &nothing).await?.url, ..right })
    }

    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError> {
        let expires_at = match self.fault {
            Fault::SignsForEver => Timestamp::MAX,
            _ => expires_at,
        };
        self.inner.presign_get(key, expires_at).await
    }
}
