//! sRGB and linear light (IEC 61966-2-1). Averages and filters are right only where numbers are
//! proportional to light, so pictures are worked on in linear light, in 16 bits: there the darkest
//! two 8-bit values lie 20 steps apart, and a way through and back loses nothing.

mod conversion;
mod hdr;
mod rgba;

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

pub(crate) use conversion::{Conversion, Reading};
pub use rgba::Rgba;

/// What the samples of a source mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// sRGB, said or assumed: what says nothing is meant for the web. CMYK that says nothing is
    /// converted by the plain formula.
    #[default]
    Srgb,
    /// As an ICC profile (ISO 15076-1) says, which was not looked into yet.
    Profile(Arc<[u8]>),
    /// By code points of ITU-T H.273: PQ and HLG, or primaries other than sRGB's. Samples are
    /// RGB at full range: a decoder has undone matrix and range.
    Coded {
        /// H.273, table 2: 1 is BT.709, 9 is BT.2020, 12 is Display P3.
        primaries: u8,
        /// H.273, table 3: 13 is sRGB's, 16 is PQ, 18 is HLG.
        transfer: u8,
    },
}

/// The linear light of an sRGB value, both 0–1.
pub fn to_linear(value: f64) -> f64 {
    if value <= 0.040_45 { value / 12.92 } else { libm::pow((value + 0.055) / 1.055, 2.4) }
}

/// The sRGB value of a linear light, both 0–1.
pub fn to_srgb(light: f64) -> f64 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * libm::pow(light, 1.0 / 2.4) - 0.055 }
}

/// The colours that a picture is worked on in and written with.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// Converted to sRGB.
    #[default]
    Srgb,
    /// Those of the source, whose profile goes into the file.
    Source,
}

impl Space {
    /// The usual one, which plans leave unsaid.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    pub(crate) fn is_srgb(&self) -> bool {
        *self == Space::Srgb
    }
}

/// The most of a 16-bit sample.
const FULL: f64 = 65_535.0;

static LINEAR_OF_8: LazyLock<Box<[u16]>> =
    LazyLock::new(|| (0..=255_u8).map(|v| wide(to_linear(f64::from(v) / 255.0))).collect());
static LINEAR_OF_16: LazyLock<Box<[u16]>> =
    LazyLock::new(|| (0..=u16::MAX).map(|v| wide(to_linear(f64::from(v) / FULL))).collect());
static SRGB_OF_LINEAR: LazyLock<Box<[u8]>> =
    LazyLock::new(|| (0..=u16::MAX).map(|v| narrow(to_srgb(f64::from(v) / FULL))).collect());

/// 16-bit linear light for each 8-bit sRGB value.
pub(crate) fn linear_of_8() -> &'static [u16; 256] {
    fixed(&LINEAR_OF_8)
}

/// 16-bit linear light for each 16-bit sRGB value.
pub(crate) fn linear_of_16() -> &'static [u16; 65_536] {
    fixed(&LINEAR_OF_16)
}

/// 8-bit sRGB for each 16-bit linear light, rounded to nearest.
pub(crate) fn srgb_of_linear() -> &'static [u8; 65_536] {
    fixed(&SRGB_OF_LINEAR)
}

/// A table with its length in the type, so that lookups need no bounds check.
fn fixed<T, const N: usize>(table: &'static LazyLock<Box<[T]>>) -> &'static [T; N] {
    match table.as_array() {
        Some(array) => array,
        None => unreachable!("each table above has one entry for every index"),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0–1 scaled to the type's range"
)]
fn wide(value: f64) -> u16 {
    (value * FULL).round() as u16
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0–1 scaled to the type's range"
)]
fn narrow(value: f64) -> u8 {
    (value * 255.0).round() as u8
}
