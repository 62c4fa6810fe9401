//! What is uploaded: pictures of the other test binary's, and some that are drawn.

use std::{process::Command, sync::OnceLock};

use super::root;

/// A picture of the other test binary's.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(root().join("tests/imaging/fixtures").join(name)).unwrap()
}

/// A photograph that every machine has.
pub(crate) fn photograph() -> Vec<u8> {
    fixture("progressive.jpg")
}

/// A JPEG of 320 × 240 pixels: every one of many.
pub(crate) fn small() -> &'static [u8] {
    static SMALL: OnceLock<Vec<u8>> = OnceLock::new();
    SMALL.get_or_init(|| drawn("small"))
}

/// A JPEG of four million pixels that says of itself what a phone says.
pub(crate) fn described() -> &'static [u8] {
    static DESCRIBED: OnceLock<Vec<u8>> = OnceLock::new();
    DESCRIBED.get_or_init(|| drawn("described"))
}

/// A JPEG of four million pixels.
pub(crate) fn large() -> &'static [u8] {
    static LARGE: OnceLock<Vec<u8>> = OnceLock::new();
    LARGE.get_or_init(|| drawn("large"))
}

/// A JPEG of 48 million pixels, which take more memory than anything else here.
pub(crate) fn giant() -> &'static [u8] {
    static GIANT: OnceLock<Vec<u8>> = OnceLock::new();
    GIANT.get_or_init(|| drawn("giant"))
}

fn drawn(kind: &str) -> Vec<u8> {
    let script = root().join("pipeline/cloud/tests/harness/pictures.py");
    let drawn = Command::new(root().join(".venv/bin/python")).arg(script).arg(kind).output();
    let drawn = drawn.expect("./dev test makes .venv, in which Pillow is");
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    drawn.stdout
}

/// A BMP of 24 bits: 100.8 MB of stripes, which is longer than what is sent at once.
pub(crate) fn long() -> Vec<u8> {
    let (width, height) = (6000_u32, 5600_u32);
    let row = width as usize * 3;
    let mut file = bmp_head(width, height);
    file.reserve(row * height as usize);
    for y in 0..height {
        let stripe = u8::try_from((y >> 4) % 256).unwrap();
        file.resize(file.len() + row, stripe);
    }
    file
}

/// The head of a BMP, which may promise anything.
pub(crate) fn bmp_head(width: u32, height: u32) -> Vec<u8> {
    let length = 54_u32.wrapping_add(width.wrapping_mul(3).wrapping_mul(height));
    let mut head = b"BM".to_vec();
    for word in [length, 0, 54, 40, width, height, 1 | 24 << 16] {
        head.extend(word.to_le_bytes());
    }
    head.resize(54, 0);
    head
}
