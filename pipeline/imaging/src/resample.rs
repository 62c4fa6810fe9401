//! Pictures in linear light, turned, resampled, and brought back to 8 bits of sRGB.

use std::ops::Deref;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U16, U16x2, U16x3, U16x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::colour::srgb_of_linear;
use crate::fault::Fault;
use crate::formats::Channels;
use crate::geometry::{Orientation, Size};
use crate::plan::{Part, Shrink, Step};

/// A picture in linear light: 16-bit samples, colour premultiplied by alpha.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    pub(crate) size: Size,
    pub(crate) channels: Channels,
    pub(crate) samples: Vec<u16>,
    /// The part that the source covers. It is smaller than the canvas only where the last block of
    /// an average is partial.
    extent: Rectangle,
}

/// A part of a canvas, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rectangle {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// A picture as encoders take it: 8 bits a sample, sRGB, alpha straight.
#[derive(Clone, Debug)]
pub(crate) struct Bitmap {
    pub(crate) size: Size,
    pub(crate) channels: Channels,
    pub(crate) samples: Vec<u8>,
}

/// What to do with alpha on the way to a [`Bitmap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpha {
    /// Keep the channel.
    Keep,
    /// Lay the picture on white, in linear light.
    Flatten,
}

impl Rectangle {
    fn whole(size: Size) -> Rectangle {
        Rectangle {
            left: 0.0,
            top: 0.0,
            width: f64::from(size.width),
            height: f64::from(size.height),
        }
    }

    /// The largest part of the aspect of `size` around the centre.
    fn centre(self, size: Size) -> Rectangle {
        let (wide, high) = (f64::from(size.width), f64::from(size.height));
        let scale = (self.width / wide).min(self.height / high);
        let (width, height) = (wide * scale, high * scale);
        Rectangle {
            left: self.left + (self.width - width) / 2.0,
            top: self.top + (self.height - height) / 2.0,
            width,
            height,
        }
    }

    /// Where this part of a canvas of `size` lies after turning.
    fn turned(self, size: Size, orientation: Orientation) -> Rectangle {
        let right = f64::from(size.width) - self.left - self.width;
        let bottom = f64::from(size.height) - self.top - self.height;
        let (left, top) = match orientation {
            Orientation::Upright => (self.left, self.top),
            Orientation::Mirrored => (right, self.top),
            Orientation::Turned180 => (right, bottom),
            Orientation::Flipped => (self.left, bottom),
            Orientation::Transposed => (self.top, self.left),
            Orientation::Turned90 => (bottom, self.left),
            Orientation::Transversed => (bottom, right),
            Orientation::Turned270 => (self.top, right),
        };
        let (width, height) = if orientation.swaps_sides() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        Rectangle { left, top, width, height }
    }
}

/// What [`Canvas::resampled`] allocates beside its result, in bytes: the picture after the
/// vertical pass, and a filter's coefficients.
pub(crate) fn memory(from: Size, to: Size, channels: u64) -> u64 {
    let between = u64::from(from.width) * u64::from(to.height) * channels * 2;
    let taps = 16 * (u64::from(from.width) + u64::from(from.height))
        + 64 * (u64::from(to.width) + u64::from(to.height));
    between + taps * 8
}

fn samples(size: Size, channels: Channels) -> usize {
    size.width as usize * size.height as usize * channels.count()
}

impl Canvas {
    fn empty(size: Size, channels: Channels) -> Canvas {
        let samples = vec![0; samples(size, channels)];
        Canvas { size, channels, samples, extent: Rectangle::whole(size) }
    }

    /// A canvas for the average of a source, with room for its samples and none of them yet: to
    /// clear it first would take longer than to fill it.
    pub(crate) fn averaged(source: Size, shrink: Shrink, channels: Channels) -> Canvas {
        let size = shrink.of(source);
        let samples = Vec::with_capacity(samples(size, channels));
        let mut canvas = Canvas { size, channels, samples, extent: Rectangle::whole(size) };
        canvas.extent.width = f64::from(source.width) / f64::from(shrink.across());
        canvas.extent.height = f64::from(source.height) / f64::from(shrink.down());
        canvas
    }

    /// The picture seen upright.
    pub(crate) fn turned(self, orientation: Orientation) -> Canvas {
        if orientation == Orientation::Upright {
            return self;
        }
        let mut out = Canvas::empty(self.size.turned(orientation), self.channels);
        out.extent = self.extent.turned(self.size, orientation);
        match self.channels.count() {
            1 => turn::<1>(&self, orientation, &mut out.samples),
            2 => turn::<2>(&self, orientation, &mut out.samples),
            3 => turn::<3>(&self, orientation, &mut out.samples),
            _ => turn::<4>(&self, orientation, &mut out.samples),
        }
        out
    }

