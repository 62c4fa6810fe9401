//! What is fixed while a model is explored: the images, the pieces of each set of presets, what may
//! go wrong how often, and what is wrong on purpose.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Mutex, OnceLock},
};

use domain::{
    Image, ImageId, Key, PieceId, Sha256, Status, Tenant,
    image::{Announced, Made, Source},
    message::Order,
};
use imaging::{
    Channels, Coding, Format, Frames, Header, Lineage, Orientation, Piece, Rendition, Shrink, Space,
};
use jiff::{SignedDuration, Timestamp};

/// The moment at which everything happens. Time passes by everything else growing old
/// ([`World::grow_old`](super::world::World::grow_old)): only ages decide, so that states which
/// differ in nothing but the date are one.
pub(super) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// Longer ago than any visibility time and than the sweeper's patience.
pub(super) const LONG_AGO: Timestamp = Timestamp::constant(-100_000, 0);
/// When an upload URL ends that is still good.
pub(super) const LATER: Timestamp = Timestamp::constant(100_000, 0);
/// What was sent after this is left its time: the visibility time before now.
pub(super) const VISIBILITY: SignedDuration = SignedDuration::from_mins(10);

/// The bucket whose objects are adopted, and the key in it.
pub(super) const BUCKET: &str = "adopted";
/// Where the adopted object lies in it.
pub(super) const FOREIGN: &str = "photo.jpg";
/// Who is told.
pub(super) const ENDPOINT: &str = "https://app.test/hook";

/// What may happen, each as often as a scenario allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Chance {
    /// The client uses its URL, or somebody writes the adopted object's first version.
    Put,
    /// The URL is used again with other bytes, or the adopted object is overwritten.
    PutOther,
    /// An upload that began before its URL ended arrives after that.
    PutLate,
    /// The client erases its image.
    Erase,
    /// Somebody asks for a variant that waits for that.
    Request,
    /// Other presets come into force.
    Change,
    /// Somebody has all images made by the presets in force.
    Reprocess,
    /// What killed the worker is mended.
    Cure,
    /// A dead letter is taken back.
    Redrive,
    /// The store or the queue delivers a copy more.
    Double,
    /// The store forgets an event.
    LoseEvent,
    /// The queue forgets a message: its retention ended, or it was moved away.
    LoseMessage,
    /// A handler dies between two effects.
    Crash,
    /// A message is lent anew while its handler is still at it.
    Lapse,
    /// A handler's time is up before it makes its next piece.
    Late,
    /// A store answers that it is busy.
    Busy,
    /// Time passes though there is something to be done. It always may when there is not.
    Age,
}

/// Kinds of [`Chance`].
pub(super) const CHANCES: usize = Chance::Age as usize + 1;

/// A protocol that is wrong in one place. Each must be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutant {
    /// The join counts how often a piece was recorded instead of adding it to a set.
    JoinByCounter,
    /// A message is acknowledged before what follows it is sent.
    AcknowledgeBeforeSend,
    /// Writing replaces what is there.
    OverwriteInsteadOfCreate,
    /// Stages send what follows before they write down what they did.
    SendBeforeRecord,
    /// Erasing removes the record and leaves nothing behind.
    NoTombstone,
    /// The sweeper does not look for erased images whose objects may still be there.
    ForgetsErased,
    /// A piece is known by its name alone while presets change.
    PiecesWithoutRevision,
    /// Lost starts are counted by each copy of a message for itself.
    CopiesOfTheirOwn,
    /// What somebody asks for becomes one of the pieces that the image awaits.
    RequestsJoinTheSet,
    /// What was asked for is never asked for again.
    AsksOnce,
}

/// Presets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Set {
    /// In force at the beginning.
    First,
    /// In force after [`Chance::Change`].
    Second,
}

/// What an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Content {
    /// A client's bytes.
    Picture(u8),
    /// A variant of them.
    Variant { of: u8, by: Set, name: &'static str },
    /// What they say about themselves.
    Facts { of: u8 },
}

