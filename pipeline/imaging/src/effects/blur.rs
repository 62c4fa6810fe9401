//! Everything softer.

use serde::{Deserialize, Serialize};

use super::facts::{Default, Facts, Kind, Parameter};
use super::{Assets, Work, gauss};
use crate::canvas::{Canvas, Form};
use crate::decimal::Decimal;
use crate::fault::Fault;

/// Gaussian blur.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// The standard deviation in pixels of the variant.
    pub sigma: Decimal,
}

impl Work for Blur {
    const FACTS: Facts = Facts {
        name: "blur",
        summary: "Blurs the picture.",
        definition: "Convolution with a Gaussian, in linear light, premultiplied by alpha; outside \
                     the picture its border pixels go on. Below sigma 20 the Gaussian is cut at 3 \
                     sigma, from there on it is four extended box filters (Gwosdek et al., 2011) of \
                     the same standard deviation.",
        parameters: &[Parameter {
            name: "sigma",
            summary: "the standard deviation in pixels of the variant",
            kind: Kind::Number { least: 0.3, most: 250.0 },
            default: Default::Required,
        }],
    };

    fn memory(&self, before: Form) -> u64 {
        gauss::memory(before, self.sigma.get())
    }

    fn apply(&self, canvas: &Canvas, _: &Assets) -> Result<Canvas, Fault> {
        Ok(gauss::blurred(canvas, self.sigma.get()))
    }
}
