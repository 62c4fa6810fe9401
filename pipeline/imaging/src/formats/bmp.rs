//! Windows and OS/2 bitmaps ([MS-WMF] 2.2.2.9, BITMAPCOREHEADER to BITMAPV5HEADER). Rows are taken
//! from the file where they lie; only run-length coding needs the whole picture at once.

use super::{Channels, Format, Header, HeaderError, Whole, short};
use crate::colour::Colour;
use crate::fault::Fault;
use crate::geometry::Orientation;
use crate::rows::{Depth, Layout, Picture, Rows};

const ENDS: &str = "The bitmap ends before its picture does.";

/// Bytes in front of the DIB header: signature, size, two reserved words, place of the pixels.
const FILE: usize = 14;

/// Reads both headers and the colour masks.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    let length = word(head, FILE).ok_or_else(|| short(whole, ENDS))?;
    // Up to sixteen bytes of masks behind it.
    let end = FILE + usize::try_from(length).unwrap_or(usize::MAX).min(124) + 16;
    if head.len() < end && whole == Whole::No {
        return Err(HeaderError::NeedMore);
    }
    let info = Info::parse(head).ok_or_else(|| short(whole, ENDS))??;
    Ok(Header {
        format: Format::Bmp,
        width: info.width,
        height: info.height,
        orientation: Orientation::Upright,
        frames: 1,
        channels: info.channels(),
        // Not by `if` and `max`, which rustc 1.95 optimises into `max` alone.
        depth: info.bits.clamp(1, 8),
        progressive: matches!(info.coding, Coding::Runs),
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    four.first_chunk().map(|four| u32::from_le_bytes(*four))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    two.first_chunk().map(|two| u16::from_le_bytes(*two))
}

/// How pixels are stored.
enum Coding {
    /// Indices of 1, 2, 4 or 8 bits.
    Palette,
    /// Indices of 4 or 8 bits in runs (RLE4, RLE8).
    Runs,
    /// Numbers of 16, 24 or 32 bits, of which each mask is a sample: red, green, blue, alpha.
    Masks([u32; 4]),
}

struct Info {
    width: u32,
    height: u32,
    bits: u8,
    coding: Coding,
    /// The first row is the top one.
    downward: bool,
    /// Where the palette begins, its colours, and bytes of each.
    palette: (usize, usize, usize),
    pixels: usize,
}

impl Info {
    /// `None` where the bytes end.
    fn parse(file: &[u8]) -> Option<Result<Info, Fault>> {
        const CORE: u32 = 12;
        let damaged = |what: String| Some(Err(Fault::damaged(what)));
        let unsupported = |what: String| Some(Err(Fault::unsupported(what)));
        let pixels = usize::try_from(word(file, 10)?).ok()?;
        let length = word(file, FILE)?;
        let (width, height, bits, coding) = if length == CORE {
            let height = i64::from(half(file, 20)?);
            (i64::from(half(file, 18)?), height, half(file, 24)?, 0)
        } else {
            let signed = |at| word(file, at).map(|side| i64::from(side.cast_signed()));
            let coding = if length < 40 { 0 } else { word(file, 30)? };
            (signed(18)?, signed(22)?, half(file, 28)?, coding)
        };
        if width <= 0 || height == 0 {
            return damaged(format!("The bitmap claims to be {width}×{height}."));
        }
        let bits = u8::try_from(bits).unwrap_or(u8::MAX);
        let masks = FILE + 40;
        let mask = |index: usize| word(file, masks + 4 * index);
        let in_header = length >= 52;
        let mut behind = 0;
        let coding = match (coding, bits) {
            (0, 1 | 2 | 4 | 8) => Coding::Palette,
            (0, 16) => Coding::Masks([0x7c00, 0x3e0, 0x1f, 0]),
            (0, 24 | 32) => Coding::Masks([0xff_0000, 0xff00, 0xff, 0]),
            (1, 8) | (2, 4) => Coding::Runs,
            (3 | 6, 16 | 32) => {
                let alpha = match (length, coding) {
                    (56.., _) | (_, 6) => mask(3)?,
                    _ => 0,
                };
                if !in_header {
                    behind = if coding == 6 { 16 } else { 12 };
                }
                Coding::Masks([mask(0)?, mask(1)?, mask(2)?, alpha])
            }
            (4 | 5, _) => {
                return unsupported("The bitmap holds a JPEG or PNG for a printer.".into());
            }
            _ => {
                return unsupported(format!(
                    "The bitmap has {bits} bits a pixel in coding {coding}, which is not read."
                ));
            }
        };
        let entry = if length == CORE { 3 } else { 4 };
        let palette = usize::try_from(length).ok()?.checked_add(FILE + behind)?;
        // Some writers say more colours than there is room for in front of the pixels.
        let room = pixels.saturating_sub(palette) / entry;
        let most = if bits <= 8 { 1 << bits } else { 0 };
        Some(Ok(Info {
            width: u32::try_from(width).ok()?,
            height: u32::try_from(height.unsigned_abs()).ok()?,
            bits,
            coding,
            downward: height < 0,
            palette: (palette, room.min(most), entry),
            pixels,
        }))
    }

    fn channels(&self) -> Channels {
        match self.coding {
            Coding::Masks([.., alpha]) if alpha != 0 => Channels::Rgba,
            _ => Channels::Rgb,
        }
    }

    /// Bytes of a stored row: a multiple of four.
    fn stride(&self) -> usize {
        (self.width as usize * usize::from(self.bits)).div_ceil(32) * 4
    }

    fn colours(&self, file: &[u8]) -> Vec<[u8; 3]> {
        let (at, count, entry) = self.palette;
        let mut colours: Vec<[u8; 3]> = file
            .get(at..)
            .unwrap_or_default()
            .chunks_exact(entry)
            .take(count)
            .map(|colour| [colour[2], colour[1], colour[0]])
            .collect();
        // Indices beyond the palette are black.
        colours.resize(256, [0; 3]);
        colours
    }
}

/// A palette; the indices and their colours where they come in runs.
pub(crate) fn memory(header: &Header) -> u64 {
    let pixels = header.size().pixels();
    if header.progressive { pixels * 4 + 4096 } else { 4096 }
}

/// Hands out rows from where they lie.
pub(crate) fn open<'a>(bytes: &'a [u8], header: &Header) -> Result<Box<dyn Rows + 'a>, Fault> {
    let info = Info::parse(bytes).ok_or_else(|| Fault::truncated(ENDS))??;
    let layout = Layout {
        width: header.width,
        height: header.height,
        channels: header.channels,
        depth: Depth::Eight,
        orientation: header.orientation,
    };
    if (info.width, info.height, info.channels()) != (layout.width, layout.height, layout.channels)
    {
        return Err(Fault::damaged("The bitmap is another than its header says."));
    }
    let colours = info.colours(bytes);
    let data = bytes.get(info.pixels..).ok_or_else(|| Fault::truncated(ENDS))?;
    if matches!(info.coding, Coding::Runs) {
        let indices = runs(data, &info)?;
        let samples = indices.iter().flat_map(|&index| colours[usize::from(index)]).collect();
        return Ok(Box::new(Picture::new(layout, samples)?));
    }
    // The last row may lack its padding.
    let needed = info.stride() * (info.height as usize - 1)
        + (info.width as usize * usize::from(info.bits)).div_ceil(8);
    if data.len() < needed {
        return Err(Fault::truncated(ENDS));
    }
    Ok(Box::new(Lines { data, info, colours, layout, next: 0 }))
}

