//! An image as an item: what a recorded piece changes stands in attributes of its own, so that one
//! request adds it; all else is one text.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Image, ImageId, PieceId, Status, StoreError, image::Outcome, image::Work};
use jiff::{SignedDuration, Timestamp};

use crate::table::{
    DUE, DUE_KIND, Item, PK, REV, TTL, json, json_of, number, number_of, sort_key, text, text_of,
};

/// The image's state.
pub(super) const STATUS: &str = "status";
/// [`Image::version`].
pub(super) const VERSION: &str = "version";
/// [`Image::touched_at`].
pub(super) const TOUCHED: &str = "touched";
/// [`Work::expected`], a set.
pub(super) const EXPECTED: &str = "expected";
/// [`Work::ended`], a map by piece.
pub(super) const ENDED: &str = "ended";
/// There only while a recorded piece changes more than `ended`: the sweeper nudged the image, or
/// somebody asked for pieces beside its set.
pub(super) const INVOLVED: &str = "involved";
/// The name of the write that wrote it, by which a writer knows its own.
pub(super) const WRITE: &str = "write";
/// All else, as JSON.
const BODY: &str = "body";
/// There where what serves is what ended, which then is written once.
const SERVES_ENDED: &str = "serves_ended";

/// How long a tombstone of an upload that never came is kept behind its expiry.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// An image and the item that it was read from.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) image: Image,
    /// How often the item was written.
    pub(super) rev: u64,
    /// Its place in the index of what is due.
    due: Option<Due>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Due {
    /// State, and how often the image was nudged in it.
    kind: String,
    key: String,
}

pub(super) fn pk(id: ImageId) -> String {
    format!("image#{id}")
}

/// The id of a key of the indexes.
pub(super) fn id_of(item: &Item) -> Result<ImageId, StoreError> {
    let pk = text_of(item, PK)?;
    let id = pk.strip_prefix("image#").and_then(|id| id.parse().ok());
    id.ok_or_else(|| StoreError::Broken(format!("{pk} is no image")))
}

/// The partition of `by_due` that images of a state stand in.
pub(super) fn due_kind(status: Status) -> String {
    format!("image#{}", status.as_str())
}

impl Entry {
    /// Of an image that is not in the table yet.
    pub(super) fn new(image: Image) -> Self {
        Self { image, rev: 0, due: None }
    }

    /// Reads an item.
    pub(super) fn parse(item: &Item) -> Result<Self, StoreError> {
        let mut image: Image = json_of(item, BODY)?;
        image.status = text_of(item, STATUS)?.parse().map_err(StoreError::Broken)?;
        image.version = number_of(item, VERSION)?;
        image.touched_at = moment(text_of(item, TOUCHED)?)?;
        if let Some(expected) = item.get(EXPECTED) {
            let names = expected.as_ss().map_err(|_| unlike(EXPECTED))?;
            image.work.expected = names.iter().map(|name| piece(name)).collect::<Result<_, _>>()?;
        }
        let ended =
            item.get(ENDED).and_then(|ended| ended.as_m().ok()).ok_or_else(|| unlike(ENDED))?;
        for name in ended.keys() {
            image.work.ended.insert(piece(name)?, json_of(ended, name)?);
        }
        if item.contains_key(SERVES_ENDED) {
            image.serving = image.work.ended.clone();
        }
        let due = match (item.get(DUE_KIND), item.get(DUE)) {
            (Some(AttributeValue::S(kind)), Some(AttributeValue::S(key))) => {
                Some(Due { kind: kind.clone(), key: key.clone() })
            }
            _ => None,
        };
        Ok(Self { image, rev: number_of(item, REV)?, due })
    }

    /// The item of the image's next state.
    pub(super) fn follow(&self, next: &Image) -> Result<Item, StoreError> {
        let mut item = Item::from([
            (PK.to_owned(), text(pk(next.id))),
            (REV.to_owned(), number(&(self.rev + 1))),
            (STATUS.to_owned(), text(next.status.as_str())),
            (VERSION.to_owned(), number(&next.version)),
            (TOUCHED.to_owned(), text(next.touched_at.to_string())),
        ]);
        let mut set = |name: &str, value: AttributeValue| drop(item.insert(name.to_owned(), value));
        let mut body = next.clone();
        let Work { expected, ended, .. } = &mut body.work;
        let (expected, ended) = (std::mem::take(expected), std::mem::take(ended));
        if !expected.is_empty() {
            set(EXPECTED, AttributeValue::Ss(expected.iter().map(ToString::to_string).collect()));
        }
        set(ENDED, AttributeValue::M(outcomes(&ended)?));
        // While the set is open, pieces are added to what ended, and not to what serves.
        if next.status != Status::Processing && body.serving == ended && !ended.is_empty() {
            body.serving = BTreeMap::new();
            set(SERVES_ENDED, AttributeValue::Bool(true));
        }
        if next.work.nudges > 0 || !next.requests.is_empty() {
            set(INVOLVED, AttributeValue::Bool(true));
        }
        set(BODY, json(&body)?);
        let (tenant, status) = (next.tenant.as_str(), next.status.as_str());
        set("tenant", text(tenant));
        set("tenant_status", text(format!("{tenant}#{status}")));
        set("created", text(sort_key(next.created_at, next.id)));
        if let Some(source) = &next.source {
            set("tenant_hash", text(format!("{tenant}#{}", source.sha256)));
        }
        if let Some(due) = self.due(next) {
            set(DUE_KIND, text(due.kind));
            set(DUE, text(due.key));
        }
        if next.status == Status::Expired {
            let until = next.expires_at.checked_add(KEPT).unwrap_or(Timestamp::MAX);
            set(TTL, number(&until.as_second()));
        }
        Ok(item)
    }

    /// Its place among what is due. What is being worked on is due later with every sign of life: the
    /// index is told only when it may be due earlier than it says, or was nudged, and whoever reads it
    /// looks at the image.
    fn due(&self, next: &Image) -> Option<Due> {
        let key = sort_key(next.due_at()?, next.id);
        let kind = due_kind(next.status);
        match &self.due {
            Some(before)
                if before.kind == kind
                    && before.key < key
                    && next.work.nudges <= self.image.work.nudges =>
            {
                Some(before.clone())
            }
            _ => Some(Due { kind, key }),
        }
    }
}

/// Outcomes by the names of their pieces.
pub(super) fn outcomes(ended: &BTreeMap<PieceId, Outcome>) -> Result<Item, StoreError> {
    ended.iter().map(|(piece, outcome)| Ok((piece.to_string(), json(outcome)?))).collect()
}

/// Pieces that are recorded by one request at most: an expression has its bounds.
pub(super) const AT_ONCE: usize = 40;

/// Whether one request may add these, as far as can be told without looking.
pub(super) fn is_plain(outcomes: &[(PieceId, Outcome)]) -> bool {
    let names: BTreeSet<_> = outcomes.iter().map(|(piece, _)| piece).collect();
    !outcomes.is_empty() && outcomes.len() <= AT_ONCE && names.len() == outcomes.len()
}

fn piece(name: &str) -> Result<PieceId, StoreError> {
    name.parse().map_err(|_| unlike(name))
}

fn moment(text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| unlike(text))
}

fn unlike(what: &str) -> StoreError {
    StoreError::Broken(format!("an item has a {what} that is not ours"))
}
