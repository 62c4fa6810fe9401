//! What goes wrong in the database, and what it means to a caller.

use std::time::Duration;

use domain::StoreError;
use rusqlite::ErrorCode;

use crate::disk;

/// Anything that can stop a statement.
#[derive(Debug)]
pub(super) enum Trouble {
    /// `SQLite`'s own.
    Sqlite(rusqlite::Error),
    /// What is stored is not what was stored.
    Json(serde_json::Error),
    /// An answer already.
    Answer(StoreError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Answer(error)
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        let error = match trouble {
            Trouble::Answer(answer) => return answer,
            Trouble::Json(error) => {
                return Self::Broken(format!("the database holds what is not ours: {error}"));
            }
            Trouble::Sqlite(error) => error,
        };
        let busy = |retry_after, reason| Self::Busy { retry_after, reason };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                Self::Full(format!("{}: the database was not changed ({error})", disk::FULL))
            }
            // Also what a full disk looks like where SQLite has to extend its shared index.
            Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => busy(
                Duration::from_secs(5),
                format!("the database could not be read or written: {error}"),
            ),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OperationInterrupted,
            ) => busy(
                Duration::from_millis(200),
                format!("another process uses the database: {error}"),
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::Refused(format!("the database may not be changed: {error}"))
            }
            _ => Self::Broken(format!("the database: {error}")),
        }
    }
}
