//! The formats, one file each, and what is known about a picture before it is decoded.

pub(crate) mod exif;
pub(crate) mod jpeg;
pub(crate) mod png;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::rows::Rows;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// ITU-T T.81: read (baseline and progressive Huffman, 8 bits) and written.
    Jpeg,
    /// PNG, third edition: read (first image) and written.
    Png,
    /// RFC 9649: written (lossy), not yet read.
    WebP,
    /// AV1 Image File Format 1.1.
    Avif,
    /// GIF89a.
    Gif,
}

/// What is the same for every file of a format.
struct Facts {
    name: &'static str,
    media_type: &'static str,
    /// How a file begins; `None` for formats that are only written.
    magic: Option<&'static [u8]>,
}

impl Format {
    /// Every format.
    pub const ALL: &[Format] =
        &[Format::Jpeg, Format::Png, Format::WebP, Format::Avif, Format::Gif];

    fn facts(self) -> Facts {
        match self {
            Format::Jpeg => {
                Facts { name: "jpeg", media_type: "image/jpeg", magic: Some(b"\xff\xd8\xff") }
            }
            Format::Png => {
                Facts { name: "png", media_type: "image/png", magic: Some(b"\x89PNG\r\n\x1a\n") }
            }
            Format::WebP => Facts { name: "webp", media_type: "image/webp", magic: None },
            Format::Avif => Facts { name: "avif", media_type: "image/avif", magic: None },
            Format::Gif => Facts { name: "gif", media_type: "image/gif", magic: None },
        }
    }

    /// The format that these first bytes announce, among those that are read here. The name and
    /// the declared type of a file are not asked.
    pub fn sniff(head: &[u8]) -> Option<Format> {
        Format::ALL
            .iter()
            .copied()
            .find(|format| format.facts().magic.is_some_and(|magic| head.starts_with(magic)))
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

    /// The formats that are written.
    pub fn written() -> impl Iterator<Item = Format> {
        [Format::Jpeg, Format::Png, Format::WebP, Format::Avif, Format::Gif].into_iter()
    }

    /// Whether its files can show nothing in places.
    pub fn has_alpha(self) -> bool {
        !matches!(self, Format::Jpeg)
    }

    /// Whether its files are written as animations.
    pub fn moves(self) -> bool {
        matches!(self, Format::Gif | Format::WebP)
    }

    /// The format of a [name](Format::name).
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.iter().copied().find(|format| format.name() == name)
    }
}

/// The samples of a pixel as stored in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// One sample.
    Grey,
    /// Grey and alpha.
    GreyAlpha,
    /// Three samples; a palette counts as what it expands to.
    Rgb,
    /// Three samples and alpha.
    Rgba,
    /// Four inks; decoded to RGB.
    Cmyk,
}

impl Channels {
    /// Samples per pixel as stored.
    pub fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::GreyAlpha => 2,
            Channels::Rgb => 3,
            Channels::Rgba | Channels::Cmyk => 4,
        }
    }

    /// Whether the last sample is alpha.
    pub fn has_alpha(self) -> bool {
        matches!(self, Channels::GreyAlpha | Channels::Rgba)
    }

    /// What decoding makes of them: CMYK becomes RGB.
    #[must_use]
    pub fn decoded(self) -> Channels {
        match self {
            Channels::Cmyk => Channels::Rgb,
            other => other,
        }
    }
}

/// What a file says about its picture before any pixel is decoded. These are claims: only
/// [`open`] finds out whether the pixels are there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Header {
    /// The format of the file.
    pub format: Format,
    /// Columns as stored, before [`orientation`](Header::orientation) is applied.
    pub width: u32,
    /// Rows as stored.
    pub height: u32,
    /// From EXIF, in front of the pixels; [`Orientation::Upright`] when absent or out of range.
    pub orientation: Orientation,
    /// Pictures in the file, as declared; 1 when it is no animation.
    pub frames: u32,
    /// Samples of a pixel as stored.
    pub channels: Channels,
    /// Bits of a sample as stored: 1, 2, 4, 8 or 16.
    pub depth: u8,
    /// The picture comes in several passes (progressive JPEG, interlaced PNG), so that decoding
    /// needs room for all of it.
    pub progressive: bool,
}

/// Whether the bytes given are the complete file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Nothing follows.
    Yes,
    /// The file goes on.
    No,
}

/// Why there is no [`Header`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The header is longer than the bytes given; only with [`Whole::No`].
    #[error("the header does not end within the bytes given")]
    NeedMore,
    /// The file is refused.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Header {
    /// Parses without decoding, in time linear in `head` and without allocating. `head` is the
    /// beginning of the file; `whole` says whether it is all of it.
    pub fn parse(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
        /// The longest magic number.
        const MAGIC: usize = 8;
        match Format::sniff(head) {
            Some(Format::Jpeg) => jpeg::header(head, whole),
            Some(Format::Png) => png::header(head, whole),
            Some(Format::WebP | Format::Avif | Format::Gif) | None
                if whole == Whole::No && head.len() < MAGIC =>
            {
                Err(HeaderError::NeedMore)
            }
            Some(Format::WebP | Format::Avif | Format::Gif) | None if head.is_empty() => {
                Err(Fault::new(FaultCode::Empty, "The file has no bytes.").into())
            }
            Some(Format::WebP | Format::Avif | Format::Gif) | None => {
                Err(Fault::unsupported("The file does not begin as a JPEG or PNG does.").into())
            }
        }
    }

    /// Width and height with the orientation applied.
    pub fn upright(&self) -> (u32, u32) {
        let size = self.size().turned(self.orientation);
        (size.width, size.height)
    }

    pub(crate) fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    /// Upper bound of what the decoder allocates, in bytes, apart from fixed tables.
    pub(crate) fn decoder_memory(&self) -> u64 {
        match self.format {
            Format::Jpeg => jpeg::memory(self),
            Format::Png => png::memory(self),
            Format::WebP | Format::Avif | Format::Gif => u64::MAX,
        }
    }
}

/// The end of the bytes given, as the header parsers see it.
pub(crate) fn short(whole: Whole, detail: &str) -> HeaderError {
    match whole {
        Whole::No => HeaderError::NeedMore,
        Whole::Yes => Fault::truncated(detail).into(),
    }
}

/// Decodes `bytes`, whose header is `header`, as rows. Limits are checked first, before anything
/// is allocated. The faults are those of [`Limits`], and [`FaultCode::Truncated`],
/// [`FaultCode::Damaged`] and [`FaultCode::UnsupportedFormat`]; a decoder that panics has met a
/// damaged file.
pub fn open<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
) -> Result<Box<dyn Rows + 'a>, Fault> {
    limits.check_bytes(bytes.len() as u64)?;
    limits.check(header)?;
    limits.check_memory(header, header.decoder_memory())?;
    guarded(|| match header.format {
        Format::Jpeg => jpeg::open(bytes, header),
        Format::Png => png::open(bytes, header, limits),
        Format::WebP | Format::Avif | Format::Gif => {
            Err(Fault::unsupported("It is written, not read."))
        }
    })
}

/// Runs a decoder; its panic is a damaged picture.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(Fault::damaged(format!("The decoder gave up: {reason}.")))
    })
}
