//! Words over the picture.

use serde::{Deserialize, Serialize};

use super::glyphs::Setting;
use super::{MARGIN, OPACITY, POSITION, place, room, share, stamp};
use crate::canvas::{Canvas, Form, times};
use crate::colour::Rgba;
use crate::decimal::Decimal;
use crate::effects::encoded::coloured;
use crate::effects::facts::{Default, Facts, Kind, Parameter};
use crate::effects::{Assets, Work, gauss};
use crate::fault::Fault;
use crate::formats::Channels;
use crate::geometry::Point;

/// Text laid over the picture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatermarkText {
    /// What it says, in one or more lines.
    pub text: String,
    /// Where, inside the margin.
    pub position: Point,
    /// In shares of the shorter side.
    pub margin: Decimal,
    /// Of an em, in shares of the shorter side.
    pub size: Decimal,
    /// Of the letters.
    pub color: Rgba,
    /// Of a shadow below them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Rgba>,
    /// Of a line around them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<Rgba>,
    /// 0–1, of all together.
    pub opacity: Decimal,
}

/// Of a shadow, in ems: how far to the right and down, and how soft.
const SHADOW: (f32, f64) = (0.05, 0.05);
/// Of an outline: the standard deviation of its blur in ems, and how often it is multiplied.
const OUTLINE: (f64, u32) = (0.03, 8);
/// What is left of both at this distance in ems cannot be seen.
const AROUND: f32 = 0.25;

impl Work for WatermarkText {
    const FACTS: Facts = Facts {
        name: "watermark_text",
        summary: "Writes text over the picture.",
        definition: "Set in Inter Medium (SIL Open Font License), the one font compiled in, left to \
                     right without kerning or ligatures; an em is `size` × the picture's shorter \
                     side, or less where the text would not fit inside the margin. Laid over the \
                     picture (Porter and Duff 1984, \"over\") in linear light, in this order: the \
                     shadow, 0.05 em to the right and down, blurred by a Gaussian of 0.05 em; the \
                     outline, which is the text blurred by a Gaussian of 0.03 em, multiplied by 8 and \
                     cut at 1; the text.",
        parameters: &[
            Parameter {
                name: "text",
                summary: "what is written; a line break begins a new line",
                kind: Kind::Text { most: 200 },
                default: Default::Required,
            },
            POSITION,
            MARGIN,
            Parameter {
                name: "size",
                summary: "of an em, in shares of the picture's shorter side",
                kind: Kind::Number { least: 0.01, most: 1.0 },
                default: Default::Number(0.06),
            },
            Parameter {
                name: "color",
                summary: "of the letters",
                kind: Kind::Color,
                default: Default::Word("#ffffff"),
            },
            Parameter {
                name: "shadow",
                summary: "the colour of a soft shadow",
                kind: Kind::Color,
                default: Default::Absent,
            },
            Parameter {
                name: "outline",
                summary: "the colour of a line around the letters",
                kind: Kind::Color,
                default: Default::Absent,
            },
            OPACITY,
        ],
    };

    fn form(&self, before: Form) -> Form {
        let grey = |colour: &Rgba| colour.r == colour.g && colour.g == colour.b;
        let colours = [Some(self.color), self.shadow, self.outline];
        let channels = if colours.iter().flatten().all(grey) {
            before.channels
        } else {
            coloured(before.channels)
        };
        Form { channels, ..before }
    }

    fn memory(&self, before: Form) -> u64 {
        // Coverage, a blurred copy with what the blur needs, a layer and the mark, each on the picture's
        // area and the border of the text around it.
        let around = u64::from(before.size.width.min(before.size.height)) / 4 + 4;
        let (width, height) = (u64::from(before.size.width), u64::from(before.size.height));
        let area = (width + 2 * around) * (height + 2 * around);
        area * (2 + 6 + 8 + 8) + (1 << 20)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "fractions of an em, which is no larger than the picture"
    )]
    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let mut out = canvas.widened(self.form(canvas.form()).channels);
        let shorter = f64::from(canvas.size.width.min(canvas.size.height));
        let em = (self.size.get().clamp(0.0, 1.0) * shorter) as f32;
        let (_, inner) = room(canvas.size, self.margin);
        let setting = Setting::new(&self.text, em).within(inner);
        let em = setting.em();
        // Letters of less than a pixel cannot be seen.
        if em < 1.0 || self.text.trim().is_empty() {
            return Ok(out);
        }
        let around = (em * AROUND).ceil() as u32;
        let coverage = setting.coverage(around);
        let mut mark = Canvas::empty(coverage.size, Channels::Rgba);
        if let Some(colour) = self.shadow {
            let soft = gauss::blurred(&coverage, f64::from(em) * SHADOW.1);
            let off = i64::from((em * SHADOW.0).round() as u32);
            colour_in(&mut mark, &soft, colour, off);
        }
        if let Some(colour) = self.outline {
            let mut wide = gauss::blurred(&coverage, f64::from(em) * OUTLINE.0);
            for sample in &mut wide.samples {
                let more = u32::from(*sample) * OUTLINE.1;
                *sample = u16::try_from(more).unwrap_or(u16::MAX);
            }
            colour_in(&mut mark, &wide, colour, 0);
        }
        colour_in(&mut mark, &coverage, self.color, 0);
        let (left, top) = place(canvas.size, self.margin, self.position, setting.size());
        let around = i64::from(around);
        stamp(&mut out, &mark, left - around, top - around, share(self.opacity));
        Ok(out)
    }
}

/// Lays a colour over a mark where coverage says, moved to the right and down.
fn colour_in(mark: &mut Canvas, coverage: &Canvas, colour: Rgba, off: i64) {
    let light = colour.light();
    let mut layer = Canvas::empty(coverage.size, Channels::Rgba);
    let (pixels, _) = layer.samples.as_chunks_mut::<4>();
    for (pixel, share) in pixels.iter_mut().zip(&coverage.samples) {
        *pixel = light.map(|sample| times(sample, *share));
    }
    stamp(mark, &layer, off, off, u16::MAX);
}
