//! Effects: what changes how a picture looks, after it has its size. Each is one type in one file
//! of this folder, with its facts, its definition and its code together; the list below is the one
//! other place that names it.
//!
//! Colours are changed in the values that sRGB encodes, as CSS and SVG define it; what averages
//! pixels (blurs, squares, marks laid over) works in linear light. Both are done without the colour
//! of what is transparent: it has none.

mod assets;
mod blur;
mod curve;
mod encoded;
mod facts;
mod frame;
mod gauss;
pub(crate) mod lab;
mod matrix;
mod parse;
mod pixelate;
mod print;
mod redact;
mod schema;
mod sharpen;
mod tint;
mod vignette;
mod watermark;

use serde::{Deserialize, Serialize};

use crate::canvas::{Canvas, Form};
use crate::fault::Fault;

pub use assets::{AssetId, Assets};
pub use blur::Blur;
pub use curve::{Brightness, Contrast, Gamma, Invert};
pub use facts::{Default, Facts, Kind, Parameter};
pub use frame::{Border, RoundCorners};
pub(crate) use gauss::blurred;
pub use matrix::{ColorMatrix, Greyscale, Hue, Saturation, Sepia};
pub(crate) use parse::parse;
pub use pixelate::Pixelate;
pub use redact::{Redact, Style};
pub(crate) use schema::schema;
pub use sharpen::{Sharpen, Unsharp};
pub use tint::{Duotone, Tint};
pub use vignette::Vignette;
pub use watermark::{Repeat, Watermark, WatermarkText, check as check_asset};

impl Effect {
    /// The file that it needs.
    pub fn asset(&self) -> Option<&AssetId> {
        match self {
            Effect::Watermark(watermark) => Some(&watermark.image),
            _ => None,
        }
    }
}

/// What every effect says of itself.
trait Work {
    /// Its entry in [`Effect::CATALOGUE`].
    const FACTS: Facts;

    /// The form of the result.
    fn form(&self, before: Form) -> Form {
        before
    }

    /// An upper bound of the bytes needed beside the picture before and the one after.
    fn memory(&self, _before: Form) -> u64 {
        0
    }

    /// The picture with the effect.
    fn apply(&self, canvas: &Canvas, assets: &Assets) -> Result<Canvas, Fault>;
}

macro_rules! effects {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One effect, as plans write it: `{"blur": {"sigma": 2.0}}`, with every parameter.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub enum Effect {
            $($(#[$doc])* $name($name),)*
        }

        impl Effect {
            /// What is known of every effect, in the order of documentation.
            pub const CATALOGUE: &[Facts] = &[$(<$name as Work>::FACTS,)*];

            /// What is known of this one.
            pub fn facts(&self) -> Facts {
                match self {
                    $(Effect::$name(_) => <$name as Work>::FACTS,)*
                }
            }

            /// The form of the result.
            pub(crate) fn form(&self, before: Form) -> Form {
                match self {
                    $(Effect::$name(effect) => effect.form(before),)*
                }
            }

            /// An upper bound of the bytes needed beside the picture before and the one after.
            pub(crate) fn memory(&self, before: Form) -> u64 {
                match self {
                    $(Effect::$name(effect) => effect.memory(before),)*
                }
            }

            /// The picture with the effect.
            pub(crate) fn apply(&self, canvas: &Canvas, assets: &Assets) -> Result<Canvas, Fault> {
                match self {
                    $(Effect::$name(effect) => effect.apply(canvas, assets),)*
                }
            }
        }
    };
}

effects! {
    /// Colours give way to grey.
    Greyscale,
    /// The brown of old photographs.
    Sepia,
    /// More or less colour.
    Saturation,
    /// Colours turned around the circle of hues.
    Hue,
    /// Any mixture of red, green and blue.
    ColorMatrix,
    /// Lighter or darker.
    Brightness,
    /// Light and dark further apart or nearer.
    Contrast,
    /// Lighter or darker middle tones.
    Gamma,
    /// The negative.
    Invert,
    /// One hue for all.
    Tint,
    /// Shades between two colours.
    Duotone,
    /// Gaussian blur.
    Blur,
    /// Sharpening without halos.
    Sharpen,
    /// The unsharp mask.
    Unsharp,
    /// Large squares.
    Pixelate,
    /// Dark corners.
    Vignette,
    /// A frame.
    Border,
    /// Corners taken off.
    RoundCorners,
    /// A logo.
    Watermark,
    /// Words.
    WatermarkText,
    /// A rectangle hidden.
    Redact,
}
