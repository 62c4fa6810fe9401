//! The homes that keep the contract: memory, and the adapters of one machine.

use std::{any::Any, path::PathBuf, process::Command, sync::Arc};

use async_trait::async_trait;
use domain::{
    Clock,
    contract::{Adapters, Subject},
    memory::{ManualClock, MemoryCatalog, MemoryKeyring, MemoryObjects, MemoryQueue},
    parts::PartObjects,
    signing::Signer,
};
use local::{
    data_directory::DataDirectory,
    database::Database,
    objects::{LocalObjects, Placement},
};
use tempfile::TempDir;

/// The reference adapters.
pub(super) struct Memory;

#[async_trait]
impl Subject for Memory {
    async fn fresh(&self) -> Adapters {
        memory()
    }
}

/// Reference adapters that hold nothing yet.
pub(super) fn memory() -> Adapters {
    const ROOM: u64 = 2 << 20;
    let clock = clock();
    let signer = Signer::new("secret", "http://localhost:8080");
    let queue = Arc::new(MemoryQueue::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let objects = Arc::new(MemoryObjects::new(signer).with_room(ROOM));
    Adapters {
        parts: Arc::new(PartObjects::new(objects.clone())),
        objects,
        part_least: 1000,
        catalog: Arc::new(MemoryCatalog::new()),
        queue: queue.clone(),
        letters: queue,
        keyring: Arc::new(MemoryKeyring::new()),
        clock,
        room: Some(ROOM),
        restart: None,
        keep: None,
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-08-01T12:00:00Z".parse().unwrap()))
}

/// The adapters of one machine, in a directory of their own under `parent`.
pub(super) struct Embedded {
    pub(super) parent: PathBuf,
    /// How objects are put in place; found out where none is given.
    pub(super) placement: Option<Placement>,
    pub(super) room: Option<u64>,
}

#[async_trait]
impl Subject for Embedded {
    async fn fresh(&self) -> Adapters {
        let directory = TempDir::with_prefix_in("contract-", &self.parent).unwrap();
        start(Arc::new(directory), self.placement, self.room, clock())
    }
}

/// Starts the home in a directory; its restart starts it there again, on the same clock.
fn start(
    directory: Arc<TempDir>,
    placement: Option<Placement>,
    room: Option<u64>,
    clock: Arc<ManualClock>,
) -> Adapters {
    let data = DataDirectory::open(&directory.path().join("data")).unwrap();
    let signer = Signer::new(*data.secret(), "http://localhost:8080");
    let objects = match placement {
        Some(placement) => LocalObjects::open_as(&data, placement, signer),
        None => LocalObjects::open(&data, signer),
    };
    let shared = Arc::clone(&clock) as Arc<dyn Clock>;
    let database = Arc::new(Database::open(&data.database_path(), shared).unwrap());
    let keep: Box<dyn Any + Send + Sync> = Box::new((data, Arc::clone(&directory)));
    let same_clock = Arc::clone(&clock);
    let objects = Arc::new(objects.unwrap());
    Adapters {
        parts: Arc::new(PartObjects::new(objects.clone())),
        objects,
        part_least: 1000,
        catalog: database.clone(),
        queue: database.clone(),
        letters: database.clone(),
        keyring: database,
        clock,
        room,
        restart: Some(Box::new(move || {
            Box::pin(async move { start(directory, placement, room, same_clock) })
        })),
        keep: Some(keep),
    }
}

/// A disk of a few megabytes, of this process alone.
pub(super) struct SmallDisk(TempDir);

impl SmallDisk {
    /// Bytes on it.
    pub(super) const SIZE: u64 = 24 << 20;

    /// None where this process may not mount.
    pub(super) fn mount() -> Option<Self> {
        let point = TempDir::with_prefix("small-disk-").unwrap();
        let size = format!("size={}", Self::SIZE);
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(point.path())
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self(point))
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since threads of a database that was just dropped may hold it for a moment.
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.0.path().display());
        }
    }
}
