//! The formats as a table of facts, and how a file shows which one it is.

use serde::{Deserialize, Serialize};

use super::Channels;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// ITU-T T.81: read (sequential and progressive, 8 bits) and written.
    Jpeg,
    /// PNG, third edition: read, animations included, and written.
    Png,
    /// RFC 9649: read and written, animations included.
    WebP,
    /// `GIF89a`: read and written, animations included.
    Gif,
    /// Windows bitmaps (`BITMAPCOREHEADER` to `BITMAPV5HEADER`): read.
    Bmp,
    /// TIFF 6.0 and `BigTIFF`: the first picture is read.
    Tiff,
    /// AV1 Image File Format 1.1: read, of a sequence its first picture, and written.
    Avif,
    /// ISO/IEC 18181, bare or in its container: read; of an animation, its first picture.
    Jxl,
    /// SVG 1.1 and what of SVG 2 is drawn by usvg: rasterised, without text.
    Svg,
    /// ISO/IEC 23008-12 with HEVC: read where the crate is built with the feature `heic`.
    Heic,
}

/// What is the same for every file of a format.
struct Facts {
    name: &'static str,
    media_type: &'static str,
    /// Whether variants can be made in it.
    written: bool,
}

impl Format {
    /// Every format.
    pub const ALL: &[Format] = &[
        Format::Jpeg,
        Format::Png,
        Format::WebP,
        Format::Gif,
        Format::Bmp,
        Format::Tiff,
        Format::Avif,
        Format::Jxl,
        Format::Svg,
        Format::Heic,
    ];

    fn facts(self) -> Facts {
        let (name, media_type, written) = match self {
            Format::Jpeg => ("jpeg", "image/jpeg", true),
            Format::Png => ("png", "image/png", true),
            Format::WebP => ("webp", "image/webp", true),
            Format::Gif => ("gif", "image/gif", true),
            Format::Bmp => ("bmp", "image/bmp", false),
            Format::Tiff => ("tiff", "image/tiff", false),
            Format::Avif => ("avif", "image/avif", true),
            Format::Jxl => ("jxl", "image/jxl", false),
            Format::Svg => ("svg", "image/svg+xml", false),
            Format::Heic => ("heic", "image/heic", false),
        };
        Facts { name, media_type, written }
    }

    /// The formats that variants can be made in.
    pub fn written() -> impl Iterator<Item = Format> {
        Format::ALL.iter().copied().filter(|format| format.facts().written)
    }

    /// Whether its files can show nothing in places.
    pub fn has_alpha(self) -> bool {
        !matches!(self, Format::Jpeg)
    }

    /// Whether its files are written as animations.
    pub fn moves(self) -> bool {
        matches!(self, Format::Gif | Format::WebP)
    }

    /// Whether its files are written with the profile of a picture of these channels. WebP knows
    /// no grey, and a profile for grey says nothing about colours.
    pub fn keeps_profile(self, channels: Channels) -> bool {
        match self {
            Format::Jpeg | Format::Png => true,
            Format::WebP => channels.count() >= 3,
            _ => false,
        }
    }

    /// The format that these first bytes announce. The name and the declared type of a file are not
    /// asked.
    pub fn sniff(head: &[u8]) -> Option<Format> {
        match head {
            [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
            // 42 is TIFF, 43 BigTIFF.
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
            [0xff, 0x0a, ..] => Some(Format::Jxl),
            [0, 0, 0, 12, b'J', b'X', b'L', b' ', b'\r', b'\n', 0x87, b'\n', ..] => {
                Some(Format::Jxl)
            }
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => brands(head),
            // The length of the header behind the file header tells a bitmap from a text that
            // begins with the same letters.
            [b'B', b'M', ..] if head.get(14..18).is_some_and(is_bitmap_header) => Some(Format::Bmp),
            _ => matches!(prolog(head), Prolog::Svg(_)).then_some(Format::Svg),
        }
    }

    /// Whether the header may lie anywhere in the file or counts pictures to its end, so that
    /// parsing it may need all of the file.
    pub fn scattered(self) -> bool {
        matches!(self, Format::Gif | Format::WebP | Format::Tiff | Format::Avif | Format::Heic)
    }

    /// The extension of written files, without a dot. It equals the [name](Format::name).
    pub fn extension(self) -> &'static str {
        self.name()
    }

