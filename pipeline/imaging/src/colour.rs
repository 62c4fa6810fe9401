//! sRGB and linear light (IEC 61966-2-1). Averages and filters are right only where numbers are
//! proportional to light, so pictures are worked on in linear light, in 16 bits: there the darkest
//! two 8-bit values lie 20 steps apart, and a way through and back loses nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

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
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The sRGB value of a linear light, both 0–1.
pub fn to_srgb(light: f64) -> f64 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
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

/// A colour of sRGB with alpha, written `#rrggbb` or `#rrggbbaa`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Rgba {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
    /// 255 is opaque.
    pub a: u8,
}

impl Rgba {
    /// Opaque white.
    pub const WHITE: Rgba = Rgba { r: 255, g: 255, b: 255, a: 255 };
    /// Nothing to be seen.
    pub const CLEAR: Rgba = Rgba { r: 0, g: 0, b: 0, a: 0 };

    /// In linear light, premultiplied, as canvases hold it.
    pub(crate) fn light(self) -> [u16; 4] {
        let alpha = u16::from(self.a) * 257;
        let light = |value: u8| {
            let product = u32::from(linear_of_8()[usize::from(value)]) * u32::from(alpha) + 32_767;
            u16::try_from(product / 65_535).unwrap_or(u16::MAX)
        };
        [light(self.r), light(self.g), light(self.b), alpha]
    }
}

impl FromStr for Rgba {
    type Err = String;

    fn from_str(text: &str) -> Result<Rgba, String> {
        let wrong = || format!("{text:?} is no colour; wanted: \"#rrggbb\" or \"#rrggbbaa\"");
        let digits = text.strip_prefix('#').ok_or_else(wrong)?;
        let bytes = hex::decode(digits).map_err(|_| wrong())?;
        match bytes[..] {
            [r, g, b] => Ok(Rgba { r, g, b, a: 255 }),
            [r, g, b, a] => Ok(Rgba { r, g, b, a }),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Rgba {
    type Error = String;

    fn try_from(text: String) -> Result<Rgba, String> {
        text.parse()
    }
}

impl From<Rgba> for String {
    fn from(colour: Rgba) -> String {
        colour.to_string()
    }
}

impl fmt::Display for Rgba {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rgba { r, g, b, a } = self;
        write!(f, "#{r:02x}{g:02x}{b:02x}")?;
        if *a == 255 { Ok(()) } else { write!(f, "{a:02x}") }
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
