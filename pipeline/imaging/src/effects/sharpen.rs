//! What is sharp made sharper: the difference between a picture and its blurred copy is added to it.

use serde::{Deserialize, Serialize};

use super::encoded::{light, luma, srgb};
use super::facts::{Default, Facts, Kind, Parameter, SHARE};
use super::lab::{lab, lightness, of_lab};
use super::{Assets, Work, gauss};
use crate::canvas::{Canvas, Form, divided, times};
use crate::decimal::Decimal;
use crate::fault::Fault;

/// Sharpening of lightness that spares even areas and limits halos.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sharpen {
    /// The standard deviation of the blur, in pixels.
    pub sigma: Decimal,
    /// How much in even areas.
    pub flat: Decimal,
    /// How much at edges.
    pub jagged: Decimal,
}

const SIGMA: &str = "the standard deviation of the blurred copy, in pixels of the variant";

impl Work for Sharpen {
    const FACTS: Facts = Facts {
        name: "sharpen",
        summary: "Sharpens edges, and even areas less, without colour fringes or strong halos.",
        definition: "libvips' `sharpen`, as sharp has it: the difference d between L* of CIELAB and L* \
                     blurred by a Gaussian is mapped by a curve and added to L*. Up to 2 either way \
                     the curve is `flat` × d, beyond it 2 × `flat` + `jagged` × (|d| − 2), at most 10 \
                     up and 20 down; a* and b* stay. Where a picture is transparent it has no part in \
                     the blur.",
        parameters: &[
            Parameter {
                name: "sigma",
                summary: SIGMA,
                kind: Kind::Number { least: 0.3, most: 10.0 },
                default: Default::Number(0.6),
            },
            Parameter {
                name: "flat",
                summary: "how much in even areas",
                kind: Kind::Number { least: 0.0, most: 10.0 },
                default: Default::Number(1.0),
            },
            Parameter {
                name: "jagged",
                summary: "how much at edges",
                kind: Kind::Number { least: 0.0, most: 10.0 },
                default: Default::Number(2.0),
            },
        ],
    };

    fn memory(&self, before: Form) -> u64 {
        memory(before, self.sigma)
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let (flat, jagged) = (float(self.flat), float(self.jagged));
        Ok(changed(canvas, self.sigma, lightness, |seen, difference| {
            let size = difference.abs();
            let change = flat * size.min(2.0) + jagged * (size - 2.0).max(0.0);
            let change = if difference < 0.0 { -change.min(20.0) } else { change.min(10.0) };
            let [lightness, a, b] = lab(seen);
            of_lab([lightness + change, a, b])
        }))
    }
}

/// The darkroom's unsharp mask.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsharp {
    /// The standard deviation of the blur, in pixels.
    pub sigma: Decimal,
    /// How much of the difference is added.
    pub amount: Decimal,
    /// Differences below it are left alone.
    pub threshold: Decimal,
}

impl Work for Unsharp {
    const FACTS: Facts = Facts {
        name: "unsharp",
        summary: "Sharpens by an unsharp mask, with strength and threshold.",
        definition: "The difference between 0.2126 R + 0.7152 G + 0.0722 B of the sRGB-encoded values \
                     and the same blurred by a Gaussian is multiplied by `amount` and added to R, G \
                     and B, where it is at least `threshold`; of grey this is ImageMagick's \
                     `-unsharp`. Where a picture is transparent it has no part in the blur.",
        parameters: &[
            Parameter {
                name: "sigma",
                summary: SIGMA,
                kind: Kind::Number { least: 0.3, most: 20.0 },
                default: Default::Number(1.0),
            },
            Parameter {
                name: "amount",
                summary: "how much of the difference is added",
                kind: Kind::Number { least: 0.0, most: 10.0 },
                default: Default::Number(1.0),
            },
            Parameter {
                name: "threshold",
                summary: "differences below it are left alone; 1 is that of black and white",
                kind: SHARE,
                default: Default::Number(0.0),
            },
        ],
    };

    fn memory(&self, before: Form) -> u64 {
        memory(before, self.sigma)
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let (amount, threshold) = (float(self.amount), float(self.threshold));
        let table = srgb();
        let encoded = |seen: [u16; 3]| seen.map(|sample| table[usize::from(sample)]);
        Ok(changed(
            canvas,
            self.sigma,
            |seen| luma(encoded(seen)),
            |seen, difference| {
                if difference.abs() < threshold {
                    return seen;
                }
                encoded(seen).map(|value| light(value + amount * difference))
            },
        ))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the rest of a parameter's digits is no matter"
)]
fn float(value: Decimal) -> f32 {
    value.get() as f32
}

/// The blur is that of one measure and alpha, and is never by boxes.
fn sigma(of: Decimal) -> f64 {
    of.get().clamp(0.0, 50.0)
}

fn memory(before: Form, of: Decimal) -> u64 {
    // The measure and alpha, of as many rows as the filter is high.
    let reach = gauss::radius(sigma(of)) as u64;
    u64::from(before.size.width) * 8 * (2 * reach + 4) + 16 * reach
}

/// Each colour changed by how far its measure is from that of its surroundings.
fn changed(
    canvas: &Canvas,
    of: Decimal,
    measure: impl Fn([u16; 3]) -> f32,
    change: impl Fn([u16; 3], f32) -> [u16; 3],
) -> Canvas {
    let mut out = canvas.clone();
    let channels = canvas.channels.count();
    let alpha_at = canvas.channels.has_alpha().then(|| channels - 1);
    let width = canvas.size.width as usize;
    let rows: Vec<&[u16]> = canvas.samples.chunks_exact(width * channels).collect();
    let seen = |pixel: &[u16]| {
        let alpha = alpha_at.map_or(u16::MAX, |at| pixel[at]);
        let colour = if channels < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        if alpha == u16::MAX { (colour, alpha) } else { (colour.map(|s| divided(s, alpha)), alpha) }
    };
    // The measure weighed by alpha, and alpha: their quotient is blind to what is transparent.
    let planes = if alpha_at.is_some() { 2 } else { 1 };
    let read = |y: usize, into: &mut [f32]| {
        for (values, pixel) in into.chunks_exact_mut(planes).zip(rows[y].chunks_exact(channels)) {
            let (colour, alpha) = seen(pixel);
            if let [value, share] = values {
                *share = f32::from(alpha) / 65_535.0;
                *value = measure(colour) * *share;
            } else {
                values[0] = measure(colour);
            }
        }
    };
    let mut lines = out.samples.chunks_exact_mut(width * channels);
    gauss::convolved(rows.len(), width * planes, planes, sigma(of), read, |_, blurred| {
        let Some(line) = lines.next() else { return };
        for (pixel, around) in line.chunks_exact_mut(channels).zip(blurred.chunks_exact(planes)) {
            let (colour, alpha) = seen(pixel);
            if alpha == 0 {
                continue;
            }
            let mean = if let [value, share] = around { value / share } else { around[0] };
            let made = change(colour, measure(colour) - mean);
            let count = if channels < 3 { 1 } else { 3 };
            for (sample, value) in pixel[..count].iter_mut().zip(made) {
                *sample = times(value, alpha);
            }
        }
    });
    out
}
