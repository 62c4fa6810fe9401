//! Rows of samples, made of a row of strips or tiles at a time.

use super::chunk::{self, Chunk};
use super::directory::{Directory, Photometric};
use crate::colour::Colour;
use crate::fault::Fault;
use crate::formats::exif::Order;
use crate::geometry::Orientation;
use crate::rows::{Depth, Layout, Rows};

pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    directory: Directory,
    layout: Layout,
    colour: Colour,
    palette: Vec<[u8; 3]>,
    /// Rows of the current row of strips or tiles, from `from` on.
    band: Vec<u8>,
    from: u32,
    next: u32,
}

impl<'a> Lines<'a> {
    pub(super) fn new(
        bytes: &'a [u8],
        directory: Directory,
        orientation: Orientation,
        colour: Colour,
    ) -> Result<Lines<'a>, Fault> {
        let layout = Layout {
            width: directory.width,
            height: directory.height,
            channels: directory.channels(),
            depth: if directory.deep() { Depth::Sixteen } else { Depth::Eight },
            orientation,
        };
        let palette = palette(bytes, &directory)?;
        Ok(Lines { bytes, directory, layout, colour, palette, band: Vec::new(), from: 0, next: 0 })
    }

    /// Decodes the row of strips or tiles that begins at row `from`.
    fn decode(&mut self, from: u32) -> Result<(), Fault> {
        let directory = &self.directory;
        let [width, height] = directory.chunk;
        let rows = height.min(directory.height - from) as usize;
        let across = directory.width.div_ceil(width) as usize;
        let down = directory.height.div_ceil(height) as usize;
        let planes = if directory.planar { usize::from(directory.samples) } else { 1 };
        let row_bytes = self.layout.row_bytes();
        let pixel = row_bytes / self.layout.width as usize;
        self.band.clear();
        self.band.resize(row_bytes * rows, 0);
        for column in 0..across {
            let index = (from / height) as usize * across + column;
            let chunks = (0..planes)
                .map(|plane| {
                    chunk::decode(directory, self.bytes, plane * across * down + index, rows)
                })
                .collect::<Result<Vec<Chunk>, Fault>>()?;
            let left = column * width as usize;
            let columns = (width as usize).min(directory.width as usize - left);
            for (row, line) in self.band.chunks_exact_mut(row_bytes).enumerate() {
                let line = &mut line[left * pixel..(left + columns) * pixel];
                let stored = Stored { directory, chunks: &chunks, row };
                stored.unpack(line, &self.palette);
            }
        }
        self.from = from;
        Ok(())
    }
}

impl Rows for Lines<'_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn colour(&self) -> &Colour {
        &self.colour
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let row_bytes = self.layout.row_bytes();
        let mut rows = 0;
        for row in into.chunks_exact_mut(row_bytes) {
            if self.next == self.layout.height {
                break;
            }
            let height = self.directory.chunk[1];
            let from = self.next - self.next % height;
            if self.band.is_empty() || from != self.from {
                self.decode(from)?;
            }
            let at = (self.next - from) as usize * row_bytes;
            row.copy_from_slice(&self.band[at..at + row_bytes]);
            self.next += 1;
            rows += 1;
        }
        if self.next == self.layout.height {
            self.band = Vec::new();
        }
        Ok(rows)
    }
}

/// Colours of indices (tag 320): all reds, all greens, all blues, in 16 bits; some writers use 8.
fn palette(bytes: &[u8], directory: &Directory) -> Result<Vec<[u8; 3]>, Fault> {
    if directory.photometric != Photometric::Palette {
        return Ok(Vec::new());
    }
    let count = 1_usize << directory.bits.min(16);
    let values = directory
        .palette
        .filter(|values| values.count >= 3 * count)
        .ok_or_else(|| Fault::damaged("The TIFF has indices without a palette."))?;
    let value = |index| values.get(bytes, index).unwrap_or_default();
    let narrow = (0..3 * count).all(|index| value(index) < 256);
    #[expect(clippy::cast_possible_truncation, reason = "16 bits to their upper 8, or 8 bits")]
    let part = |index| if narrow { value(index) as u8 } else { (value(index) >> 8) as u8 };
    Ok((0..count).map(|at| [part(at), part(count + at), part(2 * count + at)]).collect())
}

/// A row of one strip or tile, of all planes.
struct Stored<'a> {
    directory: &'a Directory,
    chunks: &'a [Chunk],
    row: usize,
}

