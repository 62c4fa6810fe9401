//! A part of the picture made unrecognisable, for good.

use serde::{Deserialize, Serialize};

use super::facts::{Default, Facts, Kind, Parameter, SHARE};
use super::pixelate::level;
use super::{Assets, Work};
use crate::canvas::{Canvas, Form};
use crate::colour::Rgba;
use crate::decimal::Decimal;
use crate::fault::Fault;
use crate::steps::with;

/// A rectangle hidden.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redact {
    /// From the left, in shares of the picture.
    pub x: Decimal,
    /// From the top.
    pub y: Decimal,
    /// Across.
    pub width: Decimal,
    /// Down.
    pub height: Decimal,
    /// By what.
    pub style: Style,
    /// For [`Style::Fill`].
    pub color: Rgba,
}

/// How a part is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// One colour.
    Fill,
    /// A few squares of one colour each.
    Pixelate,
    /// The same few colours, running into each other.
    Blur,
}

/// The most averages across or down that are left of a part: from sixteen colours nobody reads a
/// number plate or knows a face, as has been done with blurs and finer squares.
const CELLS: usize = 4;

impl Work for Redact {
    const FACTS: Facts = Facts {
        name: "redact",
        summary: "Hides a rectangle for good.",
        definition: "The rectangle is grown to whole pixels. `fill` replaces it by `color`; \
                     `pixelate` by at most 4 × 4 cells, as square as they can be, each the average \
                     of its pixels in linear light; `blur` by the same averages, interpolated \
                     bilinearly between the middles of the cells. Nothing else of the pixels is left, \
                     so it cannot be undone. The other variants and the record's placeholder are made \
                     from the whole picture.",
        parameters: &[
            Parameter {
                name: "x",
                summary: "its left edge, in shares of the picture's width",
                kind: SHARE,
                default: Default::Required,
            },
            Parameter {
                name: "y",
                summary: "its top edge, in shares of the picture's height",
                kind: SHARE,
                default: Default::Required,
            },
            Parameter {
                name: "width",
                summary: "in shares of the picture's width; what lies outside is cut off",
                kind: Kind::Number { least: 0.001, most: 1.0 },
                default: Default::Required,
            },
            Parameter {
                name: "height",
                summary: "in shares of the picture's height",
                kind: Kind::Number { least: 0.001, most: 1.0 },
                default: Default::Required,
            },
            Parameter {
                name: "style",
                summary: "by what it is replaced",
                kind: Kind::Choice(&["fill", "pixelate", "blur"]),
                default: Default::Word("fill"),
            },
            Parameter {
                name: "color",
                summary: "of `fill`",
                kind: Kind::Color,
                default: Default::Word("#000000"),
            },
        ],
    };

    fn form(&self, before: Form) -> Form {
        match self.style {
            Style::Fill => Form { channels: with(before.channels, self.color), ..before },
            Style::Pixelate | Style::Blur => before,
        }
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let mut out = canvas.widened(self.form(canvas.form()).channels);
        let part = Part {
            left: span(self.x, self.width, canvas.size.width),
            top: span(self.y, self.height, canvas.size.height),
        };
        match self.style {
            Style::Fill => {
                let colour = out.channels.of(self.color);
                part.each(&mut out, |_, _, channel| colour[channel]);
            }
            Style::Pixelate => part.level(&mut out),
            Style::Blur => part.blur(&mut out),
        }
        Ok(out)
    }
}

/// From the first to after the last pixel of a side that the shares touch: at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the side"
)]
fn span(from: Decimal, length: Decimal, side: u32) -> std::ops::Range<usize> {
    let place = |share: f64| share.clamp(0.0, 1.0) * f64::from(side);
    let first = (place(from.get()).floor() as usize).min(side as usize - 1);
    let end = (place(from.get() + length.get()).ceil() as usize).clamp(first + 1, side as usize);
    first..end
}

struct Part {
    left: std::ops::Range<usize>,
    top: std::ops::Range<usize>,
}

impl Part {
    /// The side of a cell: the longer side has as many as there may be.
    fn cell(&self) -> usize {
        self.left.len().max(self.top.len()).div_ceil(CELLS).max(1)
    }

    fn level(&self, canvas: &mut Canvas) {
        let cell = self.cell();
        for top in self.top.clone().step_by(cell) {
            for left in self.left.clone().step_by(cell) {
                let columns = left..(left + cell).min(self.left.end);
                level(canvas, columns, top..(top + cell).min(self.top.end));
            }
        }
    }

    /// Writes every sample of the part: its place in the part, and its channel.
    fn each(&self, canvas: &mut Canvas, value: impl Fn(usize, usize, usize) -> u16) {
        let channels = canvas.channels.count();
        let row = canvas.size.width as usize * channels;
        let rows = canvas.samples.chunks_exact_mut(row).skip(self.top.start);
        for (y, line) in rows.take(self.top.len()).enumerate() {
            let part = &mut line[self.left.start * channels..self.left.end * channels];
            for (x, pixel) in part.chunks_exact_mut(channels).enumerate() {
                for (channel, sample) in pixel.iter_mut().enumerate() {
                    *sample = value(x, y, channel);
                }
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two samples of 16 bits"
    )]
    fn blur(&self, canvas: &mut Canvas) {
        self.level(canvas);
        let cell = self.cell();
        let channels = canvas.channels.count();
        let width = canvas.size.width as usize;
        let (across, down) = (self.left.len().div_ceil(cell), self.top.len().div_ceil(cell));
        let mut averages = Vec::with_capacity(across * down * channels);
        for y in 0..down {
            for x in 0..across {
                let pixel = (self.top.start + y * cell) * width + self.left.start + x * cell;
                averages.extend_from_slice(&canvas.samples[pixel * channels..][..channels]);
            }
        }
        let columns = between(self.left.len(), cell);
        let rows = between(self.top.len(), cell);
        self.each(canvas, |x, y, channel| {
            let at =
                |x: usize, y: usize| f64::from(averages[(y * across + x) * channels + channel]);
            let (left, right, share) = columns[x];
            let line = |y: usize| at(left, y) * (1.0 - share) + at(right, y) * share;
            let (above, below, share) = rows[y];
            (line(above) * (1.0 - share) + line(below) * share + 0.5) as u16
        });
    }
}

/// For each pixel of a side the two cells whose middles it lies between, and how near the second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places within a picture"
)]
fn between(length: usize, cell: usize) -> Vec<(usize, usize, f64)> {
    let last = length.div_ceil(cell) - 1;
    (0..length)
        .map(|at| {
            let place = ((at as f64 + 0.5) / cell as f64 - 0.5).clamp(0.0, last as f64);
            let first = place as usize;
            (first, (first + 1).min(last), place - first as f64)
        })
        .collect()
}
