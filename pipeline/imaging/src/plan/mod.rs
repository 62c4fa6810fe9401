//! The plan: what will be made of one picture, as data. It travels in messages, is hashed into
//! keys, and is run by [`Plan::run`], as a whole or in parts, with the same bytes every time.

mod lineage;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ENGINE;
use crate::canvas::Form;
use crate::effects::{AssetId, Assets};
use crate::encoders;
use crate::fault::Fault;
use crate::formats::{Channels, Format, Header};
use crate::gain_map;
use crate::geometry::Orientation;
use crate::linear;
use crate::rows::Rows;
use crate::run;
use crate::steps;

pub use lineage::{Backdrop, Change, Lineage, Part, Resample, Shrink, Step};

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
    /// How it is written.
    #[serde(default, skip_serializing_if = "Coding::is_usual")]
    pub coding: Coding,
    /// Which pictures of an animation.
    #[serde(default, skip_serializing_if = "Frames::is_first")]
    pub frames: Frames,
    /// Columns, upright; the most that there can be where only the pixels decide
    /// ([`Change::Trim`]).
    pub width: u32,
    /// Rows, upright, likewise.
    pub height: u32,
    /// How its pixels come about.
    pub lineage: Lineage,
}

/// How a file is written, where its format knows several ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// JPEG, WebP and AVIF lossy, PNG and GIF as they are.
    #[default]
    Usual,
    /// WebP without loss.
    Lossless,
    /// PNG in 256 colours where that looks the same.
    Palette,
}

impl Coding {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_usual(&self) -> bool {
        *self == Coding::Usual
    }
}

/// Which pictures of an animation a variant shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frames {
    /// The first.
    #[default]
    First,
    /// All, as an animation.
    All,
}

impl Frames {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_first(&self) -> bool {
        *self == Frames::First
    }
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pieces from the front of the list that were handed over; the rest is for a later run.
    pub done: usize,
    /// What was wrong with the source and did not matter, one sentence each: a broken profile.
    pub notes: Vec<String>,
}

impl Plan {
    /// Predicts the peak of [`open`](crate::formats::open) and [`Plan::run`], in bytes: a bound
    /// from above on their allocations, the file and the results handed out not counted.
    pub fn memory(&self, header: &Header) -> u64 {
        /// Tables, code books, band buffers and the resampler's coefficients.
        const FIXED: u64 = 4 << 20;
        let channels = header.channels.decoded().count() as u64;
        let canvas = |form: &Form| form.samples() * 2;
        let mut live: BTreeMap<Lineage, Form> = self
            .pieces
            .iter()
            .map(|piece| piece.lineage().base())
            .map(|base| (base.clone(), base.form(header)))
            .collect();
        let all = |live: &BTreeMap<Lineage, Form>| -> u64 { live.values().map(canvas).sum() };
        let reading = header.decoder_memory()
            + all(&live)
            + linear::memory(header.width, channels) * (1 + live.len() as u64);
        // What is stored upright is not turned.
        let turning = if header.orientation == Orientation::Upright { 0 } else { all(&live) * 2 };
        // A map is held to the end.
        let mapped = header.format == Format::Jpeg && header.channels == Channels::Rgb;
        let map = if mapped { gain_map::held(header.size()) } else { 0 };
        let mut peak = reading.max(turning);
        for (index, piece) in self.pieces.iter().enumerate() {
            let lineage = piece.lineage();
            for node in missing(&live, lineage) {
                if let (Some(parent), Some(step)) = (node.parent(), node.steps.last()) {
                    let (from, to) = (parent.form(header), node.form(header));
                    let now = all(&live) + canvas(&to) + steps::memory(step, from);
                    peak = peak.max(now);
                    live.insert(node, to);
                }
                retire(&mut live, &self.pieces[index..]);
            }
            let form = lineage.form(header);
            // Up to two bitmaps of four channels: straight and flattened.
            let encode = form.size.pixels() * 8
                + piece.rendition().map_or(0, |rendition| encoders::memory(rendition, form));
            let fitted = if mapped && piece.format() == Some(Format::Jpeg) {
                gain_map::memory(header.size())
            } else {
                0
            };
            peak = peak.max(all(&live) + encode + fitted);
            retire(&mut live, &self.pieces[index + 1..]);
        }
        peak.max(self.film_memory(header)) + FIXED + map
    }

    /// The same while what moves is made: the decoder, the averages of the first picture and of the
    /// one at hand, and for each piece its canvases, its encoder, and what that keeps of every
    /// picture.
    fn film_memory(&self, header: &Header) -> u64 {
        let canvas = |lineage: &Lineage| lineage.form(header).samples() * 2;
        let moving: Vec<&Piece> = self.pieces.iter().filter(|piece| piece.moves()).collect();
        if moving.is_empty() {
            return 0;
        }
        let bases: BTreeSet<Lineage> = self.pieces.iter().map(|p| p.lineage().base()).collect();
        let reels = moving.iter().map(|piece| {
            let lineage = piece.lineage();
            let form = lineage.form(header);
            let encoder = piece.rendition().map_or(0, |rendition| {
                2 * encoders::memory(rendition, form)
                    + encoders::film_memory(rendition, form, header.frames)
            });
            lineage.ancestry().map(|node| canvas(&node)).sum::<u64>() + encoder
        });
        let averages = bases.iter().map(canvas).sum::<u64>() * 3;
        header.decoder_memory() + averages + reels.sum::<u64>()
    }

    /// Reads `rows` once and makes the pieces in order, each handed to `made` as it is finished. A
    /// piece that cannot be encoded (a side over `WebP`'s 16,383) is a fault of that piece alone.
    /// Before every piece but the first the budget is asked; when it is spent, the run ends there.
    /// A fault of the source is returned before any piece is made.
    pub fn run(
        &self,
        rows: &mut dyn Rows,
        assets: &Assets,
        budget: &dyn Budget,
        made: &mut dyn FnMut(&Piece, Result<Made, Fault>),
    ) -> Result<Progress, Fault> {
        run::run(&self.pieces, rows, assets, budget, made)
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

    /// The files that its effects need.
    pub fn assets(&self) -> impl Iterator<Item = &AssetId> {
        self.lineage().steps.iter().filter_map(|step| match step {
            Step::Change(Change::Effect(effect)) => effect.asset(),
            Step::Resample(_) | Step::Change(_) => None,
        })
    }

    /// Whether it shows all pictures of an animation.
    pub fn moves(&self) -> bool {
        matches!(&self.work, Work::Variant(rendition) if rendition.frames == Frames::All)
    }

    fn rendition(&self) -> Option<&Rendition> {
        match &self.work {
            Work::Variant(rendition) => Some(rendition),
            Work::Derived { .. } => None,
        }
    }

    /// The format of the file; `None` when the piece is no file.
    pub fn format(&self) -> Option<Format> {
        self.rendition().map(|rendition| rendition.format)
    }

    /// JSON names every field and variant, so the form changes only when the meaning does, not
    /// when variants are reordered.
    fn canonical(&self) -> Vec<u8> {
        // Serialising to memory fails for maps with odd keys only, and a piece holds no map.
        serde_json::to_vec(self).unwrap_or_default()
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
