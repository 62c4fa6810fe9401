//! How an object gets to its name and off it again: the steps on disk, and their order.
//!
//! An object is written under a name in `staging/`, is fsynced there, and only then gets its own
//! name, whose directories are fsynced before the answer. So a name is never seen with half an
//! object, and what was answered survives a power cut.
//!
//! `object_store` would do the writing too, but not to the end that the port promises: a crash
//! leaves its `name#1` beside the object, which no listing shows and so no erasure removes; where
//! two write the same key, the loser hears "exists" before the winner's directory is on disk; and
//! a directory that another call has just made counts as durable before it is. And it lists by
//! asking the disk three times about every file, where a page needs the names alone.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use domain::{Key, ports::Written};

use crate::disk;

/// The folders of the layout, made at the start, so that no write has to wonder about them.
const FOLDERS: [&str; 7] = ["in", "u", "o", "v", "p", "m", "a"];

/// Locks over all images: two images wait for each other once in so many times.
const AISLES: usize = 64;

/// Directories that a lock remembers as durable; forgetting one costs an fsync.
const REMEMBERED: usize = 256;

/// How an object gets its name without taking another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// By a hard link: the kernel refuses a name that is taken.
    Link,
    /// By renaming, for file systems that have no hard links (FAT, exFAT, some network shares):
    /// whether the name is taken is looked at first, under a lock that every writer of this image
    /// holds. No other process writes here, since the data directory is locked, so the guarantee is
    /// the same. Copies take their own bytes.
    Rename,
}

pub(super) struct Shelf {
    objects: PathBuf,
    staging: PathBuf,
    placement: Placement,
    /// The names of an image change under the lock that its id falls to. It remembers directories
    /// whose entries are durable.
    aisles: Vec<Mutex<HashSet<PathBuf>>>,
    staged: AtomicU64,
}

/// A file that has no name of its own yet. It goes when this value does, whatever happened.
pub(super) struct Staged {
    path: PathBuf,
    file: File,
}

impl Shelf {
    /// Makes the folders and empties the staging directory.
    pub(super) fn open(
        objects: PathBuf,
        staging: PathBuf,
        placement: Placement,
    ) -> io::Result<Self> {
        for folder in FOLDERS {
            disk::create_directories(&objects.join(folder), &|path| fs::create_dir(path))?;
        }
        // A start that was killed may have made them without this.
        disk::sync_directory(&objects)?;
        for entry in fs::read_dir(&staging)? {
            fs::remove_file(entry?.path())?;
        }
        let aisles = (0..AISLES).map(|_| Mutex::default()).collect();
        Ok(Self { objects, staging, placement, aisles, staged: AtomicU64::new(0) })
    }

    /// An empty file in staging.
    pub(super) fn stage(&self) -> io::Result<Staged> {
        // The directory is ours and was emptied at the start: a number is name enough.
        let path = self.staging.join(self.staged.fetch_add(1, Ordering::Relaxed).to_string());
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(Staged { path, file })
    }

    /// Whether the name is taken; durably, if so.
    pub(super) fn holds(&self, key: &Key) -> io::Result<bool> {
        let path = self.path(key);
        if !path.try_exists()? {
            return Ok(false);
        }
        let mut aisle = self.aisle(key);
        match self.confirm(&mut aisle, &path) {
            // Deleted in between.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            confirmed => confirmed.map(|()| path.exists()),
        }
    }

    /// Gives a staged file its name, unless that is taken.
    pub(super) fn place(&self, staged: &Staged, key: &Key) -> io::Result<Written> {
        staged.file.sync_all()?;
        self.name(key, |target| match self.placement {
            Placement::Link => fs::hard_link(&staged.path, target),
            Placement::Rename => rename_if_absent(&staged.path, target),
        })
    }

    /// Gives an object's bytes another name too, unless that is taken.
    pub(super) fn copy(&self, from: &Key, to: &Key) -> io::Result<Written> {
        let from = self.path(from);
        match self.placement {
            // Objects are never changed, so two names may share one file.
            Placement::Link => {
                File::open(&from)?;
                self.name(to, |target| fs::hard_link(&from, target))
            }
            Placement::Rename => {
                let mut source = File::open(&from)?;
                let mut staged = self.stage()?;
                io::copy(&mut source, &mut staged.file)?;
                self.place(&staged, to)
            }
        }
    }

    /// Takes a name away, and directories that nothing is left in. Durable like a write: what was
    /// erased must not come back with the power.
    pub(super) fn remove(&self, key: &Key) -> io::Result<()> {
        let path = self.path(key);
        let mut aisle = self.aisle(key);
        unless_absent(fs::remove_file(&path))?;
        unless_absent(path.parent().map_or(Ok(()), disk::sync_directory))?;
        for directory in self.directories_of(&path) {
            // A directory that is not empty stays. One that is removed needs no fsync: if the
            // power brings it back, it is empty.
            if fs::remove_dir(&directory).is_err() {
                break;
            }
            aisle.remove(&directory);
        }
        Ok(())
    }