    /// The picture in another size, by separable convolution with Lanczos3 (Duchon 1979), widened
    /// by the reduction; each part of 16 bits, rounded after each of the two passes. Rows are
    /// combined first: that is the cheaper direction, and leaves the other one fewer of them.
    pub(crate) fn resampled(&self, step: Step, resizer: &mut Resizer) -> Result<Canvas, Fault> {
        let size = step.size();
        let part = match step.part {
            Part::Whole => self.extent,
            Part::Centre => self.extent.centre(size),
        };
        let rows = Rectangle { left: 0.0, width: f64::from(self.size.width), ..part };
        let between = Size::new(self.size.width, size.height);
        let between = self.convolved(between, rows, resizer)?;
        let columns = Rectangle { top: 0.0, height: f64::from(size.height), ..part };
        between.convolved(size, columns, resizer)
    }

    /// A part of the picture in another size. Where a side stays as it is, that pass is left out.
    fn convolved(
        &self,
        size: Size,
        part: Rectangle,
        resizer: &mut Resizer,
    ) -> Result<Canvas, Fault> {
        let mut out = Canvas::empty(size, self.channels);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .use_alpha(false)
            .crop(part.left, part.top, part.width, part.height);
        match self.channels.count() {
            1 => convolve::<U16>(self, &mut out, resizer, &options)?,
            2 => convolve::<U16x2>(self, &mut out, resizer, &options)?,
            3 => convolve::<U16x3>(self, &mut out, resizer, &options)?,
            _ => convolve::<U16x4>(self, &mut out, resizer, &options)?,
        }
        Ok(out)
    }

    /// The picture for an encoder.
    pub(crate) fn bitmap(&self, alpha: Alpha) -> Bitmap {
        let srgb = srgb_of_linear();
        let byte = |light: u16| srgb[usize::from(light)];
        let (channels, samples) = match (self.channels, alpha) {
            (Channels::GreyAlpha, Alpha::Keep) => (self.channels, straight::<2>(&self.samples)),
            (Channels::Rgba, Alpha::Keep) => (self.channels, straight::<4>(&self.samples)),
            (Channels::GreyAlpha, Alpha::Flatten) => (Channels::Grey, flat::<2>(&self.samples)),
            (Channels::Rgba, Alpha::Flatten) => (Channels::Rgb, flat::<4>(&self.samples)),
            _ => (self.channels, self.samples.iter().map(|light| byte(*light)).collect()),
        };
        Bitmap { size: self.size, channels, samples }
    }
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

/// Colour without alpha, and alpha in 8 bits.
fn straight<const N: usize>(samples: &[u16]) -> Vec<u8> {
    let srgb = srgb_of_linear();
    let (pixels, _) = samples.as_chunks::<N>();
    let mut out = Vec::with_capacity(samples.len());
    for pixel in pixels {
        let alpha = pixel[N - 1];
        out.extend(pixel[..N - 1].iter().map(|&light| match alpha {
            u16::MAX => srgb[usize::from(light)],
            _ => srgb[usize::from(divided(light, alpha))],
        }));
        out.push(eight(alpha));
    }
    out
}

/// `light ÷ alpha` as a share of 65,535, rounded; overshoots of the filter are cut.
pub(crate) fn divided(light: u16, alpha: u16) -> u16 {
    let alpha = u32::from(alpha);
    let share = (u32::from(light) * 65_535 + alpha / 2).checked_div(alpha).unwrap_or(0);
    u16::try_from(share).unwrap_or(u16::MAX)
}

/// 16 bits of alpha in 8, rounded.
fn eight(alpha: u16) -> u8 {
    u8::try_from((u32::from(alpha) + 128) / 257).unwrap_or(u8::MAX)
}

/// Colour on white.
fn flat<const N: usize>(samples: &[u16]) -> Vec<u8> {
    let srgb = srgb_of_linear();
    let (pixels, _) = samples.as_chunks::<N>();
    let mut out = Vec::with_capacity(pixels.len() * (N - 1));
    for pixel in pixels {
        let white = u16::MAX - pixel[N - 1];
        let lit = pixel[..N - 1].iter().map(|l| l.saturating_add(white));
        out.extend(lit.map(|light| srgb[usize::from(light)]));
    }
    out
}

/// Copies pixels to where they are seen, in squares that stay in cache both ways.
fn turn<const N: usize>(from: &Canvas, orientation: Orientation, out: &mut [u16]) {
    const SQUARE: usize = 32;
    let (width, height) = (from.size.width as usize, from.size.height as usize);
    let (source, _) = from.samples.deref().as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<N>();
    let (wide, high) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
    let (right, bottom) = (width - 1, height - 1);
    // For each pixel of the result, where in the source it stands.
    let place = |x: usize, y: usize| match orientation {
        Orientation::Upright => (x, y),
        Orientation::Mirrored => (right - x, y),
        Orientation::Turned180 => (right - x, bottom - y),
        Orientation::Flipped => (x, bottom - y),
        Orientation::Transposed => (y, x),
        Orientation::Turned90 => (y, bottom - x),
        Orientation::Transversed => (right - y, bottom - x),
        Orientation::Turned270 => (right - y, x),
    };
    for top in (0..high).step_by(SQUARE) {
        for left in (0..wide).step_by(SQUARE) {
            for y in top..(top + SQUARE).min(high) {
                for x in left..(left + SQUARE).min(wide) {
                    let (column, row) = place(x, y);
                    out[y * wide + x] = source[row * width + column];
                }
            }
        }
    }
}
