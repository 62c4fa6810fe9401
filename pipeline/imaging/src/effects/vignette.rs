//! Dark corners.

use serde::{Deserialize, Serialize};

use super::facts::{Default, Facts, Kind, Parameter, SHARE};
use super::{Assets, Work};
use crate::canvas::{Canvas, times};
use crate::decimal::Decimal;
use crate::fault::Fault;

/// Less light towards the corners, as lenses have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vignette {
    /// The light that the corners lose.
    pub strength: Decimal,
    /// Where it begins, on the way from the middle to a corner.
    pub radius: Decimal,
}

impl Work for Vignette {
    const FACTS: Facts = Facts {
        name: "vignette",
        summary: "Darkens the picture towards its corners.",
        definition: "Linear light is multiplied by 1 − `strength` × (3s² − 2s³), s = (d − `radius`) ÷ (1 − \
                     `radius`) cut to 0–1, where d is the distance of the pixel from the \
                     middle in shares of the half sides, divided by √2: 0 in the middle, 1 in the \
                     corners. Alpha stays.",
        parameters: &[
            Parameter {
                name: "strength",
                summary: "the share of their light that the corners lose",
                kind: SHARE,
                default: Default::Number(0.6),
            },
            Parameter {
                name: "radius",
                summary: "where the darkening begins: 0 is the middle, 1 the corners",
                kind: Kind::Number { least: 0.0, most: 0.95 },
                default: Default::Number(0.3),
            },
        ],
    };

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shares of 16 bits"
    )]
    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let mut out = canvas.clone();
        let channels = canvas.channels.count();
        let colours = if channels < 3 { 1 } else { 3 };
        let (strength, radius) = (self.strength.get(), self.radius.get().clamp(0.0, 0.95));
        let squares = |side: u32| -> Vec<f64> {
            let half = f64::from(side) / 2.0;
            (0..side).map(|at| ((f64::from(at) + 0.5) / half - 1.0).powi(2) / 2.0).collect()
        };
        let (across, down) = (squares(canvas.size.width), squares(canvas.size.height));
        let rows = out.samples.chunks_exact_mut(canvas.size.width as usize * channels);
        for (row, y) in rows.zip(&down) {
            for (pixel, x) in row.chunks_exact_mut(channels).zip(&across) {
                let distance = (x + y).sqrt();
                let s = ((distance - radius) / (1.0 - radius)).clamp(0.0, 1.0);
                let left = 1.0 - strength * s * s * (3.0 - 2.0 * s);
                let left = (left * 65_535.0 + 0.5) as u16;
                for sample in &mut pixel[..colours] {
                    *sample = times(*sample, left);
                }
            }
        }
        Ok(out)
    }
}
