//! A picture of a few large squares.

use serde::{Deserialize, Serialize};

use super::facts::{Default, Facts, Kind, Parameter};
use super::{Assets, Work};
use crate::canvas::Canvas;
use crate::fault::Fault;

/// Squares of one colour each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pixelate {
    /// Their side in pixels of the variant.
    pub size: u32,
}

impl Work for Pixelate {
    const FACTS: Facts = Facts {
        name: "pixelate",
        summary: "Makes the picture of large squares.",
        definition: "Each square of `size` × `size` pixels, counted from the top left, becomes the \
                     average of its pixels, in linear light, premultiplied by alpha; the last of a row \
                     or column are as large as there is room.",
        parameters: &[Parameter {
            name: "size",
            summary: "the side of a square in pixels of the variant",
            kind: Kind::Whole { least: 2, most: 1_000 },
            default: Default::Required,
        }],
    };

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let mut out = canvas.clone();
        let side = self.size.max(1) as usize;
        let (width, height) = (canvas.size.width as usize, canvas.size.height as usize);
        for top in (0..height).step_by(side) {
            for left in (0..width).step_by(side) {
                level(&mut out, left..(left + side).min(width), top..(top + side).min(height));
            }
        }
        Ok(out)
    }
}

/// Makes a part of a picture one colour: its average.
pub(super) fn level(
    canvas: &mut Canvas,
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
) {
    let channels = canvas.channels.count();
    let row = canvas.size.width as usize * channels;
    let part = columns.start * channels..columns.end * channels;
    let mut sums = [0_u64; 4];
    for line in canvas.samples.chunks_exact(row).take(rows.end).skip(rows.start) {
        for pixel in line[part.clone()].chunks_exact(channels) {
            for (sum, sample) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*sample);
            }
        }
    }
    let count = (columns.len() * rows.len()).max(1) as u64;
    let average = sums.map(|sum| u16::try_from((sum + count / 2) / count).unwrap_or(u16::MAX));
    for line in canvas.samples.chunks_exact_mut(row).take(rows.end).skip(rows.start) {
        for pixel in line[part.clone()].chunks_exact_mut(channels) {
            pixel.copy_from_slice(&average[..channels]);
        }
    }
}
