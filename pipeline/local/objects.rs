//! Objects as files: read through `object_store`, written and listed by the `shelf`.

mod shelf;

use std::{error::Error, io, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    Key, Objects, Sha256, StoreError,
    key::Prefix,
    ports::{ByteStream, Exactly, ObjectMeta, UploadTerms, WriteError, Written},
    query::Page,
    signing::{Signed, Signer},
};
use futures::StreamExt;
use jiff::Timestamp;
use object_store::{ObjectStoreExt, local::LocalFileSystem, path::Path};
use sha2::Digest;

pub use self::shelf::Placement;
use self::shelf::{Shelf, Staged};
use crate::{
    data_directory::{DataDirectory, DataDirectoryError},
    disk,
};

/// Bytes that are gathered before the disk is asked to take them: a thread is woken for each.
const GATHERED: usize = 256 << 10;

/// [`Objects`] in the data directory. Needs a Tokio runtime; the disk is waited for on its blocking
/// threads only.
pub struct LocalObjects {
    files: LocalFileSystem,
    shelf: Arc<Shelf>,
    signer: Signer,
}

impl LocalObjects {
    /// Opens the objects of a directory, empties its staging, and finds out how the file system
    /// creates without overwriting.
    pub fn open(directory: &DataDirectory, signer: Signer) -> Result<Self, DataDirectoryError> {
        let placement = Placement::probe(&directory.objects_root(), &directory.staging());
        let placement = placement.map_err(|source| trouble(directory, source))?;
        Self::open_as(directory, placement, signer)
    }

    /// The same, where the file system is known.
    pub fn open_as(
        directory: &DataDirectory,
        placement: Placement,
        signer: Signer,
    ) -> Result<Self, DataDirectoryError> {
        let root = directory.objects_root();
        let shelf = Shelf::open(root.clone(), directory.staging(), placement)
            .map_err(|source| trouble(directory, source))?;
        let files = LocalFileSystem::new_with_prefix(root)
            .map_err(|error| trouble(directory, io::Error::other(error)))?;
        Ok(Self { files, shelf: Arc::new(shelf), signer })
    }

    /// Runs what waits for the disk where waiting harms nobody.
    async fn on_disk<T: Send + 'static>(
        &self,
        subject: &Key,
        work: impl FnOnce(&Shelf) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shelf = Arc::clone(&self.shelf);
        match tokio::task::spawn_blocking(move || work(&shelf)).await {
            Ok(done) => done.map_err(|error| disk::answer(&error, subject)),
            Err(lost) => Err(StoreError::Broken(format!("{subject}: {lost}"))),
        }
    }

    async fn head_at(&self, key: &Key, path: &Path) -> Result<ObjectMeta, StoreError> {
        let meta = self.files.head(path).await.map_err(|error| answer(&error, key))?;
        Ok(ObjectMeta { size: meta.size, etag: meta.e_tag.unwrap_or_default() })
    }
}

