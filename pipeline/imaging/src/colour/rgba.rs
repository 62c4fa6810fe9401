//! A colour that people write.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::linear_of_8;

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
