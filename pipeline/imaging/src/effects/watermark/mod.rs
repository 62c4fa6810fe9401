//! Marks laid over the picture: where they stand, and the laying.

mod glyphs;
mod image;
mod text;

pub use image::{Repeat, Watermark, check};
pub use text::WatermarkText;

use super::facts::{Default, Kind, Parameter, SHARE};
use crate::canvas::{Canvas, times};
use crate::decimal::Decimal;
use crate::geometry::{Point, Size};

/// Whether the embedded font has a character.
pub(super) fn is_known(character: char) -> bool {
    character == '\n' || glyphs::has(character)
}

const POSITION: Parameter = Parameter {
    name: "position",
    summary: "where it stands, inside the margin",
    kind: Kind::Place,
    default: Default::Word("south-east"),
};
const MARGIN: Parameter = Parameter {
    name: "margin",
    summary: "its distance from the edges, in shares of the picture's shorter side",
    kind: Kind::Number { least: 0.0, most: 0.4 },
    default: Default::Number(0.03),
};
const OPACITY: Parameter = Parameter {
    name: "opacity",
    summary: "1 hides what is below, 0 cannot be seen",
    kind: SHARE,
    default: Default::Number(1.0),
};

/// The room inside the margin of a picture: its distance from the edges, and its size.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a side, cut to 0–0.4"
)]
fn room(picture: Size, margin: Decimal) -> (u32, Size) {
    let shorter = picture.width.min(picture.height);
    let margin = (f64::from(shorter) * margin.get().clamp(0.0, 0.4)).round() as u32;
    let inner = |side: u32| side.saturating_sub(2 * margin);
    (margin, Size::new(inner(picture.width), inner(picture.height)))
}

/// Where a mark of `size` stands in a room.
#[expect(clippy::cast_possible_truncation, reason = "a share of a side")]
fn place(picture: Size, margin: Decimal, position: Point, size: Size) -> (i64, i64) {
    let (margin, inner) = room(picture, margin);
    let along = |share: Decimal, whole: u32, part: u32| {
        let room = f64::from(whole) - f64::from(part);
        i64::from(margin) + (share.get().clamp(0.0, 1.0) * room).round() as i64
    };
    (along(position.x, inner.width, size.width), along(position.y, inner.height, size.height))
}

/// A share as 16 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats are cut to the range"
)]
fn share(of: Decimal) -> u16 {
    (of.get() * 65_535.0 + 0.5) as u16
}

/// Lays a picture in red, green, blue and alpha over another (Porter and Duff 1984, "over"), thinned
/// by an opacity. What lies outside is cut off. A grey picture takes the mark's red, which its
/// caller sees to be grey.
fn stamp(canvas: &mut Canvas, mark: &Canvas, left: i64, top: i64, opacity: u16) {
    let channels = canvas.channels.count();
    let alpha_at = canvas.channels.has_alpha().then(|| channels - 1);
    let colours = if channels < 3 { 1 } else { 3 };
    let (pixels, _) = mark.samples.as_chunks::<4>();
    // Which columns or rows of the mark lie in the picture.
    let seen = |start: i64, part: u32, whole: u32| {
        let first = start.saturating_neg().clamp(0, i64::from(part));
        let end = (i64::from(whole) - start).clamp(first, i64::from(part));
        (usize::try_from(first).unwrap_or(0), usize::try_from(end).unwrap_or(0))
    };
    let at = |start: i64| usize::try_from(start.max(0)).unwrap_or(0);
    let (first, end) = seen(left, mark.size.width, canvas.size.width);
    let (first_row, end_row) = seen(top, mark.size.height, canvas.size.height);
    let rows = pixels.chunks_exact(mark.size.width as usize).take(end_row).skip(first_row);
    let under = canvas.samples.chunks_exact_mut(canvas.size.width as usize * channels);
    for (line, over) in under.skip(at(top)).zip(rows) {
        let line = line[at(left) * channels..].chunks_exact_mut(channels);
        for (pixel, over) in line.zip(&over[first..end]) {
            let over = over.map(|sample| times(sample, opacity));
            let rest = u16::MAX - over[3];
            for (sample, above) in pixel[..colours].iter_mut().zip(over) {
                *sample = above.min(over[3]).saturating_add(times(*sample, rest));
            }
            if let Some(alpha) = alpha_at {
                pixel[alpha] = over[3].saturating_add(times(pixel[alpha], rest));
            }
        }
    }
}
