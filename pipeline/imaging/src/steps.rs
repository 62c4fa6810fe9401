//! The steps that a picture goes through after it was averaged and turned upright, each a function
//! from a canvas to a canvas.

use fast_image_resize::Resizer;

use crate::attention;
use crate::canvas::{Canvas, Form, Rectangle};
use crate::colour::Rgba;
use crate::effects::Assets;
use crate::fault::Fault;
use crate::formats::Channels;
use crate::geometry::{Point, Size};
use crate::plan::{Backdrop, Change, Part, Resample, Step};
use crate::resample::{self, resampled};

mod pad;
mod rotate;
mod trim;

/// Which part of a picture a step takes. It is decided on the first picture of an animation and
/// holds for all of them, so that the frame does not jump.
pub(crate) type Decided = Rectangle;

/// What a step looks for in the pixels before it works on them; `None` where it need not look.
pub(crate) fn decide(step: &Step, canvas: &Canvas) -> Option<Decided> {
    match step {
        Step::Resample(Resample { part: Part::Smart, .. })
        | Step::Change(Change::Fit { part: Part::Smart, .. }) => {
            Some(attention::part(canvas, step.size(canvas.size)))
        }
        Step::Change(Change::Trim { tolerance }) => Some(trim::inner(canvas, tolerance.get())),
        _ => None,
    }
}

/// The picture after a step, with what was [decided](decide) for it.
pub(crate) fn apply(
    step: &Step,
    canvas: &Canvas,
    decided: Option<Decided>,
    assets: &Assets,
    resizer: &mut Resizer,
) -> Result<Canvas, Fault> {
    let part = |part: Part, size: Size| match part {
        Part::Whole => canvas.extent,
        Part::Centre => canvas.extent.around(Point::CENTRE, size),
        Part::Around(point) => canvas.extent.around(point, size),
        Part::Smart => decided.unwrap_or(canvas.extent),
    };
    match step {
        Step::Resample(to) => resampled(canvas, part(to.part, to.size()), to.size(), resizer),
        Step::Change(change) => match change {
            Change::Crop(area) => {
                let (left, top, size) = area.pixels(canvas.size);
                Ok(canvas.cut(left, top, size))
            }
            Change::Trim { .. } => {
                let inner = decided.unwrap_or_else(|| Rectangle::whole(canvas.size));
                Ok(trim::cut(canvas, inner))
            }
            Change::Turn(orientation) => Ok(canvas.clone().turned(*orientation)),
            Change::Rotate { degrees, background } => {
                Ok(rotate::rotated(canvas, degrees.get(), *background))
            }
            Change::Fit { part: of, .. } => {
                let size = step.size(canvas.size);
                resampled(canvas, part(*of, size), size, resizer)
            }
            Change::Pad { within, at, background } => {
                pad::padded(canvas, *within, *at, *background, resizer)
            }
            Change::Effect(effect) => effect.apply(canvas, assets),
        },
    }
}

/// Bytes that a step needs beside the picture before it and the one after it.
pub(crate) fn memory(step: &Step, before: Form) -> u64 {
    match step {
        Step::Resample(to) => resample::memory(before, to.size()),
        Step::Change(change) => match change {
            Change::Crop(_) | Change::Trim { .. } => 0,
            // A copy of the picture, which a coloured background may give four channels.
            Change::Turn(_) | Change::Rotate { .. } => before.size.pixels() * 8,
            Change::Fit { .. } => resample::memory(before, step.size(before.size)),
            Change::Pad { within, background, .. } => match background {
                Backdrop::Color(_) => before.size.pixels() * 8,
                Backdrop::Blurred => {
                    resample::memory(before, *within)
                        + within.pixels() * 16
                        + before.size.pixels() * 8
                }
            },
            Change::Effect(effect) => effect.memory(before),
        },
    }
}

/// The form of the result, or for what only pixels decide the largest that it can have.
pub(crate) fn form(step: &Step, before: Form) -> Form {
    let channels = match step {
        Step::Change(
            Change::Rotate { background, .. }
            | Change::Pad { background: Backdrop::Color(background), .. },
        ) => with(before.channels, *background),
        Step::Change(Change::Effect(effect)) => return effect.form(before),
        _ => before.channels,
    };
    Form { size: step.size(before.size), channels }
}

/// The channels that hold a picture and a colour beside it.
pub(crate) fn with(channels: Channels, colour: Rgba) -> Channels {
    let grey = channels.count() < 3 && colour.r == colour.g && colour.g == colour.b;
    let alpha = channels.has_alpha() || colour.a != u8::MAX;
    match (grey, alpha) {
        (true, false) => Channels::Grey,
        (true, true) => Channels::GreyAlpha,
        (false, false) => Channels::Rgb,
        (false, true) => Channels::Rgba,
    }
}
