//! Presets: which variants every image gets, as written by people in TOML, and the plan that
//! follows from them for one picture.
//!
//! ```toml
//! [variants.thumb]            # a name: lower-case letters, digits, dashes
//! fit = "cover"               # inside (the default) | contain | fill | cover; none enlarges
//! width = 200                 # 1–65535; with inside and contain one of the two is enough
//! height = 200
//! formats = ["webp", "jpeg"]  # each is one object; also "png"
//! quality = 80                # 1–100 on libjpeg's scale; 80 when left out
//! when = "upload"             # the default, and the only one so far
//! ```
//! `pad`, `gravity`, `effects` and `when = "request"` are known and refused: they are not made yet.

mod parse;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::colour::Space;
use crate::derived;
use crate::formats::{Format, Header};
use crate::geometry::{Fit, Size};
use crate::plan::{Lineage, Part, Piece, Plan, Rendition, Resample, Shrink, Work};

/// The wanted variants by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presets {
    /// Every variant that an image gets.
    pub variants: BTreeMap<String, Preset>,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// How the picture is brought into the box.
    pub fit: Fit,
    /// Columns of the box; `None` leaves them open (inside and contain only).
    pub width: Option<u32>,
    /// Rows of the box.
    pub height: Option<u32>,
    /// The files to write, each once.
    pub formats: Vec<Format>,
    /// 1–100 on libjpeg's scale.
    pub quality: u8,
}

/// What is wrong with a presets file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("presets, line {line}, column {column}: {message}")]
pub struct PresetsError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The key, the value given and what is allowed.
    pub message: String,
}

/// How many pixels of a picture the resampler is left per pixel of its result, each way. With two,
/// averages and cascade included, the corpus's 34 camera JPEGs score a mean SSIMULACRA2 of 95.6,
/// 95.1 and 94.9 at 800, 400 and 200 against libvips' Lanczos3 in float and linear light. What
/// three or more would gain is not measured.
const OVERSAMPLING: u32 = 2;

impl Presets {
    /// Parses and checks a presets file. Unknown keys and impossible values are errors.
    pub fn parse(text: &str) -> Result<Presets, PresetsError> {
        parse::presets(text)
    }

    /// The presets of `presets.toml` at the root of the repository, compiled in.
    pub fn built_in() -> &'static Presets {
        static BUILT_IN: LazyLock<Presets> =
            LazyLock::new(|| match Presets::parse(include_str!("../../../presets.toml")) {
                Ok(presets) => presets,
                Err(error) => {
                    unreachable!("a test parses the file that is compiled in: {error}")
                }
            });
        &BUILT_IN
    }

    /// The names of the variants, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variants.keys().map(String::as_str)
    }

    /// What to make of a picture with this header. The lineage of each piece follows from all
    /// presets together: the smallest demands on the largest variant decide how far the source is
    /// averaged, and each size descends from the smallest larger one that has two pixels for each
    /// of its own, else from the averaged source.
    pub fn plan(&self, header: &Header) -> Plan {
        let upright = header.size().turned(header.orientation);
        let mut wanted: Vec<Wanted<'_>> =
            self.variants.iter().map(|(name, preset)| Wanted::of(name, preset, upright)).collect();
        wanted.sort_by_key(|one| (std::cmp::Reverse(one.size.pixels()), one.name));

        let derived = upright.inside(derived::BOX);
        let shrink = shrink(header, wanted.iter().map(|one| (one.size, one.part)), derived);
        let mut family = Family::new(header, shrink);
        let mut pieces = Vec::new();
        for one in &wanted {
            let lineage = family.lineage(one.size, one.part);
            if one.begets {
                family.known.push((one.size, lineage.clone()));
            }
            pieces.extend(one.pieces(&lineage));
        }
        pieces.push(Piece {
            name: "derived".to_owned(),
            work: Work::Derived { lineage: family.lineage(derived, Part::Whole) },
        });
        Plan { pieces }
    }
}

