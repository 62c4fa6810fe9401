//! A logo over the picture.

use fast_image_resize::Resizer;
use serde::{Deserialize, Serialize};

use super::{MARGIN, OPACITY, POSITION, place, room, share, stamp};
use crate::canvas::{Canvas, Form, Rectangle};
use crate::colour::Space;
use crate::decimal::Decimal;
use crate::effects::encoded::coloured;
use crate::effects::facts::{Default, Facts, Kind, Parameter};
use crate::effects::{AssetId, Assets, Work};
use crate::fault::Fault;
use crate::formats::{Channels, guarded, open_common};
use crate::geometry::{Point, Size};
use crate::limits::Limits;
use crate::linear::{Lines, Reducer};
use crate::plan::Shrink;
use crate::resample::{self, resampled};

/// A picture laid over the picture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    /// Which.
    pub image: AssetId,
    /// Where, inside the margin.
    pub position: Point,
    /// In shares of the shorter side.
    pub margin: Decimal,
    /// In shares of the picture.
    pub scale: Decimal,
    /// 0–1.
    pub opacity: Decimal,
    /// Once or all over.
    pub repeat: Repeat,
    /// Between two, in shares of the mark's sides.
    pub gap: Decimal,
}

/// How often a mark is laid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// At its position.
    Once,
    /// All over the picture, in a grid through its position.
    Tiled,
}

/// What a logo may be. It is decoded again for each variant, so it is kept small.
const LIMITS: Limits = Limits {
    bytes: 4 << 20,
    pixels: 2 << 20,
    side: 4_096,
    frames: 1_000,
    motion: 0,
    memory: 48 << 20,
};

impl Work for Watermark {
    const FACTS: Facts = Facts {
        name: "watermark",
        summary: "Lays an image, as a logo, over the picture.",
        definition: "The image (at most 4 MB and 2,097,152 pixels) is resampled by Lanczos3 in linear \
                     light to fit, aspect kept, into `scale` × the picture's width and height, and \
                     laid over it (Porter and Duff 1984, \"over\") in linear light. Tiled, it is \
                     repeated from there in all directions, `gap` × its own sides apart.",
        parameters: &[
            Parameter {
                name: "image",
                summary: "the file",
                kind: Kind::Image,
                default: Default::Required,
            },
            POSITION,
            MARGIN,
            Parameter {
                name: "scale",
                summary: "how much of the picture's width and height it may take",
                kind: Kind::Number { least: 0.01, most: 1.0 },
                default: Default::Number(0.2),
            },
            OPACITY,
            Parameter {
                name: "repeat",
                summary: "once, or all over the picture",
                kind: Kind::Choice(&["once", "tiled"]),
                default: Default::Word("once"),
            },
            Parameter {
                name: "gap",
                summary: "between two of `tiled`, in shares of the image's own sides",
                kind: Kind::Number { least: 0.0, most: 10.0 },
                default: Default::Number(0.5),
            },
        ],
    };

    fn form(&self, before: Form) -> Form {
        // The plan does not know whether the image has colours.
        Form { channels: coloured(before.channels), ..before }
    }

    fn memory(&self, before: Form) -> u64 {
        let logo = Size::new(LIMITS.side, LIMITS.side);
        let resample = resample::memory(Form { size: logo, channels: Channels::Rgba }, before.size);
        LIMITS.memory + LIMITS.pixels * 16 + before.size.pixels() * 8 + resample
    }

    fn apply(&self, canvas: &Canvas, assets: &Assets) -> Result<Canvas, Fault> {
        let bytes = assets.get(&self.image).ok_or_else(|| {
            Fault::damaged(format!("The watermark {} is not at hand.", self.image.as_str()))
        })?;
        let logo = decoded(bytes)
            .map_err(|fault| Fault::new(fault.code, format!("The watermark: {}", fault.detail)))?;
        let size = self.size(canvas.size, logo.size);
        let part = Rectangle::whole(logo.size);
        let mark = resampled(&logo, part, size, &mut Resizer::new())?.widened(Channels::Rgba);
        let mut out = canvas.widened(coloured(canvas.channels));
        let (left, top) = place(canvas.size, self.margin, self.position, size);
        match self.repeat {
            Repeat::Once => stamp(&mut out, &mark, left, top, share(self.opacity)),
            Repeat::Tiled => {
                for y in self.grid(top, size.height, canvas.size.height) {
                    for x in self.grid(left, size.width, canvas.size.width) {
                        stamp(&mut out, &mark, x, y, share(self.opacity));
                    }
                }
            }
        }
        Ok(out)
    }
}

impl Watermark {
    /// The size of the mark on a picture.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a side, cut to 0–1"
    )]
    fn size(&self, picture: Size, logo: Size) -> Size {
        let scale = self.scale.get().clamp(0.0, 1.0);
        let side = |length: u32| (f64::from(length) * scale).round() as u32;
        let (_, inner) = room(picture, self.margin);
        let within =
            Size::new(side(picture.width).min(inner.width), side(picture.height).min(inner.height));
        logo.filling(within)
    }

    /// Every place along a side where a mark can be seen, one of which is `from`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few times a side"
    )]
    fn grid(&self, from: i64, mark: u32, side: u32) -> impl Iterator<Item = i64> + use<> {
        let gap = (f64::from(mark) * self.gap.get().clamp(0.0, 10.0)).round() as i64;
        let step = (i64::from(mark) + gap).max(1);
        let first = from.rem_euclid(step) - step;
        (first..i64::from(side)).step_by(step as usize)
    }
}

/// Whether a watermark can be made of a file; the fault is for whoever named it.
pub fn check(bytes: &[u8]) -> Result<(), Fault> {
    guarded(|| decoded(bytes)).map(drop)
}

/// The logo in linear light, upright.
fn decoded(bytes: &[u8]) -> Result<Canvas, Fault> {
    let mut rows = open_common(bytes, &LIMITS)?;
    let layout = rows.layout();
    let mut lines = Lines::new(layout, rows.colour(), Space::Srgb);
    let mut reducer = Reducer::new(layout, Shrink::NONE);
    let mut row = vec![0; layout.row_bytes()];
    for _ in 0..layout.height {
        if rows.read(&mut row)? == 0 {
            return Err(Fault::truncated("The picture ends before its last row."));
        }
        reducer.feed(lines.line(&row)?);
    }
    let samples = layout.width as usize * layout.channels.decoded().count();
    Ok(reducer.finish(samples).turned(layout.orientation))
}
