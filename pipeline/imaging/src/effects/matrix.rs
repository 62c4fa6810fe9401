//! Effects that mix red, green and blue by a matrix, in the values that sRGB encodes: the colour
//! matrices of Filter Effects Level 1 (W3C, 2018), with which browsers draw the same.

use serde::{Deserialize, Serialize};

use super::encoded::{Encoded, LUMA, coloured, each_colour, grey};
use super::facts::{Default, Facts, Kind, Parameter, SHARE};
use super::{Assets, Work};
use crate::canvas::{Canvas, Form};
use crate::decimal::Decimal;
use crate::fault::Fault;

/// Three rows of shares of red, green, blue and one.
type Matrix = [[f32; 4]; 3];

fn mix(matrix: &Matrix, seen: Encoded) -> Encoded {
    matrix.map(|[red, green, blue, one]| red * seen[0] + green * seen[1] + blue * seen[2] + one)
}

fn mixed(canvas: &Canvas, form: Form, matrix: &Matrix) -> Canvas {
    each_colour(canvas, form.channels, |seen| mix(matrix, seen))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the rest of a parameter's digits is no matter"
)]
fn float(value: f64) -> f32 {
    value as f32
}

/// A matrix of CSS's, between that of all `at` one and that of no change, or beyond it.
fn towards(full: [[f64; 3]; 3], at: f64) -> Matrix {
    let mut matrix = [[0.0; 4]; 3];
    for (row, (out, wanted)) in matrix.iter_mut().zip(full).enumerate() {
        for (column, (out, wanted)) in out.iter_mut().zip(wanted).enumerate() {
            let same = if row == column { 1.0 } else { 0.0 };
            *out = float(same + (wanted - same) * at);
        }
    }
    matrix
}

/// Every row is CSS's luminance.
const GREY: [[f64; 3]; 3] = [[0.2126, 0.7152, 0.0722]; 3];

/// Colours give way to grey.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Greyscale {
    /// 1 is all grey, 0 changes nothing.
    pub amount: Decimal,
}

impl Work for Greyscale {
    const FACTS: Facts = Facts {
        name: "greyscale",
        summary: "Turns colours to grey.",
        definition: "CSS `grayscale()`: each of red, green and blue goes towards 0.2126 R + 0.7152 G \
                     + 0.0722 B of the sRGB-encoded values (Filter Effects Level 1). At 1 the \
                     file holds one channel.",
        parameters: &[Parameter {
            name: "amount",
            summary: "1 is all grey, 0 changes nothing",
            kind: SHARE,
            default: Default::Number(1.0),
        }],
    };

    fn form(&self, before: Form) -> Form {
        if self.amount == Decimal::whole(1) {
            Form { channels: grey(before.channels), ..before }
        } else {
            before
        }
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let form = self.form(canvas.form());
        if self.amount == Decimal::whole(1) {
            let row = [LUMA[0], LUMA[1], LUMA[2], 0.0];
            return Ok(mixed(canvas, form, &[row; 3]));
        }
        Ok(mixed(canvas, form, &towards(GREY, self.amount.get())))
    }
}

/// The brown of old photographs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sepia {
    /// 1 is all brown, 0 changes nothing.
    pub amount: Decimal,
}

impl Work for Sepia {
    const FACTS: Facts = Facts {
        name: "sepia",
        summary: "Turns colours to the brown of old photographs.",
        definition: "CSS `sepia()`: R′ = 0.393 R + 0.769 G + 0.189 B, G′ = 0.349 R + 0.686 G + \
                     0.168 B, B′ = 0.272 R + 0.534 G + 0.131 B of the sRGB-encoded values, cut at 1, \
                     at `amount` 1; between that and no change below (Filter Effects Level 1).",
        parameters: &[Parameter {
            name: "amount",
            summary: "1 is all brown, 0 changes nothing",
            kind: SHARE,
            default: Default::Number(1.0),
        }],
    };

    fn form(&self, before: Form) -> Form {
        Form { channels: coloured(before.channels), ..before }
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        const BROWN: [[f64; 3]; 3] =
            [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]];
        Ok(mixed(canvas, self.form(canvas.form()), &towards(BROWN, self.amount.get())))
    }
}

