//! Pictures in another size: separable convolution in linear light.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U16, U16x2, U16x3, U16x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::canvas::{Canvas, Form, Rectangle};
use crate::fault::Fault;
use crate::geometry::Size;

/// What [`resampled`] allocates beside its result, in bytes: the picture after the vertical pass,
/// the picture with headroom where it has alpha, and a filter's coefficients.
pub(crate) fn memory(from: Form, to: Size) -> u64 {
    let between = u64::from(from.size.width) * u64::from(to.height);
    let taps = 16 * (u64::from(from.size.width) + u64::from(from.size.height))
        + 64 * (u64::from(to.width) + u64::from(to.height));
    let halved = if from.channels.has_alpha() { from.samples() * 2 } else { 0 };
    between * from.channels.count() as u64 * 2 + halved + taps * 8
}

/// A part of a picture in another size, by Lanczos3 (Duchon 1979), widened by the reduction; each
/// part of 16 bits, rounded after each of the two passes. Rows are combined first: that is the
/// cheaper direction, and leaves the other one fewer of them.
///
/// Beside what is not seen, the filter overshoots in colour and alpha alike. Alpha alone would be
/// cut, which leaves the colour too light: such pictures are halved, so that nothing is cut before
/// the colour can be put right.
pub(crate) fn resampled(
    canvas: &Canvas,
    part: Rectangle,
    size: Size,
    resizer: &mut Resizer,
) -> Result<Canvas, Fault> {
    let channels = canvas.channels.count();
    let opaque = |pixel: &[u16]| pixel[channels - 1] == u16::MAX;
    if !canvas.channels.has_alpha() || canvas.samples.chunks_exact(channels).all(opaque) {
        return passes(canvas, part, size, resizer);
    }
    let samples = canvas.samples.iter().map(|sample| sample.div_ceil(2)).collect();
    let halved = Canvas { samples, ..*canvas };
    let mut out = passes(&halved, part, size, resizer)?;
    for pixel in out.samples.chunks_exact_mut(channels) {
        doubled(pixel);
    }
    Ok(out)
}

/// Takes the halving back, and what is more than all of alpha from all samples.
fn doubled(pixel: &mut [u16]) {
    let alpha = pixel.last().map_or(0, |alpha| u64::from(*alpha) * 2);
    for sample in pixel {
        let twice = u64::from(*sample) * 2;
        // Rounding may leave an opaque pixel one short.
        let value = if alpha < 65_534 { twice } else { (twice * 65_535 + alpha / 2) / alpha };
        *sample = u16::try_from(value).unwrap_or(u16::MAX);
    }
}

fn passes(
    canvas: &Canvas,
    part: Rectangle,
    size: Size,
    resizer: &mut Resizer,
) -> Result<Canvas, Fault> {
    let rows = Rectangle { left: 0.0, width: f64::from(canvas.size.width), ..part };
    let between = Size::new(canvas.size.width, size.height);
    let between = convolved(canvas, between, rows, resizer)?;
    let columns = Rectangle { top: 0.0, height: f64::from(size.height), ..part };
    convolved(&between, size, columns, resizer)
}

/// A part of the picture in another size. Where a side stays as it is, that pass is left out.
fn convolved(
    canvas: &Canvas,
    size: Size,
    part: Rectangle,
    resizer: &mut Resizer,
) -> Result<Canvas, Fault> {
    let mut out = Canvas::empty(size, canvas.channels);
    let part = part.within(canvas.size);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(false)
        .crop(part.left, part.top, part.width, part.height);
    match canvas.channels.count() {
        1 => convolve::<U16>(canvas, &mut out, resizer, &options)?,
        2 => convolve::<U16x2>(canvas, &mut out, resizer, &options)?,
        3 => convolve::<U16x3>(canvas, &mut out, resizer, &options)?,
        _ => convolve::<U16x4>(canvas, &mut out, resizer, &options)?,
    }
    Ok(out)
}

/// One form of pixel at a time: the resizer's own choice by a value would compile all its thirteen
/// forms into this crate, which takes minutes.
fn convolve<P: PixelTrait>(
    from: &Canvas,
    to: &mut Canvas,
    resizer: &mut Resizer,
    options: &ResizeOptions,
) -> Result<(), Fault> {
    let samples = bytemuck::cast_slice(&from.samples);
    let source = TypedImageRef::<P>::from_buffer(from.size.width, from.size.height, samples)
        .map_err(refused)?;
    let samples = bytemuck::cast_slice_mut(&mut to.samples);
    let mut result =
        TypedImage::<P>::from_buffer(to.size.width, to.size.height, samples).map_err(refused)?;
    resizer.resize_typed(&source, &mut result, options).map_err(refused)
}

/// Sizes and buffers are made to fit each other, so the resizer has no reason to refuse; if it
/// finds one, the piece fails with its words rather than the process.
fn refused(error: impl std::fmt::Display) -> Fault {
    Fault::damaged(format!("The picture cannot be resampled: {error}."))
}
