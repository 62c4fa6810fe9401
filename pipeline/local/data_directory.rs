//! The one directory in which the embedded home keeps everything.
//!
//! ```text
//! VERSION        what this directory is, and the version of its layout
//! darkroom.lock  held by the server that owns the directory; its process id
//! darkroom.db    catalog, queue, dead letters and API keys (`SQLite`)
//! secret         32 random bytes: signs URLs, names adopted objects
//! objects/       uploads and everything made of them
//! staging/       what is being written; emptied at every start
//! ```

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::disk;

/// The version of the layout above. The database has its own.
pub const LAYOUT_VERSION: u32 = 1;

const MARKER: &str = "VERSION";
const MARKER_WORD: &str = "darkroom";
const LOCK: &str = "darkroom.lock";
const DATABASE: &str = "darkroom.db";
const SECRET: &str = "secret";
const OBJECTS: &str = "objects";
const STAGING: &str = "staging";

/// A data directory that is ours alone for as long as this value lives.
#[derive(Debug)]
pub struct DataDirectory {
    root: PathBuf,
    secret: Secret,
    /// The kernel releases it with the file, also when the process is killed.
    _lock: File,
}

/// A data directory that a server may own at the same time: only its database may be opened, which
/// allows for several processes.
#[derive(Debug)]
pub struct Visit {
    root: PathBuf,
}

/// Bytes that stay out of logs.
struct Secret([u8; 32]);

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirectoryError {
    /// Another server works on it.
    #[error(
        "the data directory {} is in use by another server{}: stop that one, or give this one another directory by --data",
        path.display(),
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The server's process, where it could be read.
        pid: Option<u32>,
    },
    /// It has other contents than ours.
    #[error(
        "{} is not a data directory of Darkroom: it has no {MARKER} file of ours and is not empty (there is {found:?}). Give an empty directory, or one that does not exist yet, by --data",
        path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Something that stands in it.
        found: String,
    },
    /// A later Darkroom wrote it.
    #[error(
        "the data directory {} has layout version {found}, and this Darkroom knows versions up to {known}: use the newer Darkroom",
        path.display()
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The latest that we know.
        known: u32,
    },
    /// We may not write to it.
    #[error(
        "the data directory {} cannot be written to ({source}): give this user the right to, or another directory by --data",
        path.display()
    )]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is none, and this use does not create one.
    #[error("there is no data directory {}: start `darkroom serve` once, or give the right one by --data", path.display())]
    Absent {
        /// The directory.
        path: PathBuf,
    },
    /// The secret is not one of ours.
    #[error(
        "{} should have 32 bytes and has {length}: restore it from a backup, or remove it; without it, the URLs that it signed end",
        path.display()
    )]
    DamagedSecret {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        length: usize,
    },
    /// Objects cannot be moved into place.
    #[error("{}: staging/ and objects/ have to be on one file system: move them together", path.display())]
    TwoFileSystems {
        /// The directory.
        path: PathBuf,
    },
    /// The disk failed otherwise.
    #[error("{}: {source}", path.display())]
    Disk {
        /// What was being read or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DataDirectory {
    /// Takes the directory, creating it where it is absent. What it answers with is durable.
    pub fn open(path: &Path) -> Result<Self, DataDirectoryError> {
        let disk = |source| refusal(path, source);
        disk::create_directories(path, &make_private).map_err(disk)?;
        // Looked at before anything is written: a foreign directory stays as it is.
        check_marker(path)?;
        let lock = lock(path)?;
        if check_marker(path)?.is_none() {
            // A first start that was killed may have created the directory and no more. Where its
            // parent is closed to us, it was not we who created it.
            match disk::parent(path).map_or(Ok(()), disk::sync_directory) {
                Err(error) if error.kind() != ErrorKind::PermissionDenied => {
                    return Err(disk(error));
                }
                _ => {}
            }
            let text = format!("{MARKER_WORD} {LAYOUT_VERSION}\n");
            disk::create_file(&path.join(MARKER), text.as_bytes()).map_err(disk)?;
        }
        for folder in [OBJECTS, STAGING] {
            disk::create_directories(&path.join(folder), &make_private).map_err(disk)?;
        }
        let secret = secret(&path.join(SECRET))?;
        disk::sync_directory(path).map_err(disk)?;
        Ok(Self { root: path.to_owned(), secret, _lock: lock })
    }

    /// Looks at a directory that a server may own. Creates nothing.
    pub fn visit(path: &Path) -> Result<Visit, DataDirectoryError> {
        let absent = || DataDirectoryError::Absent { path: path.to_owned() };
        if !path.is_dir() {
            return Err(absent());
        }
        check_marker(path)?.ok_or_else(absent)?;
        Ok(Visit { root: path.to_owned() })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where objects are.
    pub fn objects_root(&self) -> PathBuf {
        self.root.join(OBJECTS)
    }

    /// Where objects are while they are being written.
    pub fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    /// The database's file.
    pub fn database_path(&self) -> PathBuf {
        self.root.join(DATABASE)
    }

    /// What this home signs with: the same at every start.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret.0
    }
}