#[async_trait]
impl Objects for LocalObjects {
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        self.head_at(key, &path(key)?).await
    }

    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        let found = self.files.get(&path(key)?).await.map_err(|error| answer(&error, key))?;
        found.bytes().await.map_err(|error| answer(&error, key))
    }

    async fn read_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, StoreError> {
        let path = path(key)?;
        // `object_store` takes a range outside the object for an error, the port does not.
        let size = self.head_at(key, &path).await?.size;
        let range = range.start..range.end.min(size);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.files.get_range(&path, range).await.map_err(|error| answer(&error, key))
    }

    async fn write_if_absent(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        path(key)?;
        let to = key.clone();
        self.on_disk(key, move |shelf| {
            if shelf.holds(&to)? {
                return Ok(Written::Exists);
            }
            let mut staged = shelf.stage()?;
            staged.append(&bytes)?;
            shelf.place(&staged, &to)
        })
        .await
    }

    async fn write_stream(
        &self,
        key: &Key,
        exactly: &Exactly,
        mut stream: ByteStream,
    ) -> Result<Written, WriteError> {
        path(key)?;
        let staged = self.on_disk(key, Shelf::stage).await?;
        let mut incoming = Incoming { staged, digest: sha2::Sha256::new() };
        let (mut gathered, mut waiting, mut came) = (Vec::new(), 0, 0);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            came += chunk.len() as u64;
            if came > exactly.size {
                return Err(WriteError::Size(came));
            }
            waiting += chunk.len();
            gathered.push(chunk);
            if waiting >= GATHERED {
                let chunks = std::mem::take(&mut gathered);
                waiting = 0;
                incoming = self.on_disk(key, move |_| incoming.take(&chunks)).await?;
            }
        }
        if came != exactly.size {
            return Err(WriteError::Size(came));
        }
        let Incoming { staged, digest } =
            self.on_disk(key, move |_| incoming.take(&gathered)).await?;
        let sum = Sha256(digest.finalize().into());
        if exactly.sha256.is_some_and(|wanted| wanted != sum) {
            return Err(WriteError::Checksum(sum));
        }
        let to = key.clone();
        Ok(self.on_disk(key, move |shelf| shelf.place(&staged, &to)).await?)
    }

    async fn copy(&self, from: &Key, to: &Key) -> Result<Written, StoreError> {
        path(from)?;
        path(to)?;
        let (source, target) = (from.clone(), to.clone());
        self.on_disk(from, move |shelf| shelf.copy(&source, &target)).await
    }

    async fn list(
        &self,
        prefix: &Prefix,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Key>, StoreError> {
        let folder = prefix.path();
        let (shelf, after, limit) =
            (Arc::clone(&self.shelf), cursor.map(str::to_owned), limit.max(1));
        let within = folder.clone();
        let listed =
            tokio::task::spawn_blocking(move || shelf.list(&within, after.as_deref(), limit + 1));
        let mut items = match listed.await {
            Ok(listed) => listed.map_err(|error| disk::answer(&error, &folder))?,
            Err(lost) => return Err(StoreError::Broken(format!("{folder}: {lost}"))),
        };
        let more = items.len() > limit;
        items.truncate(limit);
        Ok(Page { next: items.last().filter(|_| more).map(Key::path), items })
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        path(key)?;
        let gone = key.clone();
        self.on_disk(key, move |shelf| shelf.remove(&gone)).await
    }

    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError> {
        Ok(self.signer.put(key, terms))
    }

    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError> {
        Ok(self.signer.get(key, expires_at))
    }
}

/// An upload on its way to the disk.
struct Incoming {
    staged: Staged,
    digest: sha2::Sha256,
}

impl Incoming {
    fn take(mut self, chunks: &[Bytes]) -> io::Result<Self> {
        for chunk in chunks {
            self.digest.update(chunk);
            self.staged.append(chunk)?;
        }
        Ok(self)
    }
}

/// A key's path, if it is one of our layout: all of those are plain names below our folders.
fn path(key: &Key) -> Result<Path, StoreError> {
    match key {
        Key::Foreign { .. } => Err(StoreError::Refused(format!(
            "{key} is a key of an adopted bucket, and one machine has none: upload it instead"
        ))),
        // The fields of a key may be built by hand: only what reads back is a path for a disk.
        _ if Key::parse(&key.path()).as_ref() == Ok(key) => Ok(Path::from(key.path())),
        _ => Err(StoreError::Refused(format!("{key} is not a key of the layout"))),
    }
}

/// `object_store`'s error as a store's answer; the disk's own error is found among its sources.
fn answer(error: &object_store::Error, subject: &dyn std::fmt::Display) -> StoreError {
    if matches!(error, object_store::Error::NotFound { .. }) {
        return StoreError::Missing(subject.to_string());
    }
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return disk::answer(error, subject);
        }
        source = error.source();
    }
    StoreError::Broken(format!("{subject}: {error}"))
}

fn trouble(directory: &DataDirectory, source: io::Error) -> DataDirectoryError {
    let path = directory.root().to_owned();
    match source.kind() {
        io::ErrorKind::CrossesDevices => DataDirectoryError::TwoFileSystems { path },
        _ => DataDirectoryError::Disk { path, source },
    }
}
