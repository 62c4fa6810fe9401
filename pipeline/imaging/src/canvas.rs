//! Pictures in linear light, and the form in which encoders take them.

use crate::colour::{Rgba, srgb_of_linear};
use crate::formats::Channels;
use crate::geometry::{Orientation, Point, Size};
use crate::plan::Shrink;

/// Size and channels of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) size: Size,
    pub(crate) channels: Channels,
}

impl Form {
    /// Samples of all pixels.
    pub(crate) fn samples(self) -> u64 {
        self.size.pixels() * self.channels.count() as u64
    }
}

/// A picture in linear light: 16-bit samples, colour premultiplied by alpha.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    pub(crate) size: Size,
    pub(crate) channels: Channels,
    pub(crate) samples: Vec<u16>,
    /// The part that the source covers. It is smaller than the canvas only where the last block of
    /// an average is partial.
    pub(crate) extent: Rectangle,
}

/// A part of a canvas, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rectangle {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
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

impl Channels {
    /// A colour as a canvas of these channels holds it, in the first of four samples.
    pub(crate) fn of(self, colour: Rgba) -> [u16; 4] {
        let [red, green, blue, alpha] = colour.light();
        match self {
            Channels::Grey | Channels::GreyAlpha => [red, alpha, 0, 0],
            Channels::Rgb | Channels::Rgba | Channels::Cmyk => [red, green, blue, alpha],
        }
    }
}

impl Rectangle {
    pub(crate) fn whole(size: Size) -> Rectangle {
        Rectangle {
            left: 0.0,
            top: 0.0,
            width: f64::from(size.width),
            height: f64::from(size.height),
        }
    }

    /// The largest part of the aspect of `size`, as near to a point as there is room.
    pub(crate) fn around(self, point: Point, size: Size) -> Rectangle {
        let (wide, high) = (f64::from(size.width), f64::from(size.height));
        let scale = (self.width / wide).min(self.height / high);
        let (width, height) = (wide * scale, high * scale);
        let place = |share: f64, whole: f64, part: f64| {
            (share * whole - part / 2.0).clamp(0.0, (whole - part).max(0.0))
        };
        Rectangle {
            left: self.left + place(point.x.get(), self.width, width),
            top: self.top + place(point.y.get(), self.height, height),
            width,
            height,
        }
    }

    /// Without what rounding has put outside, which the resizer would refuse.
    pub(crate) fn within(self, size: Size) -> Rectangle {
        let whole = Rectangle::whole(size);
        let (left, top) = (self.left.max(0.0), self.top.max(0.0));
        let width = self.width.min(whole.width - left);
        let height = self.height.min(whole.height - top);
        Rectangle { left, top, width, height }
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

fn samples(size: Size, channels: Channels) -> usize {
    size.width as usize * size.height as usize * channels.count()
}

impl Canvas {
    /// All samples zero: black, or nothing to be seen.
    pub(crate) fn empty(size: Size, channels: Channels) -> Canvas {
        let samples = vec![0; samples(size, channels)];
        Canvas { size, channels, samples, extent: Rectangle::whole(size) }
    }

    pub(crate) fn form(&self) -> Form {
        Form { size: self.size, channels: self.channels }
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

    /// A part of the picture, in whole pixels inside it.
    pub(crate) fn cut(&self, left: u32, top: u32, size: Size) -> Canvas {
        let channels = self.channels.count();
        let row = self.size.width as usize * channels;
        let (from, count) = (left as usize * channels, size.width as usize * channels);
        let rows = self.samples.chunks_exact(row).skip(top as usize).take(size.height as usize);
        let samples = rows.flat_map(|row| &row[from..from + count]).copied().collect();
        Canvas { size, channels: self.channels, samples, extent: Rectangle::whole(size) }
    }

    /// The same picture with as many channels or more.
    pub(crate) fn widened(&self, channels: Channels) -> Canvas {
        if channels == self.channels {
            return self.clone();
        }
        let mut out = Canvas::empty(self.size, channels);
        let (from, to) = (self.channels.count(), channels.count());
        let pairs = self.samples.chunks_exact(from).zip(out.samples.chunks_exact_mut(to));
        for (pixel, wide) in pairs {
            let colours = if from < 3 { 1 } else { 3 };
            for (index, sample) in wide[..if to < 3 { 1 } else { 3 }].iter_mut().enumerate() {
                *sample = pixel[index.min(colours - 1)];
            }
            if channels.has_alpha() {
                let alpha = if self.channels.has_alpha() { pixel[from - 1] } else { u16::MAX };
                wide[to - 1] = alpha;
            }
        }
        out.extent = self.extent;
        out
    }

    /// Lays another picture with the same channels over this one (Porter and Duff 1984, "over").
    /// What lies outside is cut off.
    pub(crate) fn lay(&mut self, over: &Canvas, left: u32, top: u32) {
        let channels = self.channels.count();
        let columns = over.size.width.min(self.size.width.saturating_sub(left)) as usize;
        let (under_row, over_row) =
            (self.size.width as usize * channels, over.size.width as usize * channels);
        let under = self.samples.chunks_exact_mut(under_row).skip(top as usize);
        for (under, over) in under.zip(over.samples.chunks_exact(over_row)) {
            let under = &mut under[left as usize * channels..];
            let under = under.chunks_exact_mut(channels);
            for (under, over) in under.zip(over.chunks_exact(channels)).take(columns) {
                let alpha = if self.channels.has_alpha() { over[channels - 1] } else { u16::MAX };
                for (below, above) in under.iter_mut().zip(over) {
                    *below = above.saturating_add(times(*below, u16::MAX - alpha));
                }
            }
        }
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

/// `value × alpha ÷ 65,535`, rounded.
pub(crate) fn times(value: u16, alpha: u16) -> u16 {
    let product = u32::from(value) * u32::from(alpha) + 32_767;
    u16::try_from(product / 65_535).unwrap_or(u16::MAX)
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
    let (source, _) = from.samples.as_chunks::<N>();
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
