//! The formats, one file each, and what is known about a picture before it is decoded.

mod animation;
mod apng;
mod avif;
mod bmp;
pub(crate) mod exif;
mod format;
mod gif;
mod heic;
mod heif;
pub(crate) mod jpeg;
mod jxl;
mod mosaic;
pub(crate) mod png;
mod svg;
mod tiff;
pub(crate) mod webp;
mod yuv;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

pub use format::Format;
use format::{Prolog, prolog};

use crate::colour::Colour;
use crate::fault::{Fault, FaultCode};
use crate::geometry::{Orientation, Size};
use crate::limits::Limits;
use crate::rows::Rows;

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
    /// Four inks.
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

    /// What linear light makes of them: inks become colours.
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
    /// From EXIF, of AVIF and HEIC from their boxes; [`Orientation::Upright`] when absent or out of
    /// range, and where the decoder turns the picture itself.
    pub orientation: Orientation,
    /// Pictures in the file, as declared; 1 when it is no animation.
    pub frames: u32,
    /// Samples of a pixel as stored.
    pub channels: Channels,
    /// Bits of a sample as stored, at most 16; of a palette, of an index.
    pub depth: u8,
    /// Decoding needs room for all of the picture: it comes in several passes (progressive JPEG,
    /// interlaced PNG), in one piece, or has to be drawn.
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

/// The longest header that is looked for. Real ones end within a few megabytes, embedded previews
/// included; what goes on for longer is made to waste memory.
const LONGEST: usize = 16 << 20;

impl Header {
    /// The same as [`parse`](Header::parse) for whoever reads on while more is needed: a header that
    /// goes on and on is a fault. Formats whose header may lie behind the pixels are read to their
    /// end where it must be: [`Limits::bytes`] bounds that.
    pub fn seek(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
        match Header::parse(head, whole) {
            Err(HeaderError::NeedMore)
                if head.len() >= LONGEST && !Format::sniff(head).is_some_and(Format::scattered) =>
            {
                let detail = format!("The header does not end within {LONGEST} bytes.");
                Err(Fault::damaged(detail).into())
            }
            parsed => parsed,
        }
    }

    /// Parses without decoding, in time linear in `head` and with small, bounded allocations. `head`
    /// is the beginning of the file; `whole` says whether it is all of it. Where a format lets its
    /// header lie anywhere (TIFF, WebP with EXIF, AVIF and HEIC) or counts its pictures nowhere
    /// (GIF), that may be needed.
    pub fn parse(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
        /// What sniffing looks at, apart from texts and the brands of `ftyp`.
        const MAGIC: usize = 18;
        match Format::sniff(head) {
            Some(Format::Jpeg) => jpeg::header(head, whole),
            Some(Format::Png) => png::header(head, whole),
            Some(Format::WebP) => webp::header(head, whole),
            Some(Format::Gif) => gif::header(head, whole),
            Some(Format::Bmp) => bmp::header(head, whole),
            Some(Format::Tiff) => tiff::header(head, whole),
            Some(Format::Avif | Format::Heic) => heif::header(head, whole),
            Some(Format::Jxl) => jxl::header(head, whole),
            Some(Format::Svg) => svg::header(head, whole),
            None if head.is_empty() && whole == Whole::Yes => {
                Err(Fault::new(FaultCode::Empty, "The file has no bytes.").into())
            }
            None if head.len() < MAGIC => Err(short(whole, "The file is too short for a picture.")),
            None if matches!(prolog(head), Prolog::Unfinished) => {
                Err(short(whole, "The text ends before its root element."))
            }
            None if head.starts_with(b"\x1f\x8b") => Err(Fault::unsupported(
                "The file is compressed by gzip; a compressed SVG is read after unpacking only.",
            )
            .into()),
            None => Err(Fault::unsupported("The file does not begin as any picture does.").into()),
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
            Format::WebP => webp::memory(self),
            Format::Gif => gif::memory(self),
            Format::Bmp => bmp::memory(self),
            Format::Tiff => tiff::memory(self),
            Format::Avif => avif::memory(self),
            Format::Jxl => jxl::memory(self),
            Format::Svg => svg::memory(self),
            Format::Heic => heic::memory(self),
        }
    }
}

/// The colour of code points (ITU-T H.273, tables 2 and 3). Unspecified is sRGB, and so are the
/// curves of cameras (1, 6, 14, 15), which every browser takes for it.
pub(crate) fn coded(primaries: u8, transfer: u8) -> Colour {
    let primaries = if matches!(primaries, 0 | 2) { 1 } else { primaries };
    let transfer = if matches!(transfer, 0 | 1 | 2 | 6 | 14 | 15) { 13 } else { transfer };
    match (primaries, transfer) {
        (1, 13) => Colour::Srgb,
        _ => Colour::Coded { primaries, transfer },
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
    admit(bytes, header, limits)?;
    guarded(|| match header.format {
        Format::Jpeg | Format::Png | Format::WebP => common(bytes, header, limits),
        Format::Gif => gif::open(bytes, header),
        Format::Bmp => bmp::open(bytes, header),
        Format::Tiff => tiff::open(bytes, header),
        Format::Avif => avif::open(bytes, header, limits),
        Format::Jxl => jxl::open(bytes, header),
        Format::Svg => svg::open(bytes, header),
        Format::Heic => heic::open(bytes, header, limits),
    })
}

fn admit(bytes: &[u8], header: &Header, limits: &Limits) -> Result<(), Fault> {
    limits.check_bytes(bytes.len() as u64)?;
    limits.check(header)?;
    limits.check_memory(header, header.decoder_memory())
}

fn common<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
) -> Result<Box<dyn Rows + 'a>, Fault> {
    match header.format {
        Format::Jpeg => jpeg::open(bytes, header),
        Format::Png => png::open(bytes, header, limits),
        Format::WebP => webp::open(bytes, header, limits),
        other => Err(uncommon(other)),
    }
}

fn uncommon(format: Format) -> Fault {
    let name = format.name().to_uppercase();
    Fault::unsupported(format!("It is {name}; PNG, JPEG and WebP are taken."))
}

/// The rows of a picture that belongs to a preset, as [`open`] gives them. Only the three formats that everybody can make are taken, so a program that checks presets and decodes nothing else
/// holds no other decoder.
pub(crate) fn open_common<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Box<dyn Rows + 'a>, Fault> {
    let parsed = match Format::sniff(bytes) {
        Some(Format::Jpeg) => jpeg::header(bytes, Whole::Yes),
        Some(Format::Png) => png::header(bytes, Whole::Yes),
        Some(Format::WebP) => webp::header(bytes, Whole::Yes),
        Some(other) => return Err(uncommon(other)),
        None if bytes.is_empty() => {
            return Err(Fault::new(FaultCode::Empty, "The file has no bytes."));
        }
        None => {
            let detail = "The file does not begin as a PNG, JPEG or WebP does.".to_owned();
            return Err(Fault::unsupported(detail));
        }
    };
    let header = parsed.map_err(|error| match error {
        HeaderError::Fault(fault) => fault,
        HeaderError::NeedMore => Fault::truncated("The header does not end."),
    })?;
    admit(bytes, &header, limits)?;
    guarded(|| common(bytes, &header, limits))
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
