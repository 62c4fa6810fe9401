//! Pictures that are drawn here: like photographs enough to be worth encoding, each different.

use std::{io::Cursor, sync::LazyLock};

use image::{ExtendedColorType, ImageEncoder as _, RgbImage, codecs::jpeg::JpegEncoder};

/// A random number generator of one line (Steele, Lea and Flood's `SplitMix64`), so that every run draws and kills the same.
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
        let grain = ((x * 2_654_435_761) ^ (y * 40_503) ^ seed).wrapping_mul(2_246_822_519);
        let grain = (grain >> 7) & 7;
        let level = slope + ripple + grain;
        image::Rgb(tint.map(|base| u8::try_from(base + level).unwrap_or(u8::MAX)))
    });
    encode(&picture)
}

/// A JPEG of 48 million pixels, laid out of tiles: its decoding takes a while, and its pixels take
/// more memory than anything else here. Drawn once for all tests.
pub(super) fn giant() -> &'static [u8] {
    const TILE: usize = 400;
    const ACROSS: usize = 20;
    const DOWN: u32 = 6000;
    static GIANT: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let tile = image::load_from_memory(&photograph(99, 400, 300)).expect("our own").to_rgb8();
        let rows: Vec<_> =
            tile.as_raw().chunks_exact(TILE * 3).map(|row| row.repeat(ACROSS)).collect();
        let rows: Vec<_> = rows.iter().cycle().take(DOWN as usize).map(Vec::as_slice).collect();
        let width = u32::try_from(TILE * ACROSS).expect("8000");
        encode(&RgbImage::from_raw(width, DOWN, rows.concat()).expect("as many as there should be"))
    });
    &GIANT
}

fn encode(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut bytes, 88)
        .write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .expect("a picture in memory can be encoded");
    bytes.into_inner()
}
