//! The plan: what will be made of one picture, as data. It travels in messages, is hashed into
//! keys, and is run by [`Plan::run`], as a whole or in parts, with the same bytes every time.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ENGINE;
use crate::fault::Fault;
use crate::formats::{Format, Header, encoder_memory};
use crate::geometry::Size;
use crate::linear;
use crate::resample;
use crate::rows::Rows;
use crate::run;

/// The pieces to make, in order of work: the largest first, because the smaller descend from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Plan {
    /// Any subset, in any order, gives the same bytes for each piece.
    pub pieces: Vec<Piece>,
}

/// One result to make and to record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Piece {
    /// Unique within a plan: `small.webp`, or `derived`.
    pub name: String,
    /// What to make.
    pub work: Work,
}

/// The kinds of work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A picture in another size and format.
    Variant(Rendition),
    /// What the record says about the pixels: placeholder and colour, from a picture of at most
    /// 100×100.
    Derived {
        /// How that picture comes about.
        lineage: Lineage,
    },
}

/// A variant in one format.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rendition {
    /// The name of the preset.
    pub variant: String,
    /// The format of the file.
    pub format: Format,
    /// 1–100 on libjpeg's scale; lossless formats ignore it.
    pub quality: u8,
    /// Columns, upright.
    pub width: u32,
    /// Rows, upright.
    pub height: u32,
    /// How its pixels come about.
    pub lineage: Lineage,
}

/// Everything that decides the pixels of a picture, given the source: the source is averaged by
/// [`shrink`](Lineage::shrink), turned upright, and resampled by each of the
/// [`steps`](Lineage::steps) in turn. Without steps it is the averaged source itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lineage {
    /// The average in front.
    pub shrink: Shrink,
    /// The chain of sizes.
    pub steps: Vec<Step>,
}

/// Whole pixels of the source, as stored, that are averaged into one, in linear light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shrink {
    /// Columns; at least 1.
    pub across: u32,
    /// Rows; at least 1.
    pub down: u32,
}

/// One resampling, by Lanczos3 in linear light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Step {
    /// Columns of the result.
    pub width: u32,
    /// Rows of the result.
    pub height: u32,
    /// What of the picture before it is used.
    pub part: Part,
}

/// The part of a picture that a [`Step`] resamples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it.
    Whole,
    /// The largest part of the result's aspect around the centre.
    Centre,
}

/// The only thing that may end a run early. `imaging` has no clock: callers bring one.
pub trait Budget {
    /// Whether no further piece should be begun.
    fn spent(&self) -> bool;
}

/// The budget of a caller who waits for everything.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl Budget for Unlimited {
    fn spent(&self) -> bool {
        false
    }
}

/// What a piece became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// An encoded picture.
    Variant {
        /// The file.
        bytes: Vec<u8>,
        /// Its columns.
        width: u32,
        /// Its rows.
        height: u32,
    },
    /// What was read from reduced pixels.
    Derived {
        /// A `ThumbHash` (Evan Wallace, 2023) of about 25 bytes.
        thumbhash: Vec<u8>,
        /// The average colour in linear light, weighted by alpha, as sRGB.
        color: [u8; 3],
    },
}

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pieces from the front of the list that were handed over; the rest is for a later run.
    pub done: usize,
}

impl Plan {
    /// Predicts the peak of [`open`](crate::formats::open) and [`Plan::run`], in bytes: a bound
    /// from above on their allocations, the file and the results handed out not counted.
    pub fn memory(&self, header: &Header) -> u64 {
        /// Tables, code books, band buffers and the resampler's coefficients.
        const FIXED: u64 = 4 << 20;
        let channels = header.channels.count() as u64;
        let canvas = |size: Size| size.pixels() * channels * 2;
        let mut live: BTreeMap<Lineage, Size> = self
            .pieces
            .iter()
            .map(|piece| piece.lineage().base())
            .map(|base| (base.clone(), base.size(header)))
            .collect();
        let bases =
            |live: &BTreeMap<Lineage, Size>| -> u64 { live.values().map(|&s| canvas(s)).sum() };
        let reading = header.decoder_memory()
            + bases(&live)
            + linear::memory(header.width, channels) * (1 + live.len() as u64);
        let turning = bases(&live) * 2;
        let mut peak = reading.max(turning);
        for (index, piece) in self.pieces.iter().enumerate() {
            let lineage = piece.lineage();
            for node in missing(&live, lineage) {
                let from = node.parent().map_or(header.size(), |parent| parent.size(header));
                let to = node.size(header);
                let now = bases(&live) + canvas(to) + resample::memory(from, to, channels);
                peak = peak.max(now);
                live.insert(node, to);
                retire(&mut live, &self.pieces[index..]);
            }
            let size = lineage.size(header);
            // Up to two bitmaps of four channels: straight and flattened.
            let encode = size.pixels() * 8 + piece.format().map_or(0, |f| encoder_memory(f, size));
            peak = peak.max(bases(&live) + encode);
            retire(&mut live, &self.pieces[index + 1..]);
        }
        peak + FIXED
    }

