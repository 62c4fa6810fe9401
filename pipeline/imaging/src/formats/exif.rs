//! One tag of EXIF, the orientation, which decides geometry. All other tags are the business of
//! the metadata stage.

use std::io::Read as _;

use crate::geometry::Orientation;

/// Tag 0x0112 in the first directory of a TIFF structure (EXIF 2.32, 4.6.2), where `tiff` begins
/// with `II*\0` or `MM\0*`. It is to be a SHORT; what some programs write, BYTE or LONG, is taken as
/// the metadata stage takes it, because the record and the pixels have to agree. Anything odd is
/// `None`; reads at most one directory.
pub(crate) fn orientation(tiff: &[u8]) -> Option<Orientation> {
    const TAG: u16 = 0x0112;
    const ENTRY: usize = 12;
    let order = match tiff.get(..4)? {
        b"II*\0" => Order::Little,
        b"MM\0*" => Order::Big,
        _ => return None,
    };
    let directory = usize::try_from(order.u32(tiff, 4)?).ok()?;
    let entries = usize::from(order.u16(tiff, directory)?);
    (0..entries)
        .map(|index| directory.checked_add(2 + index * ENTRY))
        .map_while(|at| Some((order.u16(tiff, at?)?, at?)))
        .find(|&(tag, _)| tag == TAG)
        .and_then(|(_, at)| Orientation::from_exif(order.integer(tiff, at)?))
}

/// EXIF without the six bytes that JPEG puts in front of it: sharp and libvips write them in WebP
/// too.
pub(crate) fn bare(exif: &[u8]) -> &[u8] {
    exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)
}

/// EXIF from a text chunk of PNG whose keyword is "Raw profile type exif" or "… APP1": a name, a
/// length and hexadecimal digits in lines, as `ImageMagick` and exiftool write it. At most
/// [`LONGEST_TEXT`] of it is looked at, which is enough for the first directory.
pub(crate) fn raw_profile(kind: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    const LONGEST_TEXT: u64 = 64 << 10;
    let rest = body.strip_prefix(b"Raw profile type ")?;
    let rest = rest.strip_prefix(b"exif\0").or_else(|| rest.strip_prefix(b"APP1\0"))?;
    let packed = |stream: &[u8]| {
        let mut text = Vec::new();
        let read = flate2::read::ZlibDecoder::new(stream).take(LONGEST_TEXT).read_to_end(&mut text);
        // What was unpacked before the damage may be enough.
        read.is_ok().then_some(()).or((!text.is_empty()).then_some(()))?;
        Some(text)
    };
    let text = match (kind, rest) {
        (b"tEXt", text) => text.get(..text.len().min(64 << 10))?.to_vec(),
        (b"zTXt", [0, stream @ ..]) => packed(stream)?,
        // Flag and method, then a language and a translated keyword, both empty.
        (b"iTXt", [0, 0, 0, 0, text @ ..]) => text.get(..text.len().min(64 << 10))?.to_vec(),
        (b"iTXt", [1, 0, 0, 0, stream @ ..]) => packed(stream)?,
        _ => return None,
    };
    // A line with the name, one with the length, then digits.
    let mut lines = text.trim_ascii_start().splitn(3, |byte| *byte == b'\n');
    let digits = lines.nth(2)?;
    let mut nibbles = digits.iter().filter_map(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::new();
    while let (Some(high), Some(low)) = (nibbles.next(), nibbles.next()) {
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(bytes)
}

/// Which end of a number comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// `II`.
    Little,
    /// `MM`.
    Big,
}

impl Order {
    /// The first integer of an entry: in its last four bytes, or where they point when there are
    /// more integers than fit.
    fn integer(self, tiff: &[u8], entry: usize) -> Option<u16> {
        const BYTE: u16 = 1;
        const SHORT: u16 = 3;
        const LONG: u16 = 4;
        let kind = self.u16(tiff, entry + 2)?;
        let size = match kind {
            BYTE => 1,
            SHORT => 2,
            LONG => 4,
            _ => return None,
        };
        let at = match u64::from(self.u32(tiff, entry + 4)?) * size {
            0 => return None,
            1..=4 => entry + 8,
            _ => usize::try_from(self.u32(tiff, entry + 8)?).ok()?,
        };
        match kind {
            BYTE => tiff.get(at).copied().map(u16::from),
            SHORT => self.u16(tiff, at),
            _ => u16::try_from(self.u32(tiff, at)?).ok(),
        }
    }

    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let two = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            Order::Little => u16::from_le_bytes(two),
            Order::Big => u16::from_be_bytes(two),
        })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            Order::Little => u32::from_le_bytes(four),
            Order::Big => u32::from_be_bytes(four),
        })
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let eight = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(match self {
            Order::Little => u64::from_le_bytes(eight),
            Order::Big => u64::from_be_bytes(eight),
        })
    }
}
