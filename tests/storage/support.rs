//! Things to store, and places to store them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use domain::{
    Image, ImageId, Key, Message, Revision, Sha256, StoreError, Tenant, Visibility,
    image::Announced, memory::ManualClock, message::Body, signing::Signer,
};
use jiff::Timestamp;
use local::{
    data_directory::DataDirectory,
    database::Database,
    objects::{LocalObjects, Placement},
};
use tempfile::TempDir;

use crate::report::{self, Lack};

pub(super) const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

pub(super) fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

pub(super) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(NOW))
}

pub(super) fn database(directory: &Path) -> Database {
    Database::open(&directory.join("darkroom.db"), clock()).expect("a database")
}

/// Objects in a data directory of their own, created in one of the two ways.
pub(super) fn objects(placement: Placement) -> (LocalObjects, DataDirectory, TempDir) {
    let root = temporary();
    let directory = DataDirectory::open(&root.path().join("data")).expect("a data directory");
    let objects = LocalObjects::open_as(&directory, placement, signer()).expect("objects");
    (objects, directory, root)
}

pub(super) fn signer() -> Signer {
    Signer::new(*b"a secret", "http://127.0.0.1:8080")
}

pub(super) fn id(number: u16) -> ImageId {
    let mut random = [7; 10];
    random[8..].copy_from_slice(&number.to_be_bytes());
    ImageId::mint(1_790_000_000_000 + u64::from(number), &random)
}

pub(super) fn variant(number: u16, file: &str) -> Key {
    Key::Variant {
        image: id(number),
        revision: Revision::short(Sha256::of(file.as_bytes())),
        file: file.to_owned(),
        visibility: Visibility::Public,
    }
}

pub(super) fn pending(number: u16) -> Image {
    let announced = Announced {
        content_length: 9,
        content_type: "image/png".to_owned(),
        checksum_sha256: None,
    };
    let expires_at = NOW + jiff::SignedDuration::from_hours(1);
    Image::pending(id(number), Tenant::local(), announced, NOW, expires_at)
}

pub(super) fn accepted(number: u16) -> Message {
    Body::Accepted { image: id(number) }.into()
}

/// The names of everything below a directory that is not a directory.
pub(super) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

pub(super) fn assert_says_full(error: &StoreError) {
    match error {
        StoreError::Full(reason) => assert!(reason.contains("the disk is full"), "{reason}"),
        other => panic!("a full disk is said to be full, not {other:?}"),
    }
}

/// A small file system in memory.
pub(crate) struct Mount(TempDir);

impl Mount {
    /// Mounts it, or says plainly that the test that needs it was not run.
    pub(crate) fn tmpfs(options: &str, test: &str) -> Option<Self> {
        let directory = temporary();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "darkroom-test"])
            .arg(directory.path())
            .output();
        let reason = match mounted {
            Ok(output) if output.status.success() => return Some(Self(directory)),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let what = format!("tmpfs cannot be mounted here ({reason})");
        report::not_run(test, Lack::Machine(&what, "run it as root on Linux"));
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a file of the test may still be open.
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}
