//! Presets: which variants every image gets, as written by people in TOML, and the plan that
//! follows from them for one picture.
//!
//! ```toml
//! [variants.thumb]            # a name: lower-case letters, digits, dashes
//! fit = "cover"
//! width = 200
//! height = 200
//! gravity = "smart"
//! formats = ["webp", "jpeg"]
//! ```
//! The keys, what each allows and what it means when left out stand in one [table](keys::KEYS),
//! from which the parser, its errors, the JSON Schema and docs/presets.md are made.

pub mod keys;
mod parse;
mod planning;
mod print;
mod schema;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::colour::Space;
use crate::decimal::Decimal;
use crate::effects::{AssetId, Effect};
use crate::formats::{Format, Header};
use crate::geometry::{Area, Fit, Point};
use crate::plan::{Backdrop, Frames, Piece, Plan};

/// The wanted variants by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presets {
    /// Every variant that an image gets.
    pub variants: BTreeMap<String, Preset>,
}

/// One variant. In the order of work: crop, trim, flip, flop, rotate, fit, pad, effects, write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "keys that people set to true, each for itself")]
pub struct Preset {
    /// The part of the upright picture that is used.
    pub crop: Option<Area>,
    /// Takes away an even border: how much a pixel may differ from it, 0–1.
    pub trim: Option<Decimal>,
    /// Exchanges top and bottom.
    pub flip: bool,
    /// Exchanges left and right.
    pub flop: bool,
    /// Clockwise, in degrees.
    pub rotate: Option<Decimal>,
    /// How the picture is brought into the box.
    pub fit: Fit,
    /// Columns of the box; `None` leaves them open.
    pub width: Option<u32>,
    /// Rows of the box.
    pub height: Option<u32>,
    /// Which part stays where the box cuts, and where the picture stands where it is padded.
    pub gravity: Gravity,
    /// Whether a picture smaller than the box becomes larger.
    pub enlarge: bool,
    /// What is seen where the picture is not, when padded or rotated; `None` is nothing, which a
    /// JPEG shows as white.
    pub background: Option<Backdrop>,
    /// How it looks.
    pub effects: Vec<Effect>,
    /// The files to write, each once.
    pub formats: Vec<Format>,
    /// 1–100 on libjpeg's scale.
    pub quality: u8,
    /// WebP without loss.
    pub lossless: bool,
    /// PNG in 256 colours where that looks the same.
    pub palette: bool,
    /// Which pictures of an animation are shown, in the formats that can.
    pub animation: Frames,
    /// Whether colours are converted to sRGB or kept with their profile.
    pub color: Space,
    /// Whether every upload gets it, or whoever asks for it first.
    pub when: When,
}

impl Preset {
    /// What holds where a file says nothing.
    pub(crate) fn usual() -> Preset {
        Preset {
            crop: None,
            trim: None,
            flip: false,
            flop: false,
            rotate: None,
            fit: Fit::Inside,
            width: None,
            height: None,
            gravity: Gravity::Centre,
            enlarge: false,
            background: None,
            effects: Vec::new(),
            formats: Vec::new(),
            quality: 80,
            lossless: false,
            palette: false,
            animation: Frames::First,
            color: Space::Srgb,
            when: When::Upload,
        }
    }
}

/// When a variant is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// As soon as the picture is there.
    #[default]
    Upload,
    /// When it is first asked for; then it is kept.
    Request,
}

/// What a cut keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// The middle; an image's own focal point goes before.
    #[default]
    Centre,
    /// What draws the eye; an image's own focal point goes before.
    Smart,
    /// What is around a point, whatever the image says.
    At(Point),
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

impl Presets {
    /// Parses and checks a presets file that names no other files. Unknown keys and impossible values
    /// are errors.
    pub fn parse(text: &str) -> Result<Presets, PresetsError> {
        let mut none = |path: &str| Err(format!("no file can be named here, not even {path}"));
        Presets::parse_with(text, &mut none)
    }

    /// The same for one whose effects name files: `resolve` answers the id of each, or what is
    /// wrong with it.
    pub fn parse_with(
        text: &str,
        resolve: &mut dyn FnMut(&str) -> Result<AssetId, String>,
    ) -> Result<Presets, PresetsError> {
        parse::presets(text, resolve)
    }

    /// The presets of `presets.toml` at the root of the repository, compiled in.
    pub fn built_in() -> &'static Presets {
        static BUILT_IN: LazyLock<Presets> =
            LazyLock::new(|| match Presets::parse(include_str!("../../../../presets.toml")) {
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

    /// The files that are made when they are first asked for: `hero.webp`.
    pub fn on_request(&self) -> impl Iterator<Item = String> {
        let wanted = self.variants.iter().filter(|(_, preset)| preset.when == When::Request);
        wanted.flat_map(|(name, preset)| {
            preset.formats.iter().map(move |format| format!("{name}.{}", format.extension()))
        })
    }

    /// What is made on request, as SHA-256 over [`ENGINE`](crate::ENGINE) and all that is said of it.
    /// Under equal digests the same is made of the same picture, whatever else the presets ask for.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "its keys are text, so it can be written as JSON"
    )]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(crate::ENGINE);
        hash.update([0]);
        let wanted: BTreeMap<&String, &Preset> =
            self.variants.iter().filter(|(_, preset)| preset.when == When::Request).collect();
        hash.update(serde_json::to_vec(&wanted).expect("presets can be written"));
        hash.finalize().into()
    }

    /// What to make of a picture with this header.
    pub fn plan(&self, header: &Header) -> Plan {
        self.plan_around(header, None)
    }

    /// The same for a picture whose eye-catcher stands at a point, if anybody has said so.
    pub fn plan_around(&self, header: &Header, focal: Option<Point>) -> Plan {
        planning::plan(self, header, focal)
    }

    /// What is made of such a picture when it is first asked for. Each variant is planned for
    /// itself: what else the presets ask for changes neither its bytes nor its revision, and it
    /// costs the upload nothing.
    pub fn plan_on_request(&self, header: &Header, focal: Option<Point>) -> Plan {
        let plans = planning::plans_on_request(self, header, focal);
        let mut pieces: Vec<_> = plans.flat_map(|plan| plan.pieces).collect();
        pieces.sort_by_key(Piece::moves);
        Plan { pieces }
    }

    /// All that may be made of such a picture, as it is made: what every upload has, together, and
    /// then each variant on request for itself.
    pub fn plans(&self, header: &Header) -> Vec<Plan> {
        let on_request = planning::plans_on_request(self, header, None);
        [self.plan(header)].into_iter().chain(on_request).collect()
    }

    /// The presets as a file that [parses](Presets::parse) to the same.
    pub fn to_toml(&self) -> String {
        print::toml(self)
    }

    /// A JSON Schema (draft 2020-12) of presets files, for editors.
    pub fn schema() -> serde_json::Value {
        schema::schema()
    }
}