    /// The first keys of a folder that come behind a path, in the order of their paths. What is not
    /// of our layout was put there by somebody else, and is left alone.
    pub(super) fn list(
        &self,
        folder: &str,
        after: Option<&str>,
        limit: usize,
    ) -> io::Result<Vec<Key>> {
        let mut first = BTreeMap::new();
        let mut folders = vec![folder.trim_end_matches('/').to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(self.objects.join(&folder)) {
                // Nothing was ever written there, or the last of it was just deleted.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = format!("{folder}/{name}");
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                    continue;
                }
                // Names come in the disk's order: of all, the first of the page are kept.
                let wanted = after.is_none_or(|after| path.as_str() > after)
                    && (first.len() < limit
                        || first.last_key_value().is_some_and(|(last, _)| path < *last));
                let Some(key) = wanted.then(|| Key::parse(&path).ok()).flatten() else { continue };
                first.insert(path, key);
                if first.len() > limit {
                    first.pop_last();
                }
            }
        }
        Ok(first.into_values().collect())
    }

    /// Runs `give` on a key's path, whose directories are there and durable, and makes the new
    /// entry durable too.
    fn name(&self, key: &Key, give: impl Fn(&Path) -> io::Result<()>) -> io::Result<Written> {
        let path = self.path(key);
        let mut aisle = self.aisle(key);
        self.make_directories(&mut aisle, &path)?;
        let given = match give(&path) {
            // Somebody cleared the directory away by hand: what is remembered is not so.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                aisle.clear();
                self.make_directories(&mut aisle, &path)?;
                give(&path)
            }
            given => given,
        };
        match given {
            Ok(()) => {}
            // It may be a killed process that wrote it and did not come to the fsync.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return self.confirm(&mut aisle, &path).map(|()| Written::Exists);
            }
            Err(error) => return Err(error),
        }
        if let Err(error) = self.confirm(&mut aisle, &path) {
            // A failed fsync may not be repeated on what it failed on: the kernel reports it once
            // and forgets. So the name goes, and the next try starts anew.
            aisle.clear();
            fs::remove_file(&path).ok();
            return Err(error);
        }
        Ok(Written::Created)
    }

    fn confirm(&self, aisle: &mut HashSet<PathBuf>, path: &Path) -> io::Result<()> {
        self.make_directories(aisle, path)?;
        path.parent().map_or(Ok(()), disk::sync_directory)
    }

    /// Makes what is missing above a path. A directory that is there already is taken for durable
    /// only if this process made it so.
    fn make_directories(&self, aisle: &mut HashSet<PathBuf>, path: &Path) -> io::Result<()> {
        let mut missing: Vec<_> = self
            .directories_of(path)
            .into_iter()
            .filter(|directory| !aisle.contains(directory))
            .collect();
        while let Some(directory) = missing.pop() {
            match fs::create_dir(&directory) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => made?,
            }
            directory.parent().map_or(Ok(()), disk::sync_directory)?;
            if aisle.len() >= REMEMBERED {
                aisle.clear();
            }
            aisle.insert(directory);
        }
        Ok(())
    }

    /// The directories between a path and its folder of the layout, the nearest first.
    fn directories_of(&self, path: &Path) -> Vec<PathBuf> {
        let above = path.ancestors().skip(1);
        above.take_while(|up| up.parent() != Some(&self.objects)).map(Path::to_owned).collect()
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.objects.join(key.path())
    }

    /// Ids end in random bits, or in those of a digest.
    fn aisle(&self, key: &Key) -> MutexGuard<'_, HashSet<PathBuf>> {
        let number = key.image().map_or(0, |image| usize::from(image.as_bytes()[15]) % AISLES);
        // A directory is remembered only after its fsync, so what a panic left behind is true.
        self.aisles[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Staged {
    /// Adds bytes at the end.
    pub(super) fn append(&mut self, bytes: &Bytes) -> io::Result<()> {
        self.file.write_all(bytes)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Where it cannot be removed, the next start does it.
        fs::remove_file(&self.path).ok();
    }
}

impl Placement {
    /// Finds out how the file system under these two directories can do it, by doing it.
    pub fn probe(objects: &Path, staging: &Path) -> io::Result<Self> {
        let (from, to) = (staging.join("probe"), objects.join(".probe"));
        unless_absent(fs::remove_file(&to))?;
        File::create(&from)?.sync_all()?;
        let placement = match fs::hard_link(&from, &to) {
            Ok(()) => fs::remove_file(&from).map(|()| Self::Link),
            // `EPERM` is what Linux says of file systems without hard links.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied
                        | ErrorKind::Unsupported
                        | ErrorKind::CrossesDevices
                ) =>
            {
                fs::rename(&from, &to).map(|()| Self::Rename)
            }
            Err(error) => Err(error),
        }?;
        disk::sync_directory(objects)?;
        fs::remove_file(&to)?;
        Ok(placement)
    }
}

/// Not atomic by itself: see [`Placement::Rename`].
fn rename_if_absent(from: &Path, to: &Path) -> io::Result<()> {
    if to.try_exists()? {
        return Err(ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

fn unless_absent(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
