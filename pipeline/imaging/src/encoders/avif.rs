//! AVIF (AV1 Image File Format 1.1), lossy, by rav1e.

use ravif::{BitDepth, Encoder, Img, RGB8, RGBA8};

use super::palette::rgba;
use super::scale::{self, Scale};
use super::side_too_long;
use crate::canvas::Bitmap;
use crate::fault::Fault;
use crate::formats::Format;
use crate::geometry::Size;

/// The longest side that AV1's levels allow.
const SIDE: u32 = 16_384;

/// At which of ravif's qualities photographs score as JPEGs of libjpeg's do: measured by
/// `benches/quality`, 20 to 90.
const LOOKS: &Scale = &[
    (1, 1.0),
    (20, 26.0),
    (30, 42.0),
    (40, 51.0),
    (50, 59.0),
    (60, 65.0),
    (70, 74.0),
    (80, 82.0),
    (90, 92.0),
    (100, 100.0),
];

/// How hard rav1e searches, 1–10, where 10 is the least: a function of the size alone.
fn speed(size: Size) -> u8 {
    match size.pixels() {
        0..=90_000 => 7,
        90_001..=700_000 => 8,
        700_001..=4_000_000 => 9,
        _ => 10,
    }
}

/// Encodes on one thread, in 8 bits, so that bytes do not depend on the machine.
pub(super) fn encode(bitmap: &Bitmap, quality: u8) -> Result<Vec<u8>, Fault> {
    let Size { width, height } = bitmap.size;
    if width.max(height) > SIDE {
        return Err(side_too_long(Format::Avif, bitmap.size, SIDE));
    }
    let quality = scale::own(LOOKS, quality);
    let encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(quality)
        .with_speed(speed(bitmap.size))
        .with_bit_depth(BitDepth::Eight)
        .with_num_threads(Some(1));
    let (columns, rows) = (width as usize, height as usize);
    let encoded = if bitmap.channels.has_alpha() {
        let pixels: Vec<RGBA8> = rgba(bitmap).map(|[r, g, b, a]| RGBA8::new(r, g, b, a)).collect();
        encoder.encode_rgba(Img::new(&pixels, columns, rows))
    } else {
        let pixels: Vec<RGB8> = rgba(bitmap).map(|[r, g, b, _]| RGB8::new(r, g, b)).collect();
        encoder.encode_rgb(Img::new(&pixels, columns, rows))
    };
    encoded
        .map(|encoded| encoded.avif_file)
        .map_err(|error| Fault::damaged(format!("The AVIF cannot be written: {error}.")))
}

/// Planes of 16 bits in several stages of rav1e, measured at 3 MP and rounded up.
pub(super) fn memory(size: Size) -> u64 {
    size.pixels() * 80 + (32 << 20)
}