struct Lines<'a> {
    data: &'a [u8],
    info: Info,
    colours: Vec<[u8; 3]>,
    layout: Layout,
    next: u32,
}

impl Rows for Lines<'_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let mut rows = 0;
        for row in into.chunks_exact_mut(self.layout.row_bytes()) {
            if self.next == self.layout.height {
                break;
            }
            let index =
                if self.info.downward { self.next } else { self.layout.height - 1 - self.next };
            let stored = self.data.get(index as usize * self.info.stride()..).unwrap_or_default();
            self.line(stored, row);
            self.next += 1;
            rows += 1;
        }
        Ok(rows)
    }

    fn colour(&self) -> &Colour {
        &Colour::Srgb
    }
}

impl Lines<'_> {
    fn line(&self, stored: &[u8], row: &mut [u8]) {
        let bits = usize::from(self.info.bits);
        match self.info.coding {
            Coding::Palette | Coding::Runs => {
                let per_byte = 8 / bits;
                let mask = u8::MAX >> (8 - bits);
                for (x, out) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    let byte = stored.get(x / per_byte).copied().unwrap_or_default();
                    let index = byte >> (8 - bits - x % per_byte * bits) & mask;
                    *out = self.colours[usize::from(index)];
                }
            }
            Coding::Masks([0xff_0000, 0xff00, 0xff, 0]) => {
                let pixels = stored.chunks_exact(bits / 8);
                for (out, pixel) in row.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                    *out = [pixel[2], pixel[1], pixel[0]];
                }
            }
            Coding::Masks(masks) => {
                let channels = self.layout.channels.count();
                let pixels = stored.chunks_exact(bits / 8);
                for (out, pixel) in row.chunks_exact_mut(channels).zip(pixels) {
                    let mut four = [0; 4];
                    four[..pixel.len()].copy_from_slice(pixel);
                    let value = u32::from_le_bytes(four);
                    for (sample, mask) in out.iter_mut().zip(masks) {
                        *sample = scaled(value, mask);
                    }
                }
            }
        }
    }
}

