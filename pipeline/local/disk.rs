//! What the disk is asked for by more than one part: entries that survive a power cut, and one
//! reading of the disk's errors.

use std::{
    fmt, fs,
    io::{self, ErrorKind, Write},
    path::Path,
    time::Duration,
};

use domain::StoreError;

/// How every part says that the disk is full, so that people and alarms look for one phrase.
pub(crate) const FULL: &str = "the disk is full";

/// Makes the entries of a directory survive a power cut: fsync of a file keeps its bytes, and only
/// fsync of the directory keeps its name.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// The directory above; that of `a` is where we are.
pub(crate) fn parent(path: &Path) -> Option<&Path> {
    path.parent().map(|up| if up.as_os_str().is_empty() { Path::new(".") } else { up })
}

/// Creates a directory and what is missing above it, each entry durable before the answer.
/// `make` creates one level, so that the caller decides on its permissions.
pub(crate) fn create_directories(
    directory: &Path,
    make: &impl Fn(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let parent = parent(directory);
    if let Some(parent) = parent
        && !parent.exists()
    {
        create_directories(parent, make)?;
    }
    match make(directory) {
        // Whoever created it answers for its entry; we may not even be allowed to read its parent.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        made => made.and_then(|()| parent.map_or(Ok(()), sync_directory)),
    }
}

/// Creates a small file whole or not at all: what is found under its name after a crash has all of
/// the bytes. It is readable by its owner only, since one such file is a secret.
pub(crate) fn create_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// The disk's error as a store's answer: the one place where they are told apart.
pub(crate) fn answer(error: &io::Error, subject: &dyn fmt::Display) -> StoreError {
    match error.kind() {
        ErrorKind::NotFound => StoreError::Missing(subject.to_string()),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            StoreError::Full(format!("{FULL}: {subject} was not written ({error})"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::Refused(format!("{subject}: {error}"))
        }
        ErrorKind::Interrupted | ErrorKind::ResourceBusy | ErrorKind::OutOfMemory => {
            busy(error, subject)
        }
        _ if is_out_of_handles(error) => busy(error, subject),
        _ => StoreError::Broken(format!("{subject}: {error}")),
    }
}

fn busy(error: &io::Error, subject: &dyn fmt::Display) -> StoreError {
    StoreError::Busy { retry_after: Duration::from_secs(1), reason: format!("{subject}: {error}") }
}

/// `ENFILE` and `EMFILE`, 23 and 24 on every Unix; the standard library has no kind for them.
fn is_out_of_handles(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}
