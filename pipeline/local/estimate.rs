//! What AWS asks for running the cloud home: pure arithmetic over [counts](Counts) and [prices].
//!
//! Prices are exact, counts are counted where an emulator can count them ([`COUNTED`]), and the time of
//! functions is an input: nobody has measured it on AWS.

mod bill;
mod break_even;
mod counted;
mod counts;
pub mod prices;

use std::{fmt, str::FromStr};

use imaging::{Presets, When};
use serde::{Serialize, Serializer};

pub use self::{
    bill::{Line, Scenario},
    break_even::{BreakEven, Host},
    counted::{COUNTED, Counted, VARIANTS},
    counts::Counts,
    prices::Architecture,
};

/// A function, as it is set up and billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its memory.
    pub megabytes: u32,
    /// What one message or request is billed, on average, starts included.
    pub milliseconds: u32,
}

/// What is estimated for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inputs {
    /// What functions run on.
    pub architecture: Architecture,
    /// Variants made at upload.
    pub variants: u32,
    /// Bytes of an upload, on average.
    pub upload_bytes: u32,
    /// Bytes of a variant, on average.
    pub variant_bytes: u32,
    /// How often variants of an image are fetched in all.
    pub views: u32,
    /// Of a hundred views, those that the CDN answers itself.
    pub cache_hits: u32,
    /// Months that an image is kept.
    pub months_kept: u32,
    /// Messages that ingest and metadata are handed at once, at most the ten of one request.
    pub batch: u32,
    /// Bytes of logs that an image makes.
    pub log_bytes: u32,
    /// The function of the HTTP API.
    pub api: Function,
    /// The function of ingest, which hosts the fan-out.
    pub ingest: Function,
    /// The function of metadata.
    pub metadata: Function,
    /// The function of resize.
    pub resize: Function,
}

impl Default for Inputs {
    /// Photographs of phones, the built-in presets. None of the times was measured on AWS.
    fn default() -> Self {
        Self {
            architecture: Architecture::Arm,
            variants: built_in_variants(),
            // With six variants 3.6 MB an image, as the example of our study of costs has it.
            upload_bytes: 3_500_000,
            // Between those of 200 and of 800 pixels in benches/README.md, "Formats beside sharp".
            variant_bytes: 20_000,
            views: 10,
            cache_hits: 90,
            // The bill of the month in which they came; it grows by its storage every month.
            months_kept: 1,
            // What every load has; bigger ones come together only under a steady one.
            batch: 1,
            // Eight lines of ours and three of Lambda's for each of five invocations.
            log_bytes: 5_000,
            // That many are assumed; the other three are the example's.
            api: Function { megabytes: 512, milliseconds: 20 },
            ingest: Function { megabytes: 512, milliseconds: 120 },
            metadata: Function { megabytes: 512, milliseconds: 80 },
            resize: Function { megabytes: 1769, milliseconds: 600 },
        }
    }
}

fn built_in_variants() -> u32 {
    let at_upload = Presets::built_in().variants.values().filter(|it| it.when == When::Upload);
    at_upload.flat_map(|preset| &preset.formats).map(|_| 1).sum()
}

/// All that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// What it holds for.
    pub inputs: Inputs,
    /// What one image takes.
    pub per_image: Counts,
    /// A bill for each number of images a month.
    pub scenarios: Vec<Scenario>,
    /// Where containers are cheaper than functions.
    pub break_even: BreakEven,
}

impl Estimate {
    /// For these numbers of images a month.
    pub fn of(inputs: Inputs, images: &[u32]) -> Self {
        let per_image = Counts::of(&inputs);
        let scenarios = images.iter().map(|&images| Scenario::of(&inputs, images)).collect();
        let break_even = BreakEven::of(inputs.architecture, inputs.vcpu_seconds());
        Self { inputs, per_image, scenarios, break_even }
    }
}

impl Inputs {
    /// Seconds of a whole vCPU that the stages take for an image: what a container would do for them.
    pub fn vcpu_seconds(&self) -> f64 {
        let stages = [self.ingest, self.metadata, self.resize];
        stages.iter().map(|function| function.vcpu_seconds()).sum()
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.megabytes, self.milliseconds)
    }
}

impl FromStr for Function {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (megabytes, milliseconds) = text.split_once('x')?;
            Some(Self {
                megabytes: megabytes.parse().ok()?,
                milliseconds: milliseconds.parse().ok()?,
            })
        };
        let wanted = "megabytes and milliseconds are wanted, such as 1769x600: 128 to 10240 MB, 1 to 900000 ms";
        let fits = |function: &Self| {
            (128..=10_240).contains(&function.megabytes)
                && (1..=900_000).contains(&function.milliseconds)
        };
        read().filter(fits).ok_or_else(|| wanted.to_owned())
    }
}

impl Function {
    fn seconds(self) -> f64 {
        f64::from(self.milliseconds) / 1000.0
    }

    /// What one message is billed.
    fn gb_seconds(self) -> f64 {
        f64::from(self.megabytes) / 1024.0 * self.seconds()
    }

    fn vcpu_seconds(self) -> f64 {
        f64::from(self.megabytes) / prices::LAMBDA_MB_OF_A_VCPU * self.seconds()
    }
}

/// Amounts are said to a millionth: what is beyond is an artefact of binary fractions.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
fn rounded<S: Serializer>(amount: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((amount * 1e6).round() / 1e6)
}