impl Content {
    /// Its digest.
    pub(super) fn sha256(self) -> Sha256 {
        Sha256::of(format!("{self:?}").as_bytes())
    }

    /// Which picture it is, or is made of.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Picture(of) | Self::Variant { of, .. } | Self::Facts { of } => of,
        }
    }

    /// Its `ETag`.
    pub(super) fn etag(self) -> String {
        self.sha256().to_string()
    }

    /// What ingest learns from it.
    pub(super) fn source(self) -> Source {
        let header = Header {
            format: Format::Jpeg,
            width: 4,
            height: 4,
            orientation: Orientation::Upright,
            frames: 1,
            channels: Channels::Rgb,
            depth: 8,
            progressive: false,
        };
        Source { header, bytes: 100, sha256: self.sha256() }
    }

    /// What resize records of it.
    pub(super) fn made(self) -> Made {
        Made { format: Format::WebP, width: 2, height: 2, bytes: 10, sha256: self.sha256() }
    }
}

/// The pieces of one picture by one set of presets.
#[derive(Debug)]
pub(super) struct Plan {
    /// What resize makes.
    pub(super) orders: Vec<Order>,
    /// What metadata reads.
    pub(super) describe: Option<PieceId>,
    /// What resize makes when somebody asks for it.
    pub(super) on_request: Vec<Order>,
    /// All of it that is made at once.
    pub(super) all: BTreeSet<PieceId>,
}

/// Where uploads come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Our own upload URL.
    Minted,
    /// A bucket that is not ours and keeps no versions.
    Adopted,
}

/// A bounded model.
pub(super) struct Scenario {
    /// Its name, in what is printed.
    pub(super) name: &'static str,
    /// Where uploads come from.
    pub(super) origin: Origin,
    /// The variants that presets ask for.
    pub(super) variants: &'static [&'static str],
    /// The variants that wait until somebody asks for them, all at once.
    pub(super) on_request: &'static [&'static str],
    /// The variant of the set that the second presets have on request; they are in force, and what
    /// killed its worker is mended, when a client may ask for it.
    pub(super) moved: Option<&'static str>,
    /// Whether the metadata piece is part of the set.
    pub(super) described: Described,
    /// The variant at which the worker dies, until it is mended; `"upload"` for the upload itself.
    pub(super) poison: Option<&'static str>,
    /// What may happen, and how often.
    pub(super) chances: &'static [(Chance, u8)],
    /// Handlers that may be at work at once.
    pub(super) at_once: usize,
    /// States of an image that must be reached, or the model shows nothing.
    pub(super) reaches: &'static [Status],
    /// What is wrong on purpose.
    pub(super) mutant: Option<Mutant>,
    /// What is worked out once.
    pub(super) known: Known,
}

/// Whether a set of pieces has one of the metadata stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Described {
    /// It has.
    Yes,
    /// It has not, which keeps the model small.
    No,
}

/// What a scenario works out once.
#[derive(Default)]
pub(super) struct Known {
    plans: OnceLock<BTreeMap<(Sha256, Set), Plan>>,
    contents: OnceLock<BTreeMap<Sha256, Content>>,
    /// States from which a right end was reached.
    pub(super) healed: Mutex<HashSet<u64>>,
}

impl Scenario {
    /// The image of the minted upload, or of the adopted object's version.
    pub(super) fn image_of(&self, picture: u8) -> ImageId {
        match self.origin {
            Origin::Minted => ImageId::mint(1, &[7; 10]),
            Origin::Adopted => {
                ImageId::adopted(b"secret", BUCKET, FOREIGN, &Content::Picture(picture).etag())
            }
        }
    }

    /// Where a picture arrives.
    pub(super) fn arrival(&self, picture: u8) -> Key {
        match self.origin {
            Origin::Minted => Key::Upload { image: self.image_of(picture) },
            Origin::Adopted => {
                Key::Foreign { key: FOREIGN.to_owned(), version: Content::Picture(picture).etag() }
            }
        }
    }

