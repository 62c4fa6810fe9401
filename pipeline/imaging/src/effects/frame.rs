//! What is done to the edges of a picture: a border around it, corners taken off.

use serde::{Deserialize, Serialize};

use super::encoded::covered;
use super::facts::{Default, Facts, Kind, Parameter};
use super::{Assets, Work};
use crate::canvas::{Canvas, Form, times};
use crate::colour::Rgba;
use crate::decimal::Decimal;
use crate::fault::Fault;
use crate::geometry::Size;
use crate::steps::with;

/// A frame of one colour around the picture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Border {
    /// How wide, in pixels.
    pub width: u32,
    /// Its colour.
    pub color: Rgba,
}

impl Work for Border {
    const FACTS: Facts = Facts {
        name: "border",
        summary: "Lays a border around the picture.",
        definition: "The result is larger by `width` pixels on each side, which have `color`; the \
                     picture is not changed.",
        parameters: &[
            Parameter {
                name: "width",
                summary: "in pixels of the variant, which grows by twice as many",
                kind: Kind::Whole { least: 1, most: 1_000 },
                default: Default::Required,
            },
            Parameter {
                name: "color",
                summary: "what it is filled with",
                kind: Kind::Color,
                default: Default::Word("#ffffff"),
            },
        ],
    };

    fn form(&self, before: Form) -> Form {
        let side = |length: u32| length.saturating_add(self.width.saturating_mul(2));
        let size = Size::new(side(before.size.width), side(before.size.height));
        Form { size, channels: with(before.channels, self.color) }
    }

    fn memory(&self, before: Form) -> u64 {
        Form { channels: self.form(before).channels, ..before }.samples() * 2
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let Form { size, channels } = self.form(canvas.form());
        let mut out = Canvas::empty(size, channels);
        let (colour, count) = (channels.of(self.color), channels.count());
        for pixel in out.samples.chunks_exact_mut(count) {
            pixel.copy_from_slice(&colour[..count]);
        }
        let inner = canvas.widened(channels);
        let from = inner.size.width as usize * count;
        let (left, top) = (self.width as usize * count, self.width as usize);
        let rows = out.samples.chunks_exact_mut(size.width as usize * count).skip(top);
        for (row, seen) in rows.zip(inner.samples.chunks_exact(from)) {
            row[left..left + from].copy_from_slice(seen);
        }
        Ok(out)
    }
}

/// Corners taken off along a circle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundCorners {
    /// The radius of the circle in shares of the shorter side.
    pub radius: Decimal,
}

impl Work for RoundCorners {
    const FACTS: Facts = Facts {
        name: "round_corners",
        summary: "Rounds the corners; what is cut off becomes transparent.",
        definition: "Alpha is multiplied by the share of each pixel that lies inside a rectangle with \
                     circular corners (256 points of a pixel are asked). The radius is `radius` × the \
                     shorter side. Formats without alpha show white there.",
        parameters: &[Parameter {
            name: "radius",
            summary: "in shares of the shorter side; 0.5 makes a circle of a square",
            kind: Kind::Number { least: 0.0, most: 0.5 },
            default: Default::Number(0.1),
        }],
    };

    fn form(&self, before: Form) -> Form {
        Form { channels: covered(before.channels), ..before }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a radius is at most half a side"
    )]
    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let mut out = canvas.widened(covered(canvas.channels));
        let channels = out.channels.count();
        let (width, height) = (canvas.size.width as usize, canvas.size.height as usize);
        let shorter = f64::from(canvas.size.width.min(canvas.size.height));
        let radius = self.radius.get().clamp(0.0, 0.5) * shorter;
        let reach = radius.ceil() as usize;
        let mut fade = |x: usize, y: usize, share: u16| {
            let at = (y * width + x) * channels;
            for sample in &mut out.samples[at..at + channels] {
                *sample = times(*sample, share);
            }
        };
        let mirrored = |at: usize, side: usize| [at, side - 1 - at];
        for y in 0..reach.min(height.div_ceil(2)) {
            for x in 0..reach.min(width.div_ceil(2)) {
                let share = covered_share(x, y, radius);
                if share == u16::MAX {
                    break;
                }
                // A row or column in the middle is its own mirror image, and is faded once.
                let columns = mirrored(x, width);
                let rows = mirrored(y, height);
                for &row in &rows[..if rows[0] == rows[1] { 1 } else { 2 }] {
                    for &column in &columns[..if columns[0] == columns[1] { 1 } else { 2 }] {
                        fade(column, row, share);
                    }
                }
            }
        }
        Ok(out)
    }
}

/// How much of a pixel near the top left corner lies within the circle whose centre is `radius` from
/// both edges, or beyond its centre.
#[expect(clippy::cast_precision_loss, reason = "places within a picture")]
fn covered_share(x: usize, y: usize, radius: f64) -> u16 {
    let (near_x, near_y) = ((radius - x as f64).max(0.0), (radius - y as f64).max(0.0));
    let (far_x, far_y) = ((near_x - 1.0).max(0.0), (near_y - 1.0).max(0.0));
    if near_x * near_x + near_y * near_y <= radius * radius {
        return u16::MAX;
    }
    if far_x * far_x + far_y * far_y >= radius * radius {
        return 0;
    }
    let place = |at: usize, step: u32| {
        (radius - at as f64 - (f64::from(step) + 0.5) / 16.0).max(0.0).powi(2)
    };
    let mut inside = 0_u32;
    for row in 0..16 {
        let down = place(y, row);
        for column in 0..16 {
            inside += u32::from(place(x, column) + down <= radius * radius);
        }
    }
    u16::try_from(inside * 65_535 / 256).unwrap_or(u16::MAX)
}