    /// Reads `rows` once and makes the pieces in order, each handed to `made` as it is finished. A
    /// piece that cannot be encoded (a side over `WebP`'s 16,383) is a fault of that piece alone.
    /// Before every piece but the first the budget is asked; when it is spent, the run ends there.
    /// A fault of the source is returned before any piece is made.
    pub fn run(
        &self,
        rows: &mut dyn Rows,
        budget: &dyn Budget,
        made: &mut dyn FnMut(&Piece, Result<Made, Fault>),
    ) -> Result<Progress, Fault> {
        run::run(&self.pieces, rows, budget, made)
    }
}

impl Piece {
    /// Which version of the piece this is: 16 hexadecimal digits of SHA-256 over [`ENGINE`], the
    /// hash of the source and the piece as JSON. Equal revisions are equal bytes.
    pub fn revision(&self, source_sha256: &[u8; 32]) -> String {
        let mut hash = Sha256::new();
        hash.update(ENGINE);
        hash.update([0]);
        hash.update(source_sha256);
        hash.update(self.canonical());
        hex::encode(&hash.finalize()[..8])
    }

    /// How its pixels come about.
    pub fn lineage(&self) -> &Lineage {
        match &self.work {
            Work::Variant(rendition) => &rendition.lineage,
            Work::Derived { lineage } => lineage,
        }
    }

    /// The format of the file; `None` when the piece is no file.
    pub fn format(&self) -> Option<Format> {
        match &self.work {
            Work::Variant(rendition) => Some(rendition.format),
            Work::Derived { .. } => None,
        }
    }

    /// JSON names every field and variant, so the form changes only when the meaning does, not
    /// when variants are reordered.
    fn canonical(&self) -> Vec<u8> {
        // Serialising to memory fails for maps with odd keys only, and a piece holds no map.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Shrink {
    /// No averaging.
    pub const NONE: Shrink = Shrink { across: 1, down: 1 };

    /// Columns averaged, within what a sum of 32 bits holds.
    pub(crate) fn across(self) -> u32 {
        self.across.clamp(1, 1 << 16)
    }

    /// Rows averaged.
    pub(crate) fn down(self) -> u32 {
        self.down.clamp(1, 1 << 16)
    }

    /// The size of the averaged source, as stored. A last block may be partial.
    pub(crate) fn of(self, source: Size) -> Size {
        Size::new(source.width.div_ceil(self.across()), source.height.div_ceil(self.down()))
    }
}

impl Step {
    pub(crate) fn size(self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl Lineage {
    /// The averaged source that it begins with.
    pub(crate) fn base(&self) -> Lineage {
        Lineage { shrink: self.shrink, steps: Vec::new() }
    }

    /// The picture that the last step is made from; `None` for an averaged source.
    pub(crate) fn parent(&self) -> Option<Lineage> {
        let (_, before) = self.steps.split_last()?;
        Some(Lineage { shrink: self.shrink, steps: before.to_vec() })
    }

    /// The base, each intermediate, and the picture itself, in order of making.
    pub(crate) fn ancestry(&self) -> impl DoubleEndedIterator<Item = Lineage> {
        (0..=self.steps.len())
            .map(|steps| Lineage { shrink: self.shrink, steps: self.steps[..steps].to_vec() })
    }

    /// The upright size of the picture.
    pub(crate) fn size(&self, header: &Header) -> Size {
        self.steps.last().map_or_else(
            || self.shrink.of(header.size()).turned(header.orientation),
            |step| step.size(),
        )
    }
}

/// Drops every picture that no piece of `rest` is made from: a piece is made from its nearest
/// ancestor that exists. Running and predicting share this, so that they agree.
pub(crate) fn retire<T>(live: &mut BTreeMap<Lineage, T>, rest: &[Piece]) {
    let wanted: BTreeSet<Lineage> = rest
        .iter()
        .filter_map(|piece| piece.lineage().ancestry().rev().find(|node| live.contains_key(node)))
        .collect();
    live.retain(|node, _| wanted.contains(node));
}

/// What has to be made, in order, to have the picture of `lineage`: all after its nearest ancestor
/// that exists.
pub(crate) fn missing<T>(live: &BTreeMap<Lineage, T>, lineage: &Lineage) -> Vec<Lineage> {
    let mut nodes: Vec<Lineage> =
        lineage.ancestry().rev().take_while(|node| !live.contains_key(node)).collect();
    nodes.reverse();
    nodes
}