/// The bits under a mask, scaled to 0–255 and rounded.
fn scaled(value: u32, mask: u32) -> u8 {
    if mask == 0 {
        return 0;
    }
    let shift = mask.trailing_zeros();
    let (most, value) = (u64::from(mask >> shift), u64::from((value & mask) >> shift));
    u8::try_from((value * 255 + most / 2) / most).unwrap_or(u8::MAX)
}

/// RLE8 and RLE4: pairs of a count and an index (or two of four bits); a count of zero escapes to
/// the end of the row, of the picture, a move, or indices without runs. What is not drawn is 0.
fn runs(data: &[u8], info: &Info) -> Result<Vec<u8>, Fault> {
    let (width, height) = (info.width as usize, info.height as usize);
    let mut indices = vec![0; width * height];
    let (mut x, mut y) = (0_usize, 0_usize);
    let mut bytes = data.iter().copied();
    let mut take = || bytes.next().ok_or_else(|| Fault::truncated(ENDS));
    let nibble = |byte: u8, at: usize| match (info.bits, at % 2) {
        (4, 0) => byte >> 4,
        (4, _) => byte & 15,
        _ => byte,
    };
    while y < height {
        let mut put = |x: usize, y: usize, index: u8| {
            let row = if info.downward { y } else { height - 1 - y };
            if x < width {
                indices[row * width + x] = index;
            }
        };
        match (take()?, take()?) {
            (0, 0) => (x, y) = (0, y + 1),
            (0, 1) => break,
            (0, 2) => {
                x += usize::from(take()?);
                y += usize::from(take()?);
            }
            (0, count) => {
                let count = usize::from(count);
                let length = if info.bits == 4 { count.div_ceil(2) } else { count };
                let per_byte = if info.bits == 4 { 2 } else { 1 };
                for at in 0..length {
                    let byte = take()?;
                    for part in 0..per_byte.min(count - at * per_byte) {
                        put(x, y, nibble(byte, part));
                        x += 1;
                    }
                }
                if length % 2 == 1 {
                    take()?;
                }
            }
            (count, byte) => {
                for at in 0..usize::from(count) {
                    put(x, y, nibble(byte, at));
                    x += 1;
                }
            }
        }
    }
    Ok(indices)
}
