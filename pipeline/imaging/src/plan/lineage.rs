//! How the pixels of a picture come about: from which average of the source, by which steps.

use serde::{Deserialize, Serialize};

use crate::canvas::Form;
use crate::colour::{Rgba, Space};
use crate::decimal::Decimal;
use crate::effects::Effect;
use crate::formats::{Channels, Header};
use crate::geometry::{Area, Fit, Orientation, Point, Size};
use crate::steps;

/// Everything that decides the pixels of a picture, given the source: the source is averaged by
/// [`shrink`](Lineage::shrink), turned upright, and taken through each of the
/// [`steps`](Lineage::steps) in turn. Without steps it is the averaged source itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lineage {
    /// The average in front.
    pub shrink: Shrink,
    /// The colours it is worked on in.
    #[serde(default, skip_serializing_if = "Space::is_srgb")]
    pub space: Space,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// Whole pixels of the source, as stored, that are averaged into one, in linear light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shrink {
    /// Columns; at least 1.
    pub across: u32,
    /// Rows; at least 1.
    pub down: u32,
}

/// One step. A message carries a [`Resample`] bare, as it did before there were other steps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// To a size that is known beforehand.
    Resample(Resample),
    /// Anything else.
    Change(Change),
}

/// One resampling, by Lanczos3 in linear light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resample {
    /// Columns of the result.
    pub width: u32,
    /// Rows of the result.
    pub height: u32,
    /// What of the picture before it is used.
    pub part: Part,
}

/// The part of a picture that is resampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it.
    Whole,
    /// The largest part of the result's aspect around the centre.
    Centre,
    /// The largest part of the result's aspect, as near to a point as the picture allows.
    Around(Point),
    /// The part of the result's aspect that draws the eye: see [`crate::attention`].
    Smart,
}

/// A step other than a resampling to a known size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Keeps a part, in shares of the picture.
    Crop(Area),
    /// Takes away the even border: what differs from the top left pixel by no more than
    /// `tolerance` (0–1, of the largest difference in any channel of sRGB) counts as border. A
    /// picture that is all border stays as it is.
    Trim {
        /// 0–1.
        tolerance: Decimal,
    },
    /// By quarters and mirrors.
    Turn(Orientation),
    /// Clockwise by any angle; the canvas grows to hold all of the picture.
    Rotate {
        /// −360 to 360.
        degrees: Decimal,
        /// What the corners are filled with.
        background: Rgba,
    },
    /// Resamples to the size that a box gives a picture whose own size only a
    /// [`Trim`](Change::Trim) before it decides.
    Fit {
        /// How it is brought into the box.
        fit: Fit,
        /// The box.
        within: Size,
        /// Whether a picture smaller than the box becomes larger.
        enlarge: bool,
        /// What of the picture is used.
        part: Part,
    },
    /// Lays the picture into a box that is as large or larger.
    Pad {
        /// The box.
        within: Size,
        /// Where in the box.
        at: Point,
        /// What surrounds it.
        background: Backdrop,
    },
    /// Changes how it looks.
    Effect(Effect),
}

/// What is seen where the picture is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backdrop {
    /// One colour.
    Color(Rgba),
    /// The picture itself, filling the box, blurred.
    Blurred,
}

impl Shrink {
    /// No averaging.
    pub const NONE: Shrink = Shrink { across: 1, down: 1 };

    /// Columns averaged, within what a sum of 32 bits holds.
    pub(crate) fn across(self) -> u32 {
        self.across.clamp(1, 1 << 16)
    }

    /// Rows averaged.
    pub(crate) fn down(self) -> u32 {
        self.down.clamp(1, 1 << 16)
    }

    /// The size of the averaged source, as stored. A last block may be partial.
    pub(crate) fn of(self, source: Size) -> Size {
        Size::new(source.width.div_ceil(self.across()), source.height.div_ceil(self.down()))
    }
}

impl Resample {
    pub(crate) fn size(self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl Step {
    /// The size of the result, or for what only pixels decide the most that it can be.
    pub fn size(&self, before: Size) -> Size {
        match self {
            Step::Resample(resample) => resample.size(),
            Step::Change(change) => change.size(before),
        }
    }
}

impl Change {
    fn size(&self, before: Size) -> Size {
        match self {
            Change::Crop(area) => area.of(before),
            Change::Trim { .. } => before,
            Change::Turn(orientation) => before.turned(*orientation),
            Change::Rotate { degrees, .. } => before.rotated(degrees.get()),
            Change::Fit { fit, within, enlarge: false, .. } => fit.size(before, *within),
            Change::Fit { fit, within, enlarge: true, .. } => fit.enlarged(before, *within),
            Change::Pad { within, .. } => *within,
            Change::Effect(effect) => {
                effect.form(Form { size: before, channels: Channels::Rgba }).size
            }
        }
    }
}

impl From<Resample> for Step {
    fn from(resample: Resample) -> Step {
        Step::Resample(resample)
    }
}

impl From<Change> for Step {
    fn from(change: Change) -> Step {
        Step::Change(change)
    }
}

impl Lineage {
    /// The averaged source that it begins with.
    pub(crate) fn base(&self) -> Lineage {
        Lineage { steps: Vec::new(), ..*self }
    }

    /// The picture that the last step is made from; `None` for an averaged source.
    pub(crate) fn parent(&self) -> Option<Lineage> {
        let (_, before) = self.steps.split_last()?;
        Some(Lineage { steps: before.to_vec(), ..*self })
    }

    /// The base, each intermediate, and the picture itself, in order of making.
    pub(crate) fn ancestry(&self) -> impl DoubleEndedIterator<Item = Lineage> {
        (0..=self.steps.len()).map(|steps| Lineage { steps: self.steps[..steps].to_vec(), ..*self })
    }

    /// The upright form of the picture, or the largest that it can have.
    pub(crate) fn form(&self, header: &Header) -> Form {
        let size = self.shrink.of(header.size()).turned(header.orientation);
        let base = Form { size, channels: header.channels.decoded() };
        self.steps.iter().fold(base, |form, step| steps::form(step, form))
    }
}