/// Every row is the luminance of SVG's matrices, which are rounded to three digits.
const SAME: [[f64; 3]; 3] = [[0.213, 0.715, 0.072]; 3];
/// What the cosine and the sine of a turn are multiplied by in SVG's `hueRotate`.
const COSINE: [[f64; 3]; 3] =
    [[0.787, -0.715, -0.072], [-0.213, 0.285, -0.072], [-0.213, -0.715, 0.928]];
const SINE: [[f64; 3]; 3] =
    [[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]];

/// More or less colour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saturation {
    /// 0 is grey, 1 changes nothing.
    pub amount: Decimal,
}

impl Work for Saturation {
    const FACTS: Facts = Facts {
        name: "saturation",
        summary: "Makes colours stronger or weaker.",
        definition: "CSS `saturate()`: each of red, green and blue goes to L + `amount` × (value − \
                     L), where L = 0.213 R + 0.715 G + 0.072 B of the sRGB-encoded values, cut to \
                     0–1 (Filter Effects Level 1; feColorMatrix `saturate`).",
        parameters: &[Parameter {
            name: "amount",
            summary: "0 is grey, 1 changes nothing, above 1 colours are stronger",
            kind: Kind::Number { least: 0.0, most: 10.0 },
            default: Default::Required,
        }],
    };

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        if canvas.channels.count() < 3 {
            return Ok(canvas.clone());
        }
        Ok(mixed(canvas, canvas.form(), &towards(SAME, 1.0 - self.amount.get())))
    }
}

/// Colours turned around the circle of hues.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hue {
    /// How far.
    pub degrees: Decimal,
}

impl Work for Hue {
    const FACTS: Facts = Facts {
        name: "hue",
        summary: "Turns all colours around the circle of hues.",
        definition: "CSS `hue-rotate()`: the matrix of feColorMatrix `hueRotate`, a turn around the \
                     grey axis that keeps 0.213 R + 0.715 G + 0.072 B of the sRGB-encoded values, \
                     cut to 0–1 (Filter Effects Level 1).",
        parameters: &[Parameter {
            name: "degrees",
            summary: "how far; 120 takes red to green",
            kind: Kind::Number { least: -360.0, most: 360.0 },
            default: Default::Required,
        }],
    };

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        if canvas.channels.count() < 3 {
            return Ok(canvas.clone());
        }
        let (sine, cosine) = libm::sincos(self.degrees.get().to_radians());
        let mut matrix = [[0.0; 4]; 3];
        for (row, out) in matrix.iter_mut().enumerate() {
            for (column, out) in out.iter_mut().take(3).enumerate() {
                *out = float(
                    SAME[row][column] + cosine * COSINE[row][column] + sine * SINE[row][column],
                );
            }
        }
        Ok(mixed(canvas, canvas.form(), &matrix))
    }
}

/// Any mixture of red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColorMatrix {
    /// Three rows of four, for red, green and blue: shares of red, green, blue, and what is added.
    pub values: [Decimal; 12],
}

impl Work for ColorMatrix {
    const FACTS: Facts = Facts {
        name: "color_matrix",
        summary: "Mixes red, green and blue by a matrix.",
        definition: "feColorMatrix `matrix` without alpha: R′ = v₁ R + v₂ G + v₃ B + v₄ and so on for \
                     G′ and B′, of the sRGB-encoded values in 0–1, cut to 0–1 (Filter Effects Level \
                     1). Alpha stays, so that what is transparent stays so.",
        parameters: &[Parameter {
            name: "values",
            summary: "three rows of four, for red, green and blue: shares of red, green and blue, and \
                      what is added (1 is white)",
            kind: Kind::Numbers { count: 12, least: -10.0, most: 10.0 },
            default: Default::Required,
        }],
    };

    fn form(&self, before: Form) -> Form {
        Form { channels: coloured(before.channels), ..before }
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let (rows, _) = self.values.as_chunks::<4>();
        let mut matrix = [[0.0; 4]; 3];
        for (out, row) in matrix.iter_mut().zip(rows) {
            *out = row.map(|value| float(value.get()));
        }
        Ok(mixed(canvas, self.form(canvas.form()), &matrix))
    }
}