impl Stored<'_> {
    /// Fills `line` with the pixels of the row, from its first on.
    fn unpack(&self, line: &mut [u8], palette: &[[u8; 3]]) {
        let directory = self.directory;
        let colours = usize::from(directory.colours());
        match directory.photometric {
            Photometric::Palette => {
                for (x, out) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    let index = usize::from(self.sample(x, 0, Scale::Index));
                    *out = palette.get(index).copied().unwrap_or_default();
                }
            }
            Photometric::YCbCr if directory.compression != 7 => {
                for (x, out) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    *out = rgb([0, 1, 2].map(|part| self.sample(x, part, Scale::Index)));
                }
            }
            _ => {
                let inverted = directory.photometric == Photometric::WhiteIsZero;
                let channels = directory.channels();
                let premultiplied = channels.has_alpha() && directory.extra == 1;
                let count = channels.count();
                let pixel = if directory.deep() { 2 * count } else { count };
                let most = if directory.deep() { u16::MAX } else { 255 };
                for (x, out) in line.chunks_exact_mut(pixel).enumerate() {
                    let alpha =
                        if premultiplied { self.sample(x, colours, Scale::Full) } else { most };
                    for part in 0..count {
                        let mut value = self.sample(x, part, Scale::Full);
                        if inverted && part == 0 {
                            value = most - value;
                        }
                        if part < colours && alpha != most {
                            value = divided(value, alpha, most);
                        }
                        if directory.deep() {
                            out[2 * part..2 * part + 2].copy_from_slice(&value.to_ne_bytes());
                        } else {
                            out[part] = u8::try_from(value).unwrap_or(u8::MAX);
                        }
                    }
                }
            }
        }
    }

    /// Sample `part` of pixel `x`, 0–255 or 0–65,535 where [`Directory::deep`]; 0 beyond the end.
    fn sample(&self, x: usize, part: usize, scale: Scale) -> u16 {
        let directory = self.directory;
        let (chunk, index) = if directory.planar {
            (self.chunks.get(part), x)
        } else {
            (self.chunks.first(), x * usize::from(directory.samples) + part)
        };
        let Some(chunk) = chunk else { return 0 };
        let row = chunk.samples.get(self.row * chunk.stride..).unwrap_or_default();
        let order = directory.order;
        let bits = usize::from(directory.bits);
        match (bits, directory.float()) {
            (8, _) => row.get(index).map_or(0, |byte| u16::from(*byte)),
            (16, false) => order.u16(row, 2 * index).unwrap_or_default(),
            (32, false) => {
                let value = order.u32(row, 4 * index).unwrap_or_default();
                u16::try_from(value >> 16).unwrap_or(u16::MAX)
            }
            (_, true) => unit(float(row, order, bits, index)),
            _ => {
                let value = packed(row, index * bits, bits);
                match scale {
                    Scale::Index => value,
                    Scale::Full => {
                        let full = if bits > 8 { 65_535 } else { 255 };
                        let most = (1_u32 << bits) - 1;
                        u16::try_from((u32::from(value) * full + most / 2) / most)
                            .unwrap_or(u16::MAX)
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Scale {
    /// As stored.
    Index,
    /// To the full range.
    Full,
}

/// Bits from the highest on, at most 16.
fn packed(row: &[u8], at: usize, bits: usize) -> u16 {
    let mut value = 0_u32;
    for byte in row.iter().skip(at / 8).take(3).chain([0, 0, 0].iter()).take(3) {
        value = value << 8 | u32::from(*byte);
    }
    let value = value >> (24 - at % 8 - bits) & ((1 << bits) - 1);
    u16::try_from(value).unwrap_or(u16::MAX)
}

fn float(row: &[u8], order: Order, bits: usize, index: usize) -> f64 {
    match bits {
        16 => order.u16(row, 2 * index).map_or(0.0, half),
        32 => order.u32(row, 4 * index).map_or(0.0, |bits| f64::from(f32::from_bits(bits))),
        _ => order.u64(row, 8 * index).map_or(0.0, f64::from_bits),
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let value = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 => f64::INFINITY,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -value } else { value }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–65,535")]
fn unit(value: f64) -> u16 {
    (value.clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16
}

/// Straight colour of a premultiplied sample.
fn divided(value: u16, alpha: u16, most: u16) -> u16 {
    if alpha == 0 {
        return 0;
    }
    let value = (u32::from(value) * u32::from(most) + u32::from(alpha) / 2) / u32::from(alpha);
    u16::try_from(value).unwrap_or(u16::MAX).min(most)
}

/// RGB of 8-bit YCbCr at full range (TIFF 6.0, section 21, with the coefficients of BT.601).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–255")]
fn rgb([y, cb, cr]: [u16; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
        .map(|value| value.round().clamp(0.0, 255.0) as u8)
}
