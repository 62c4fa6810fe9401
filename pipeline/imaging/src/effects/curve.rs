//! Effects that map each of red, green and blue by one curve, in the values that sRGB encodes.

use serde::{Deserialize, Serialize};

use super::encoded::{each_sample, light, srgb};
use super::facts::{Default, Facts, Kind, Parameter, SHARE};
use super::{Assets, Work};
use crate::canvas::Canvas;
use crate::decimal::Decimal;
use crate::fault::Fault;

/// The picture with each encoded value mapped. The curve is tabled first: most pictures have more
/// samples than there are values.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the curve is computed in 64 bits and kept in the 32 that its table needs"
)]
fn curved(canvas: &Canvas, curve: impl Fn(f64) -> f64) -> Canvas {
    let table: Vec<u16> =
        srgb().iter().map(|value| light(curve(f64::from(*value)) as f32)).collect();
    each_sample(canvas, |sample| table.get(usize::from(sample)).copied().unwrap_or(sample))
}

/// Lighter or darker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brightness {
    /// 0 is black, 1 changes nothing.
    pub amount: Decimal,
}

impl Work for Brightness {
    const FACTS: Facts = Facts {
        name: "brightness",
        summary: "Makes the picture lighter or darker.",
        definition: "CSS `brightness()`: each sRGB-encoded value is multiplied by `amount` and cut at \
                     1 (Filter Effects Level 1).",
        parameters: &[Parameter {
            name: "amount",
            summary: "0 is black, 1 changes nothing, above 1 is lighter",
            kind: Kind::Number { least: 0.0, most: 10.0 },
            default: Default::Required,
        }],
    };

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let amount = self.amount.get();
        Ok(curved(canvas, |value| value * amount))
    }
}

/// Light and dark further apart or nearer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// 0 is grey, 1 changes nothing.
    pub amount: Decimal,
}

impl Work for Contrast {
    const FACTS: Facts = Facts {
        name: "contrast",
        summary: "Moves light and dark further apart or nearer.",
        definition: "CSS `contrast()`: each sRGB-encoded value goes to (value − ½) × `amount` + ½, cut \
                     to 0–1 (Filter Effects Level 1).",
        parameters: &[Parameter {
            name: "amount",
            summary: "0 is grey all over, 1 changes nothing, above 1 is harder",
            kind: Kind::Number { least: 0.0, most: 10.0 },
            default: Default::Required,
        }],
    };

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let amount = self.amount.get();
        Ok(curved(canvas, |value| (value - 0.5) * amount + 0.5))
    }
}

/// Lighter or darker middle tones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// 1 changes nothing, above 1 is lighter.
    pub gamma: Decimal,
}

impl Work for Gamma {
    const FACTS: Facts = Facts {
        name: "gamma",
        summary: "Makes the middle tones lighter or darker; black and white stay.",
        definition: "Each sRGB-encoded value goes to value^(1 ÷ `gamma`), as ImageMagick's `-gamma` \
                     and feComponentTransfer `gamma` with exponent 1 ÷ `gamma` (Filter Effects Level \
                     1).",
        parameters: &[Parameter {
            name: "gamma",
            summary: "1 changes nothing, above 1 is lighter, below darker",
            kind: Kind::Number { least: 0.1, most: 10.0 },
            default: Default::Required,
        }],
    };

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let exponent = 1.0 / self.gamma.get().clamp(0.1, 10.0);
        Ok(curved(canvas, |value| libm::pow(value, exponent)))
    }
}

/// The negative.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invert {
    /// 1 is the negative, 0 changes nothing.
    pub amount: Decimal,
}

impl Work for Invert {
    const FACTS: Facts = Facts {
        name: "invert",
        summary: "Turns the picture to its negative.",
        definition: "CSS `invert()`: each sRGB-encoded value goes to `amount` + value × (1 − 2 × \
                     `amount`), which at 1 is 1 − value (Filter Effects Level 1). Alpha stays.",
        parameters: &[Parameter {
            name: "amount",
            summary: "1 is the negative, 0 changes nothing",
            kind: SHARE,
            default: Default::Number(1.0),
        }],
    };

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let amount = self.amount.get();
        Ok(curved(canvas, |value| amount + value * (1.0 - 2.0 * amount)))
    }
}