    /// The IANA media type.
    pub fn media_type(self) -> &'static str {
        self.facts().media_type
    }

    /// The name in presets, plans and records.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The format of a [name](Format::name).
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.iter().copied().find(|format| format.name() == name)
    }
}

/// The lengths of the known DIB headers.
fn is_bitmap_header(length: &[u8]) -> bool {
    matches!(length, [12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0])
}

/// A `ftyp` box (ISO/IEC 14496-12, 4.3): the major brand, then minor version and compatible brands.
/// A file that calls itself both is what its pictures are coded as, which its header says later.
fn brands(head: &[u8]) -> Option<Format> {
    /// Brands looked at; real files have fewer than ten.
    const MOST: usize = 64;
    let length = head.first_chunk::<4>().map(|four| u32::from_be_bytes(*four))?;
    let end = usize::try_from(length).unwrap_or(usize::MAX).min(head.len());
    let all = head.get(8..end).unwrap_or_default().as_chunks::<4>().0;
    let found = |wanted: &[&[u8; 4]]| {
        all.iter()
            .enumerate()
            .filter(|(index, _)| *index != 1)
            .take(MOST)
            .any(|(_, brand)| wanted.contains(&brand))
    };
    if found(&[b"avif", b"avis"]) {
        Some(Format::Avif)
    } else if found(&[
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2",
    ]) {
        Some(Format::Heic)
    } else {
        None
    }
}

/// What stands in front of the root element of an XML text.
pub(crate) enum Prolog {
    /// The root element is `svg`, and begins here.
    Svg(usize),
    /// The text ends before its root element.
    Unfinished,
    /// Not SVG.
    Other,
}

/// Skips a byte order mark, white space, declarations, comments and a document type. Linear.
pub(crate) fn prolog(text: &[u8]) -> Prolog {
    let mut at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let rest = text.get(at..).unwrap_or_default();
        let length = if rest.starts_with(b"<?") {
            ends(rest, b"?>")
        } else if rest.starts_with(b"<!--") {
            ends(rest, b"-->")
        } else if rest.starts_with(b"<!DOCTYPE") {
            doctype(rest)
        } else if rest.len() < 9 && b"<!DOCTYPE".starts_with(rest) || b"<!--".starts_with(rest) {
            None
        } else {
            return root(rest, at);
        };
        match length {
            Some(length) => at += length,
            None => return Prolog::Unfinished,
        }
    }
}

/// A start tag named `svg`, with or without a namespace's prefix.
fn root(rest: &[u8], at: usize) -> Prolog {
    let Some(tag) = rest.strip_prefix(b"<") else {
        return Prolog::Other;
    };
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_');
    let length = tag.iter().take_while(|byte| name(byte)).count();
    let local = tag[..length].rsplit(|byte| *byte == b':').next().unwrap_or_default();
    match (local == b"svg", length == tag.len() && length < 64) {
        (_, true) => Prolog::Unfinished,
        (true, false) => Prolog::Svg(at),
        (false, false) => Prolog::Other,
    }
}

/// The length of what ends with `mark`, the mark included.
fn ends(rest: &[u8], mark: &[u8]) -> Option<usize> {
    rest.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len())
}

/// The length of a document type, whose internal subset stands in square brackets.
fn doctype(rest: &[u8]) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0_u32;
    for (index, &byte) in rest.iter().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            (None, b'>') if depth == 0 => return Some(index + 1),
            (None, _) => {}
        }
    }
    None
}
