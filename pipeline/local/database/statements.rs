//! Every statement that runs often, as text: what each may look through is part of the promise that
//! ten thousand images are served as fast as a hundred, and a test asks `SQLite` for its plan.

use domain::query::Filter;

/// One image.
pub const IMAGE: &str = "SELECT body FROM image WHERE id = ?1";

/// Adds an image.
pub const ADD_IMAGE: &str = "INSERT INTO image (id, tenant, status, created_at, due_at, version, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Replaces what can change of an image.
pub const CHANGE_IMAGE: &str =
    "UPDATE image SET status = ?2, due_at = ?3, version = ?4, body = ?5 WHERE id = ?1";

/// What came of an upload that was asked for under this key.
pub const REQUEST: &str = "SELECT request, image FROM request WHERE tenant = ?1 AND key = ?2";

/// Remembers what came of it.
pub const ADD_REQUEST: &str =
    "INSERT INTO request (tenant, key, request, image, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";

/// Forgets what came of the oldest requests, so many at a time.
pub const FORGET_REQUESTS: &str = "DELETE FROM request WHERE (tenant, key) IN (SELECT tenant, key \
     FROM request WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)";

/// Forgets what was asked for about an image.
pub const REMOVE_REQUESTS: &str = "DELETE FROM request WHERE image = ?1";

/// Removes an image.
pub const REMOVE_IMAGE: &str = "DELETE FROM image WHERE id = ?1";

/// Images whose upload never came, the oldest first, from behind a place on.
pub const EXPIRED: &str = "SELECT created_at, id, body FROM image INDEXED BY image_by_status \
     WHERE status = 'expired' AND created_at < ?1 AND (created_at, id) > (?2, ?3) \
     ORDER BY created_at, id LIMIT ?4";

/// Images that are due, from behind a place on.
pub const DUE: &str = "SELECT due_at, id FROM image \
     WHERE status = ?1 AND due_at < ?2 AND (due_at, id) > (?3, ?4) ORDER BY due_at, id LIMIT ?5";

macro_rules! search_by {
    ($index:literal, $equal:literal) => {
        concat!(
            "SELECT created_at, id, body FROM image INDEXED BY ",
            $index,
            " WHERE ",
            $equal,
            "created_at >= ?3 AND (created_at, id) < (?4, ?5) \
             ORDER BY created_at DESC, id DESC LIMIT ?6"
        )
    };
}

/// Images that a filter asks for, the newest first: one text for each combination of owner (?1) and
/// state (?2), since each has its own index, which it names: left to itself, `SQLite` looks through
/// all of an owner's images for those in a state. From ?3 on; all that is before the place (?4, ?5),
/// be it the filter's end or the cursor's, so that there is one bound to begin at; ?6 rows.
pub fn search(filter: &Filter) -> &'static str {
    match (&filter.tenant, filter.status) {
        (None, None) => search_by!("image_by_age", ""),
        (Some(_), None) => search_by!("image_by_tenant", "tenant = ?1 AND "),
        (None, Some(_)) => search_by!("image_by_status", "status = ?2 AND "),
        (Some(_), Some(_)) => {
            search_by!("image_by_tenant_and_status", "tenant = ?1 AND status = ?2 AND ")
        }
    }
}

/// Sends a message.
pub const SEND: &str =
    "INSERT INTO message (stage, visible_at, name, body) VALUES (?1, ?2, ?3, ?4)";

/// Whether the sweeper is on its way.
pub const SWEEP: &str = "SELECT 1 FROM message WHERE name = 'sweep' AND stage = ?1";

/// Takes it off its way.
pub const STOP_SWEEP: &str = "DELETE FROM message WHERE name = 'sweep' AND stage = ?1";

/// Messages that can be lent now, those that could be first first.
pub const RECEIVABLE: &str = "SELECT id, receives, body FROM message \
     WHERE stage = ?1 AND visible_at <= ?2 ORDER BY visible_at, id LIMIT ?3";

/// Lends a message.
pub const LEND: &str =
    "UPDATE message SET visible_at = ?2, receives = receives + 1, lent = 1 WHERE id = ?1";

/// Puts a message aside that cannot be read.
pub const PUT_ASIDE: &str = "UPDATE message SET stage = ?2, lent = 0 WHERE id = ?1";

/// Removes a message, unless its loan was overtaken.
pub const ACKNOWLEDGE: &str = "DELETE FROM message WHERE id = ?1 AND receives = ?2 AND lent = 1";

/// Sets anew how long a loan lasts, unless it was overtaken.
pub const HIDE: &str =
    "UPDATE message SET visible_at = ?3 WHERE id = ?1 AND receives = ?2 AND lent = 1";

/// Gives back every loan.
pub const RELEASE: &str =
    "UPDATE message SET visible_at = min(visible_at, ?1), lent = 0 WHERE lent = 1";

/// When the first message that can be lent now first could.
pub const FIRST_VISIBLE: &str = "SELECT visible_at FROM message \
     WHERE stage = ?1 AND visible_at <= ?2 ORDER BY visible_at LIMIT 1";

/// When the first message can be lent, now or later.
pub const NEXT_VISIBLE: &str =
    "SELECT visible_at FROM message WHERE stage = ?1 ORDER BY visible_at LIMIT 1";

/// Buries a message; the newest letter of its name stays.
pub const BURY: &str = "INSERT INTO letter (id, buried_at, body) VALUES (?1, ?2, ?3) \
     ON CONFLICT DO UPDATE SET buried_at = excluded.buried_at, body = excluded.body";

/// Letters from behind a place on, the oldest first.
pub const LETTERS: &str = "SELECT buried_at, id, body FROM letter \
     WHERE (buried_at, id) > (?1, ?2) ORDER BY buried_at, id LIMIT ?3";

/// One letter.
pub const LETTER: &str = "SELECT body FROM letter WHERE id = ?1";

/// Removes a letter, unless it was buried anew since.
pub const DISCARD: &str = "DELETE FROM letter WHERE id = ?1 AND buried_at = ?2";

/// Adds an API key.
pub const ADD_KEY: &str =
    "INSERT INTO api_key (id, secret, created_at, body) VALUES (?1, ?2, ?3, ?4)";

/// All API keys, the oldest first. People look at this, and there are few.
pub const KEYS: &str = "SELECT body FROM api_key ORDER BY created_at, id";

/// An API key by its name.
pub const KEY: &str = "SELECT body FROM api_key WHERE id = ?1";

/// An API key by its secret's digest.
pub const KEY_OF_SECRET: &str = "SELECT body FROM api_key WHERE secret = ?1";

/// Replaces what can change of an API key.
pub const CHANGE_KEY: &str = "UPDATE api_key SET body = ?2 WHERE id = ?1";

/// The counts that are kept: a row for each stage, state and kind, so a few dozen.
pub const TALLY: &str = "SELECT kind, name, n FROM tally";

/// The statements above that run for each request or message, or again and again by themselves.
pub const FREQUENT: [&str; 24] = [
    IMAGE,
    ADD_IMAGE,
    CHANGE_IMAGE,
    REQUEST,
    ADD_REQUEST,
    FORGET_REQUESTS,
    REMOVE_REQUESTS,
    REMOVE_IMAGE,
    EXPIRED,
    DUE,
    SEND,
    SWEEP,
    STOP_SWEEP,
    RECEIVABLE,
    LEND,
    ACKNOWLEDGE,
    HIDE,
    RELEASE,
    FIRST_VISIBLE,
    NEXT_VISIBLE,
    LETTERS,
    LETTER,
    DISCARD,
    KEY_OF_SECRET,
];