/// A variant of one picture, with its size.
struct Wanted<'a> {
    name: &'a str,
    preset: &'a Preset,
    size: Size,
    part: Part,
    /// Whether smaller sizes may be made from it: it shows all of the picture, undistorted.
    begets: bool,
}

impl<'a> Wanted<'a> {
    fn of(name: &'a str, preset: &'a Preset, upright: Size) -> Wanted<'a> {
        let within = Size::new(preset.width.unwrap_or(u32::MAX), preset.height.unwrap_or(u32::MAX));
        Wanted {
            name,
            preset,
            size: preset.fit.size(upright, within),
            part: match preset.fit {
                Fit::Cover => Part::Centre,
                Fit::Inside | Fit::Contain | Fit::Fill | Fit::Pad => Part::Whole,
            },
            begets: matches!(preset.fit, Fit::Inside | Fit::Contain),
        }
    }

    fn pieces(&self, lineage: &Lineage) -> impl Iterator<Item = Piece> {
        let formats: BTreeSet<Format> = self.preset.formats.iter().copied().collect();
        formats.into_iter().map(move |format| Piece {
            name: format!("{}.{}", self.name, format.extension()),
            work: Work::Variant(Rendition {
                variant: self.name.to_owned(),
                format,
                quality: self.preset.quality,
                width: self.size.width,
                height: self.size.height,
                lineage: lineage.clone(),
            }),
        })
    }
}

/// The largest average that leaves every size its oversampling, each way for itself, so that a
/// picture of one column is still averaged along it.
fn shrink(header: &Header, wanted: impl Iterator<Item = (Size, Part)>, derived: Size) -> Shrink {
    let upright = header.size().turned(header.orientation);
    let spare = |source: u32, target: u32| (source / target.saturating_mul(OVERSAMPLING)).max(1);
    let (across, down) = wanted
        .chain([(derived, Part::Whole)])
        .map(|(size, part)| {
            let across = spare(upright.width, size.width);
            let down = spare(upright.height, size.height);
            match part {
                Part::Whole => (across, down),
                Part::Centre | Part::Around(_) | Part::Smart => {
                    (across.min(down), across.min(down))
                }
            }
        })
        .fold((u32::MAX, u32::MAX), |least, one| (least.0.min(one.0), least.1.min(one.1)));
    if header.orientation.swaps_sides() {
        Shrink { across: down, down: across }
    } else {
        Shrink { across, down }
    }
}

/// The pictures that smaller ones can be made from.
struct Family {
    /// The averaged source and its upright size.
    base: (Size, Lineage),
    /// The sizes planned so far.
    known: Vec<(Size, Lineage)>,
}

impl Family {
    fn new(header: &Header, shrink: Shrink) -> Family {
        let base = Lineage { shrink, space: Space::Srgb, steps: Vec::new() };
        Family { base: (base.form(header).size, base), known: Vec::new() }
    }

    fn lineage(&self, size: Size, part: Part) -> Lineage {
        let (base_size, base) = &self.base;
        if size == *base_size && base.shrink == Shrink::NONE {
            return base.clone();
        }
        if part == Part::Whole
            && let Some((_, same)) = self.known.iter().find(|(known, _)| *known == size)
        {
            return same.clone();
        }
        let parent = self
            .known
            .iter()
            .filter(|(known, _)| oversamples(*known, size))
            .min_by_key(|(known, _)| known.pixels())
            .map_or(base, |(_, lineage)| lineage);
        let mut lineage = parent.clone();
        lineage.steps.push(Resample { width: size.width, height: size.height, part }.into());
        lineage
    }
}

/// Whether `size` may be made from `parent`. Half of an odd side is rounded up, so one pixel may
/// lack: 200×134 is made from 400×267.
fn oversamples(parent: Size, size: Size) -> bool {
    Size::new(parent.width + 1, parent.height + 1).covers(size, OVERSAMPLING)
}
