//! An even border, found and cut off.

use crate::canvas::{Canvas, Rectangle};
use crate::colour::srgb_of_linear;
use crate::geometry::Size;

/// The smallest rectangle that holds every pixel that differs from the top left one by more than
/// `tolerance` (0–1) in some channel of premultiplied sRGB; the whole picture where none does.
pub(super) fn inner(canvas: &Canvas, tolerance: f64) -> Rectangle {
    let srgb = srgb_of_linear();
    let channels = canvas.channels.count();
    let alpha = canvas.channels.has_alpha();
    let value = |index: usize, sample: u16| {
        if alpha && index == channels - 1 {
            f64::from(sample) / 65_535.0
        } else {
            f64::from(srgb[usize::from(sample)]) / 255.0
        }
    };
    let border: Vec<f64> =
        canvas.samples.iter().take(channels).enumerate().map(|(i, &s)| value(i, s)).collect();
    let differs = |pixel: &[u16]| {
        let distance =
            |(index, sample): (usize, &u16)| (value(index, *sample) - border[index]).abs();
        // The least step of 8 bits is 1/255: half of it is room for rounding.
        pixel.iter().enumerate().map(distance).any(|d| d > tolerance + 0.001)
    };
    let width = canvas.size.width as usize;
    let (mut left, mut right, mut top, mut bottom) = (width, 0, usize::MAX, 0);
    for (y, row) in canvas.samples.chunks_exact(width * channels).enumerate() {
        let mut pixels = row.chunks_exact(channels);
        let Some(first) = pixels.position(differs) else { continue };
        let last = row.chunks_exact(channels).rposition(differs).unwrap_or(first);
        (left, right) = (left.min(first), right.max(last));
        (top, bottom) = (top.min(y), y);
    }
    if top == usize::MAX {
        return Rectangle::whole(canvas.size);
    }
    let number = |value: usize| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    Rectangle {
        left: number(left),
        top: number(top),
        width: number(right + 1 - left),
        height: number(bottom + 1 - top),
    }
}

/// The part of a canvas, of the same size, that [`inner`] found.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers within the canvas"
)]
pub(super) fn cut(canvas: &Canvas, inner: Rectangle) -> Canvas {
    let size = Size::new(inner.width as u32, inner.height as u32);
    canvas.cut(inner.left as u32, inner.top as u32, size)
}
