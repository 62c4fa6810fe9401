//! Pictures that are drawn here: like photographs enough to be worth encoding, each different.

use std::io::Cursor;

use image::{ExtendedColorType, ImageEncoder as _, RgbImage, codecs::jpeg::JpegEncoder};

/// A random number generator of one line (SplitMix64), so that every run draws and kills the same.
#[derive(Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A JPEG of slopes, waves and grain.
pub(super) fn photograph(seed: u64, width: u32, height: u32) -> Vec<u8> {
    let mut random = Random(seed);
    let tint = [random.below(160), random.below(160), random.below(160)];
    let wave = 7 + random.below(23);
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (u64::from(x), u64::from(y));
        let slope = x * 64 / u64::from(width) + y * 32 / u64::from(height);
        let ripple = if (x / wave + y / wave).is_multiple_of(2) { 18 } else { 0 };
        let grain = (x * 2_654_435_761 ^ y * 40_503 ^ seed).wrapping_mul(2_246_822_519) >> 7 & 7;
        let level = slope + ripple + grain;
        image::Rgb(tint.map(|base| u8::try_from(base + level).unwrap_or(u8::MAX)))
    });
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut bytes, 88)
        .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)
        .expect("a picture in memory can be encoded");
    bytes.into_inner()
}
