//! Pictures and EXIF blocks, drawn and written by code of these tests alone.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// A JPEG with edges, gradients and no symmetry; each `seed` another.
pub fn jpeg(width: u32, height: u32, seed: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let shade = |n: u32| u8::try_from(n % 256).unwrap();
        let edge = if (x / 7 + y / 5) % 2 == 0 { 90 } else { 0 };
        Rgb([shade(x * 5 + edge), shade(y * 3 + u32::from(seed) * 41), shade(x + y + edge)])
    });
    encode(&picture.into(), ImageFormat::Jpeg)
}

/// A PNG that is half transparent.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbaImage::from_fn(width, height, |x, y| {
        let alpha = if x > y { 255 } else { 64 };
        Rgba([u8::try_from(x % 256).unwrap(), 120, u8::try_from(y % 256).unwrap(), alpha])
    });
    encode(&picture.into(), ImageFormat::Png)
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG with this TIFF structure as its EXIF, in front of everything else.
pub fn with_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    let length = u16::try_from(2 + 6 + tiff.len()).unwrap();
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(tiff);
    bytes.extend(&jpeg[2..]);
    bytes
}

/// A value of an EXIF tag.
#[derive(Clone)]
pub enum Tag {
    Text(&'static [u8]),
    Byte(Vec<u8>),
    Short(Vec<u16>),
    Fraction(Vec<(u32, u32)>),
}

impl Tag {
    /// Type, count and bytes, big-endian (TIFF 6.0, section 2).
    fn stored(&self) -> (u16, usize, Vec<u8>) {
        match self {
            Self::Text(text) => (2, text.len(), text.to_vec()),
            Self::Byte(bytes) => (1, bytes.len(), bytes.clone()),
            Self::Short(values) => {
                (3, values.len(), values.iter().flat_map(|v| v.to_be_bytes()).collect())
            }
            Self::Fraction(values) => {
                let bytes = values.iter().flat_map(|(n, d)| [n.to_be_bytes(), d.to_be_bytes()]);
                (5, values.len(), bytes.flatten().collect())
            }
        }
    }
}

/// Tag, type, count and bytes.
type Entry = (u16, u16, usize, Vec<u8>);

/// A TIFF structure of three directories: the first, EXIF's and GPS's.
pub fn tiff(first: &[(u16, Tag)], exif: &[(u16, Tag)], gps: &[(u16, Tag)]) -> Vec<u8> {
    const EXIF: u16 = 0x8769;
    const GPS: u16 = 0x8825;
    let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
    // Room for two pointers; their targets are known once the first directory is laid out.
    let blank = |tag| (tag, 4_u16, 1_usize, vec![0; 4]);
    let mut entries: Vec<Entry> = first
        .iter()
        .map(|(tag, value)| {
            let (kind, count, data) = value.stored();
            (*tag, kind, count, data)
        })
        .chain([blank(EXIF), blank(GPS)])
        .collect();
    entries.sort_by_key(|entry| entry.0);
    let size = directory(8, &entries).len();
    let stored = |list: &[(u16, Tag)]| {
        let mut entries: Vec<Entry> = list
            .iter()
            .map(|(tag, value)| {
                let (kind, count, data) = value.stored();
                (*tag, kind, count, data)
            })
            .collect();
        entries.sort_by_key(|entry| entry.0);
        entries
    };
    let exif_at = 8 + size;
    let exif = directory(exif_at, &stored(exif));
    let gps_at = exif_at + exif.len();
    for entry in &mut entries {
        let target = match entry.0 {
            EXIF => exif_at,
            GPS => gps_at,
            _ => continue,
        };
        entry.3 = u32::try_from(target).unwrap().to_be_bytes().to_vec();
    }
    bytes.extend(directory(8, &entries));
    bytes.extend(exif);
    bytes.extend(directory(gps_at, &stored(gps)));
    bytes
}

/// A directory that stands at an offset, with the values that do not fit it behind it.
fn directory(at: usize, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = u16::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
    let mut behind: Vec<u8> = Vec::new();
    let values_at = at + 2 + entries.len() * 12 + 4;
    for (tag, kind, count, data) in entries {
        bytes.extend(tag.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(u32::try_from(*count).unwrap().to_be_bytes());
        if data.len() <= 4 {
            let mut short = data.clone();
            short.resize(4, 0);
            bytes.extend(short);
        } else {
            let offset = u32::try_from(values_at + behind.len()).unwrap();
            bytes.extend(offset.to_be_bytes());
            behind.extend(data);
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(behind);
    bytes
}
