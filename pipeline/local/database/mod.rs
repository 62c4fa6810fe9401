//! Catalog, queue, dead letters and API keys in one durable file.
//!
//! One thread writes. It takes all changes that wait, runs each in its own savepoint, and commits
//! them with one fsync before it answers any of them: so what was answered survives a power cut,
//! and callers that come together share its cost. Readers have connections of their own, which
//! `SQLite`'s write-ahead log keeps out of the writer's way.

mod catalog;
mod counts;
mod due;
mod housekeeping;
mod keyring;
mod queue;
mod readers;
mod schema;
pub mod statements;
mod trouble;
mod writer;

use std::{fs, path::Path, sync::Arc, time::Duration};

use domain::{Clock, StoreError};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

pub use self::{
    counts::{Counts, QueueCount},
    housekeeping::{EXPIRED_KEPT, Purged, REQUESTS_KEPT},
    schema::SCHEMA_VERSION,
};
use self::{readers::Readers, trouble::Trouble, writer::Writer};
use crate::disk;

/// How long a change waits for another process (`darkroom keys`) that is writing.
const PATIENCE: Duration = Duration::from_secs(5);

/// Statements that stay compiled: more than there are.
const COMPILED: usize = 64;

/// Bytes that the write-ahead log keeps on disk after it was emptied.
const LOG_KEPT: u32 = 16 << 20;

/// [`Catalog`](domain::Catalog), [`Queue`](domain::Queue), [`Outbox`](domain::Outbox),
/// [`DeadLetters`](domain::DeadLetters) and [`Keyring`](domain::Keyring) in one `SQLite` file.
pub struct Database {
    writer: Writer,
    readers: Readers,
    clock: Arc<dyn Clock>,
    sent: watch::Sender<u64>,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file is something else.
    #[error("{path} is not a SQLite database: restore it from a backup, or move it away")]
    NotADatabase {
        /// The file.
        path: String,
    },
    /// The file is another program's.
    #[error("{path} is a SQLite database of another program: give a data directory of Darkroom")]
    Foreign {
        /// The file.
        path: String,
    },
    /// A later Darkroom wrote it.
    #[error(
        "{path} has schema version {found}, and this Darkroom knows versions up to {known}: use the newer Darkroom"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// The latest that we know.
        known: i64,
    },
    /// A server has to bring it up to date first, since another may be running on it as it is.
    #[error(
        "{path} has schema version {found}, and this Darkroom writes {known}: start `darkroom serve` once with this version"
    )]
    Older {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// The one that we need.
        known: i64,
    },
    /// `SQLite` could not open it.
    #[error("the database {path} cannot be opened: {source}")]
    Unopenable {
        /// The file.
        path: String,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// The file system lacks what the write-ahead log needs.
    #[error(
        "the database {path} cannot use a write-ahead log (SQLite chose {mode:?}): put the data directory on a local file system"
    )]
    NoLog {
        /// The file.
        path: String,
        /// What `SQLite` uses instead.
        mode: String,
    },
    /// The system did not let us go on.
    #[error("the database {path}: {source}")]
    System {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Database {
    /// Opens the database of a data directory that is ours alone, creates it where it is absent,
    /// and brings an older one up to date.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, DatabaseError> {
        let connection =
            connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        schema::migrate(&connection, path)?;
        // SQLite makes the entry of its log durable, but not that of the database.
        let directory = disk::parent(path).map_or(Ok(()), disk::sync_directory);
        directory.map_err(|source| DatabaseError::System { path: name(path), source })?;
        Self::start(path, connection, clock)
    }

    /// Opens a database that a server may be using; changes nothing about its form.
    pub fn visit(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, DatabaseError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::check(&connection, path)?;
        Self::start(path, connection, clock)
    }

    /// Lets every change that was handed over be committed, and takes no more.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// Counts messages that were sent or given back: whoever waits for one of these to change need
    /// not ask the queue again and again. A message that is held back until a later time does not
    /// announce itself when the time has come.
    pub fn sent(&self) -> watch::Receiver<u64> {
        self.sent.subscribe()
    }

    /// How much there is of everything.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let now = floor(self.clock.now());
        self.readers.read(move |connection| counts::take(connection, now)).await
    }

    fn start(
        path: &Path,
        connection: Connection,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DatabaseError> {
        let readers = Readers::open(|| {
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            let guarded = connection.pragma_update(None, "query_only", true);
            guarded.map_err(|source| unopenable(path, source))?;
            Ok(connection)
        })?;
        let (sent, _) = watch::channel(0);
        let writer = Writer::start(connection, sent.clone())
            .map_err(|source| DatabaseError::System { path: name(path), source })?;
        Ok(Self { writer, readers, clock, sent })
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, DatabaseError> {
    if fs::metadata(path).is_ok_and(|meta| meta.is_dir()) {
        return Err(DatabaseError::NotADatabase { path: name(path) });
    }
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|source| unopenable(path, source))?;
    let prepared = || {
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(COMPILED);
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", LOG_KEPT)
    };
    prepared().map_err(|source| unopenable(path, source))?;
    Ok(connection)
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn unopenable(path: &Path, source: rusqlite::Error) -> DatabaseError {
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => DatabaseError::NotADatabase { path: name(path) },
        _ => DatabaseError::Unopenable { path: name(path), source },
    }
}

/// A moment as it stands in columns: microseconds since 1970.
fn floor(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

/// The same for a moment before which something must not happen: never earlier than it.
fn ceil(moment: Timestamp) -> i64 {
    let micros = moment.as_microsecond();
    let exact = Timestamp::from_microsecond(micros).is_ok_and(|floor| floor >= moment);
    if exact { micros } else { micros + 1 }
}

/// A row's place in an ordered list, as cursors have it.
struct Place {
    micros: i64,
    id: String,
}

impl Place {
    /// Before every row: ids are not empty.
    fn first() -> Self {
        Self { micros: i64::MIN, id: String::new() }
    }

    fn write(&self) -> String {
        format!("{}~{}", self.micros, self.id)
    }

    fn read(cursor: &str) -> Result<Self, StoreError> {
        let place = cursor.split_once('~').and_then(|(micros, id)| {
            Some(Self { micros: micros.parse().ok()?, id: id.to_owned() })
        });
        place.ok_or_else(|| {
            StoreError::Refused(format!(
                "{cursor:?} is not a cursor of this list: pass on the one that came with a page"
            ))
        })
    }
}

/// A page from rows of which one more than the page holds was asked for.
fn page<T>(mut rows: Vec<(Place, T)>, limit: usize) -> domain::query::Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(place, _)| place.write());
    domain::query::Page { items: rows.into_iter().map(|(_, item)| item).collect(), next }
}

/// How many rows to ask for: a page of at least one, and one more to see whether there is another.
fn asked(limit: usize) -> (usize, i64) {
    let limit = limit.max(1);
    (limit, i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
}
