//! A picture in shades of one or two colours.

use serde::{Deserialize, Serialize};

use super::encoded::{coloured, each_colour, each_light, encoded, luma};
use super::facts::{Default, Facts, Kind, Parameter, SHARE};
use super::lab::{lab, of_lab};
use super::{Assets, Work};
use crate::canvas::{Canvas, Form};
use crate::colour::Rgba;
use crate::decimal::Decimal;
use crate::fault::Fault;

/// One hue for all, lightness kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tint {
    /// Whose hue; its lightness and alpha are no matter.
    pub color: Rgba,
    /// 1 leaves nothing of the picture's own colours.
    pub amount: Decimal,
}

impl Work for Tint {
    const FACTS: Facts = Facts {
        name: "tint",
        summary: "Gives the whole picture the hue of one colour, and keeps its lightness.",
        definition: "In CIELAB (white D65), L* stays and a*, b* go by `amount` towards those of \
                     `color`; what sRGB does not have is cut, channel by channel, in linear light.",
        parameters: &[
            Parameter {
                name: "color",
                summary: "whose hue; its lightness and alpha are no matter",
                kind: Kind::Color,
                default: Default::Required,
            },
            Parameter {
                name: "amount",
                summary: "1 leaves nothing of the picture's own colours, 0 changes nothing",
                kind: SHARE,
                default: Default::Number(1.0),
            },
        ],
    };

    fn form(&self, before: Form) -> Form {
        Form { channels: coloured(before.channels), ..before }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a share as a 32-bit float")]
    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let [red, green, blue, _] = Rgba { a: u8::MAX, ..self.color }.light();
        let [_, to_a, to_b] = lab([red, green, blue]);
        let amount = self.amount.get() as f32;
        Ok(each_light(canvas, self.form(canvas.form()).channels, |seen| {
            let [lightness, a, b] = lab(seen);
            of_lab([lightness, a + (to_a - a) * amount, b + (to_b - b) * amount])
        }))
    }
}

/// Shades between two colours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duotone {
    /// What black becomes.
    pub dark: Rgba,
    /// What white becomes.
    pub light: Rgba,
}

impl Work for Duotone {
    const FACTS: Facts = Facts {
        name: "duotone",
        summary: "Shows the picture in shades between two colours.",
        definition: "The CSS luminance of each pixel, t = 0.2126 R + 0.7152 G + 0.0722 B of the \
                     sRGB-encoded values, gives `dark` + t × (`light` − `dark`), sRGB-encoded: \
                     `grayscale(1)` followed by feComponentTransfer `table` with two values (Filter \
                     Effects Level 1). Alpha of the colours is no matter, that of the picture stays.",
        parameters: &[
            Parameter {
                name: "dark",
                summary: "what black becomes",
                kind: Kind::Color,
                default: Default::Required,
            },
            Parameter {
                name: "light",
                summary: "what white becomes",
                kind: Kind::Color,
                default: Default::Required,
            },
        ],
    };

    fn form(&self, before: Form) -> Form {
        Form { channels: coloured(before.channels), ..before }
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        let (dark, light) = (encoded(self.dark), encoded(self.light));
        Ok(each_colour(canvas, self.form(canvas.form()).channels, |seen| {
            let at = luma(seen);
            [0, 1, 2].map(|channel| dark[channel] + at * (light[channel] - dark[channel]))
        }))
    }
}
