//! The form of the database, and how an older one becomes the present one.
//!
//! A step that was released is never changed; a new form is a new step at the end.

use std::path::Path;

use rusqlite::Connection;

use super::{DatabaseError, name, unopenable};

/// The version of the schema that this Darkroom writes.
pub const SCHEMA_VERSION: i64 = STEPS[STEPS.len() - 1].0;

/// `Dark`, in `SQLite`'s field for whose file it is.
const APPLICATION: i64 = 0x4461_726b;

/// Moments are microseconds since 1970. What decides is in `body`, as JSON; the columns beside it
/// are copies of what is searched by. Counts are kept by triggers, so that no statement can forget.
const STEPS: &[(i64, &str)] = &[(1, FIRST), (2, HOUSEKEEPING), (3, REMOVALS)];

const FIRST: &str = "
CREATE TABLE image (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    status     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER,
    version    INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX image_by_age ON image (created_at, id);
CREATE INDEX image_by_status ON image (status, created_at, id);
CREATE INDEX image_by_tenant ON image (tenant, created_at, id);
CREATE INDEX image_by_tenant_and_status ON image (tenant, status, created_at, id);
CREATE INDEX image_by_due ON image (status, due_at, id) WHERE due_at IS NOT NULL;

CREATE TABLE request (
    tenant  TEXT NOT NULL,
    key     TEXT NOT NULL,
    request BLOB NOT NULL,
    image   TEXT NOT NULL REFERENCES image (id),
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_by_image ON request (image);

CREATE TABLE message (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    stage      TEXT NOT NULL,
    visible_at INTEGER NOT NULL,
    receives   INTEGER NOT NULL DEFAULT 0,
    lent       INTEGER NOT NULL DEFAULT 0,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX message_by_stage ON message (stage, visible_at, id);
CREATE INDEX message_lent ON message (id) WHERE lent = 1;

CREATE TABLE letter (
    id        TEXT PRIMARY KEY,
    buried_at INTEGER NOT NULL,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX letter_by_age ON letter (buried_at, id);

CREATE TABLE api_key (
    id         TEXT PRIMARY KEY,
    secret     BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;

CREATE TABLE tally (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER image_added AFTER INSERT ON image BEGIN
    INSERT INTO tally VALUES ('image', new.status, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER image_moved AFTER UPDATE OF status ON image WHEN old.status <> new.status BEGIN
    UPDATE tally SET n = n - 1 WHERE kind = 'image' AND name = old.status;
    INSERT INTO tally VALUES ('image', new.status, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
    INSERT INTO tally VALUES ('message', new.stage, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER message_moved AFTER UPDATE OF stage ON message WHEN old.stage <> new.stage BEGIN
    UPDATE tally SET n = n - 1 WHERE kind = 'message' AND name = old.stage;
    INSERT INTO tally VALUES ('message', new.stage, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    UPDATE tally SET n = n - 1 WHERE kind = 'message' AND name = old.stage;
END;
CREATE TRIGGER letter_added AFTER INSERT ON letter BEGIN
    INSERT INTO tally VALUES ('letter', '', 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER letter_removed AFTER DELETE ON letter BEGIN
    UPDATE tally SET n = n - 1 WHERE kind = 'letter' AND name = '';
END;
";

/// What is kept for a time has that time, and a sweep is found without looking through the messages.
const HOUSEKEEPING: &str = "
ALTER TABLE request ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
UPDATE request SET created_at =
    (SELECT image.created_at FROM image WHERE image.id = request.image);
CREATE INDEX request_by_age ON request (created_at);
CREATE TRIGGER image_removed AFTER DELETE ON image BEGIN
    UPDATE tally SET n = n - 1 WHERE kind = 'image' AND name = old.status;
END;

ALTER TABLE message ADD COLUMN name TEXT NOT NULL DEFAULT '';
UPDATE message SET name = 'sweep' WHERE body LIKE '{\"message\":\"sweep\"%';
CREATE INDEX message_sweep ON message (stage) WHERE name = 'sweep';
";

/// An erased image is due until its removal is written down. Those of old say nothing of theirs, and
/// some of them were never carried to their end.
const REMOVALS: &str = "
UPDATE image SET due_at = created_at WHERE status = 'erased';
";

/// Brings the database to the present form, or says why it is not ours to change.
pub(super) fn migrate(connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let unopenable = |source| unopenable(path, source);
    // Looked at before anything is set: a database that is not ours stays as it is.
    let found = version(connection, path)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(unopenable)?;
    if mode != "wal" {
        return Err(DatabaseError::NoLog { path: name(path), mode });
    }
    for (number, step) in STEPS.iter().filter(|(number, _)| *number > found) {
        // One transaction a step: a crash leaves a version that is whole.
        connection
            .execute_batch(&format!(
                "BEGIN EXCLUSIVE; {step}; PRAGMA application_id = {APPLICATION}; \
                 PRAGMA user_version = {number}; COMMIT;"
            ))
            .map_err(unopenable)?;
    }
    Ok(())
}

/// Whether the database has the present form.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let found = version(connection, path)?;
    if found < SCHEMA_VERSION {
        return Err(DatabaseError::Older { path: name(path), found, known: SCHEMA_VERSION });
    }
    Ok(())
}

/// The version that it has; 0 for an empty one.
fn version(connection: &Connection, path: &Path) -> Result<i64, DatabaseError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|source| unopenable(path, source))
    };
    let found = number("PRAGMA user_version")?;
    let application = number("PRAGMA application_id")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if application != APPLICATION && (application, found, tables) != (0, 0, 0) {
        return Err(DatabaseError::Foreign { path: name(path) });
    }
    if found > SCHEMA_VERSION {
        return Err(DatabaseError::Newer { path: name(path), found, known: SCHEMA_VERSION });
    }
    Ok(found)
}
