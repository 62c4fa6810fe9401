//! Fixtures, drawn in code and written by encoders that are not ours.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use imaging::{Channels, Format, Header, Made, Orientation, Piece, Plan, Whole};

use super::made::{outcomes, variants};

/// Something like a photograph: soft shapes with noise on them, the same every time.
pub(crate) fn photograph(width: u32, height: u32) -> DynamicImage {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 24) as f32
    };
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let wave = (u * 9.0).sin() * (v * 7.0).cos() * 60.0;
        let part = |base: f32, grain: f32| (base + wave + grain).clamp(0.0, 255.0) as u8;
        Rgb([
            part(200.0 * u, noise()),
            part(180.0 * v, noise()),
            part(90.0 + 60.0 * (u - v), noise()),
        ])
    })
    .into()
}

/// The same with alpha that rises from left to right.
pub(crate) fn translucent(width: u32, height: u32) -> DynamicImage {
    let opaque = photograph(width, height).to_rgb8();
    RgbaImage::from_fn(width, height, |x, y| {
        let [r, g, b] = opaque.get_pixel(x, y).0;
        Rgba([r, g, b, (x * 255 / width.max(1)) as u8])
    })
    .into()
}

pub(crate) fn png(picture: &DynamicImage) -> Vec<u8> {
    written(picture, ImageFormat::Png)
}

pub(crate) fn jpeg(picture: &DynamicImage) -> Vec<u8> {
    written(&picture.to_rgb8().into(), ImageFormat::Jpeg)
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A JPEG with an EXIF segment that says only how it is turned.
pub(crate) fn oriented(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff = [
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
        &[orientation, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let length = u16::try_from(tiff.len() + 8).unwrap().to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, b"Exif\0\0", &tiff, &jpeg[2..]].concat()
}

pub(crate) fn header(file: &[u8]) -> Header {
    Header::parse(file, Whole::Yes).unwrap()
}

/// What a PNG of these sides says of itself, stored in one of the eight orientations.
pub(crate) fn described(width: u32, height: u32, turned: usize) -> Header {
    Header {
        format: Format::Png,
        width,
        height,
        orientation: Orientation::ALL[turned],
        frames: 1,
        channels: Channels::Rgb,
        depth: 8,
        progressive: false,
    }
}

/// Runs a plan to its end; faults of pieces fail the test.
pub(crate) fn run(plan: &Plan, file: &[u8]) -> Vec<(Piece, Made)> {
    let (made, _) = outcomes(plan, file, &header(file));
    made.into_iter().map(|(piece, made)| (piece, made.unwrap())).collect()
}

/// The one PNG variant that presets with `size` as its box make of a file.
pub(crate) fn resized(file: &[u8], fit: &str, width: u32, height: u32) -> DynamicImage {
    let text = format!(
        "[variants.one]\nfit = \"{fit}\"\nwidth = {width}\nheight = {height}\nformats = [\"png\"]"
    );
    let (made, _) = variants(&text, file, &header(file));
    image::load_from_memory(&made[0].1).unwrap()
}