    /// A record before anything arrived.
    pub(super) fn fresh(id: ImageId) -> Image {
        let announced = Announced {
            content_length: 100,
            content_type: "image/jpeg".to_owned(),
            checksum_sha256: None,
        };
        Image {
            filename: Some(FOREIGN.to_owned()),
            touched_at: NOW,
            ..Image::pending(id, Tenant::local(), announced, LONG_AGO, LATER)
        }
    }

    /// The plan of the picture with this digest.
    pub(super) fn plan(&self, source: Sha256, set: Set) -> &Plan {
        let plans = self.known.plans.get_or_init(|| {
            let sets = [Set::First, Set::Second];
            let pictures = [1, 2].map(|n| Content::Picture(n).sha256());
            let both = pictures.into_iter().flat_map(|p| sets.into_iter().map(move |s| (p, s)));
            both.map(|(source, set)| ((source, set), self.make_plan(source, set))).collect()
        });
        &plans[&(source, set)]
    }

    fn make_plan(&self, source: Sha256, set: Set) -> Plan {
        let order = |name: &&str| {
            // Only when it is made changes of what was moved.
            let by = if self.moved == Some(*name) { Set::First } else { set };
            let piece = piece(name, by);
            let revision = self.revision(&piece.revision(&source.0));
            Order { id: PieceId { name: (*name).to_owned(), revision }, piece }
        };
        let on_request: Vec<_> = self.on_request(set).collect();
        let at_once = self.variants.iter().filter(|name| !on_request.contains(*name));
        let orders: Vec<_> = at_once.map(order).collect();
        let on_request = on_request.iter().map(order).collect();
        let describe = (self.described == Described::Yes).then(|| PieceId {
            name: "metadata".to_owned(),
            revision: self.revision(&source.to_string()[..16]),
        });
        let all = orders.iter().map(|order| order.id.clone()).chain(describe.clone()).collect();
        Plan { orders, describe, on_request, all }
    }

    /// The variants that wait until somebody asks for them, by these presets.
    pub(super) fn on_request(&self, set: Set) -> impl Iterator<Item = &'static str> {
        let moved = self.moved.filter(|_| set == Set::Second);
        self.on_request.iter().copied().chain(moved)
    }

    /// Every variant.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.variants.iter().chain(self.on_request).copied()
    }

    fn revision(&self, true_one: &str) -> domain::Revision {
        let text = match self.mutant {
            Some(Mutant::PiecesWithoutRevision) => "0000000000000000",
            _ => true_one,
        };
        text.parse().expect("sixteen hex digits")
    }

    /// The object that has this digest.
    pub(super) fn content(&self, sha256: Sha256) -> Content {
        let contents = self.known.contents.get_or_init(|| {
            let mut all = Vec::new();
            for of in [1, 2] {
                all.extend([Content::Picture(of), Content::Facts { of }]);
                for by in [Set::First, Set::Second] {
                    all.extend(self.names().map(|name| Content::Variant { of, by, name }));
                }
            }
            all.into_iter().map(|content| (content.sha256(), content)).collect()
        });
        contents[&sha256]
    }
}

/// How a variant is made; sets differ in quality, as presets do.
fn piece(name: &str, set: Set) -> Piece {
    let quality = match set {
        Set::First => 80,
        Set::Second => 60,
    };
    Piece {
        name: name.to_owned(),
        work: imaging::Work::Variant(Rendition {
            variant: name.trim_end_matches(".webp").to_owned(),
            format: Format::WebP,
            quality,
            coding: Coding::Usual,
            frames: Frames::First,
            width: 2,
            height: 2,
            lineage: Lineage { shrink: Shrink::NONE, space: Space::Srgb, steps: Vec::new() },
        }),
    }
}

/// The set that a piece was planned by.
pub(super) fn set_of(piece: &Piece) -> Set {
    match &piece.work {
        imaging::Work::Variant(rendition) if rendition.quality == 60 => Set::Second,
        _ => Set::First,
    }
}