impl Visit {
    /// The database's file.
    pub fn database_path(&self) -> PathBuf {
        self.root.join(DATABASE)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The layout's version; none in a directory that is empty, or where the very first start was cut
/// off before the marker, which is the first thing that it writes.
fn check_marker(path: &Path) -> Result<Option<u32>, DataDirectoryError> {
    let marker = path.join(MARKER);
    let text = match fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return check_empty(path).map(|()| None);
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => String::new(),
        Err(source) => return Err(DataDirectoryError::Disk { path: marker, source }),
    };
    let version =
        text.trim_end().strip_prefix(MARKER_WORD).and_then(|rest| rest.trim().parse().ok());
    match version {
        Some(found) if found > LAYOUT_VERSION => {
            Err(DataDirectoryError::Newer { path: path.to_owned(), found, known: LAYOUT_VERSION })
        }
        Some(version) => Ok(Some(version)),
        None => {
            Err(DataDirectoryError::Foreign { path: path.to_owned(), found: MARKER.to_owned() })
        }
    }
}

fn check_empty(path: &Path) -> Result<(), DataDirectoryError> {
    // A fresh ext4 volume has `lost+found`.
    const HARMLESS: [&str; 3] = [LOCK, "VERSION.new", "lost+found"];
    for entry in fs::read_dir(path).map_err(|source| refusal(path, source))? {
        let name = entry.map_err(|source| refusal(path, source))?.file_name();
        if !HARMLESS.iter().any(|harmless| name == *harmless) {
            let found = name.to_string_lossy().into_owned();
            return Err(DataDirectoryError::Foreign { path: path.to_owned(), found });
        }
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, DataDirectoryError> {
    let disk = |source| refusal(path, source);
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join(LOCK))
        .map_err(disk)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(DataDirectoryError::Locked { path: path.to_owned(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(disk(source)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(disk)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(disk)?;
    Ok(file)
}

fn secret(path: &Path) -> Result<Secret, DataDirectoryError> {
    let disk = |source| DataDirectoryError::Disk { path: path.to_owned(), source };
    match fs::read(path) {
        Ok(bytes) => <[u8; 32]>::try_from(bytes).map(Secret).map_err(|bytes| {
            DataDirectoryError::DamagedSecret { path: path.to_owned(), length: bytes.len() }
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes)
                .map_err(|error| disk(io::Error::other(error.to_string())))?;
            disk::create_file(path, &bytes).map_err(|source| refusal(path, source))?;
            Ok(Secret(bytes))
        }
        Err(source) => Err(disk(source)),
    }
}

/// Private images are nobody else's business on this machine either.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn refusal(path: &Path, source: io::Error) -> DataDirectoryError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::AlreadyExists => DataDirectoryError::Unwritable { path, source },
        _ => DataDirectoryError::Disk { path, source },
    }
}
