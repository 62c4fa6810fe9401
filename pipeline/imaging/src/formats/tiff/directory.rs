//! The first directory of a TIFF: what it claims, and where its strips or tiles are.

use std::ops::Range;

use super::Channels;
use crate::fault::{Fault, FaultCode};
use crate::formats::exif::Order;
use crate::geometry::Orientation;

/// What photometric interpretation (tag 262) says, of what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Photometric {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
}

/// Numbers that a tag points to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    order: Order,
    kind: u16,
    pub(super) count: usize,
    at: usize,
}

impl Values {
    /// One of them; whole numbers without a sign only.
    pub(super) fn get(&self, bytes: &[u8], index: usize) -> Option<u64> {
        if index >= self.count {
            return None;
        }
        let at = |size: usize| self.at.checked_add(index.checked_mul(size)?);
        match self.kind {
            1 | 6 | 7 => bytes.get(at(1)?).map(|byte| u64::from(*byte)),
            3 => self.order.u16(bytes, at(2)?).map(u64::from),
            4 | 13 => self.order.u32(bytes, at(4)?).map(u64::from),
            16 | 18 => self.order.u64(bytes, at(8)?),
            _ => None,
        }
    }

    fn range(&self) -> Option<Range<usize>> {
        Some(self.at..self.at.checked_add(self.count)?)
    }
}

/// The tags that decide pixels.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) order: Order,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bits of every sample.
    pub(super) bits: u16,
    /// Samples of a pixel, those without a meaning included.
    pub(super) samples: u16,
    pub(super) photometric: Photometric,
    pub(super) compression: u16,
    /// Each sample in strips or tiles of its own.
    pub(super) planar: bool,
    pub(super) predictor: u16,
    /// Bits of a byte come from the lowest.
    pub(super) reversed: bool,
    pub(super) format: u16,
    /// What the first extra sample means: 1 is associated (premultiplied) alpha, 2 straight alpha.
    pub(super) extra: u16,
    pub(super) orientation: Orientation,
    /// Of a strip or tile, in pixels.
    pub(super) chunk: [u32; 2],
    pub(super) offsets: Values,
    pub(super) lengths: Option<Values>,
    pub(super) palette: Option<Values>,
    pub(super) tables: Option<Range<usize>>,
    pub(super) profile: Option<Range<usize>>,
    pub(super) fax_options: u32,
    /// Samples of brightness for one of colour, across and down.
    pub(super) subsampling: [u16; 2],
}

/// The tags found, as far as they are of use here.
struct Tags<'a> {
    bytes: &'a [u8],
    order: Order,
    big: bool,
    first: usize,
    entries: usize,
}

impl<'a> Tags<'a> {
    /// `None` where the bytes end.
    fn parse(bytes: &'a [u8]) -> Option<Tags<'a>> {
        let order = if bytes.starts_with(b"II") { Order::Little } else { Order::Big };
        let big = order.u16(bytes, 2)? == 43;
        let (at, entries, header, entry) = if big {
            let at = usize::try_from(order.u64(bytes, 8)?).ok()?;
            (at, order.u64(bytes, at)?, 8, 20)
        } else {
            let at = usize::try_from(order.u32(bytes, 4)?).ok()?;
            (at, u64::from(order.u16(bytes, at)?), 2, 12)
        };
        // No directory has more tags than there are numbers for them.
        let entries = usize::try_from(entries.min(65_536)).ok()?;
        let first = at.checked_add(header)?;
        bytes.get(first..first.checked_add(entries * entry)?)?;
        Some(Tags { bytes, order, big, first, entries })
    }

    /// The values of a tag; `Some(None)` where it is absent, `None` where they lie beyond the end.
    #[expect(
        clippy::option_option,
        reason = "absent and beyond the end are two things, each left by `?`"
    )]
    fn find(&self, tag: u16) -> Option<Option<Values>> {
        let (size, wide) = if self.big { (20, 8) } else { (12, 4) };
        for index in 0..self.entries {
            let at = self.first + index * size;
            if self.order.u16(self.bytes, at)? != tag {
                continue;
            }
            let kind = self.order.u16(self.bytes, at + 2)?;
            let count = if self.big {
                usize::try_from(self.order.u64(self.bytes, at + 4)?).ok()?
            } else {
                usize::try_from(self.order.u32(self.bytes, at + 4)?).ok()?
            };
            let length = match kind {
                3 | 8 => 2,
                4 | 9 | 11 | 13 => 4,
                5 | 10 | 12 | 16 | 17 | 18 => 8,
                _ => 1,
            };
            let length = count.checked_mul(length)?;
            let place = at + 4 + wide;
            let at = if length <= wide {
                place
            } else if self.big {
                usize::try_from(self.order.u64(self.bytes, place)?).ok()?
            } else {
                usize::try_from(self.order.u32(self.bytes, place)?).ok()?
            };
            self.bytes.get(at..at.checked_add(length)?)?;
            return Some(Some(Values { order: self.order, kind, count, at }));
        }
        Some(None)
    }

    /// The first value of a tag.
    fn one(&self, tag: u16, absent: u64) -> Option<u64> {
        Some(match self.find(tag)? {
            Some(values) => values.get(self.bytes, 0).unwrap_or(absent),
            None => absent,
        })
    }

    fn short(&self, tag: u16, absent: u16) -> Option<u16> {
        Some(u16::try_from(self.one(tag, u64::from(absent))?).unwrap_or(u16::MAX))
    }

    fn long(&self, tag: u16, absent: u32) -> Option<u32> {
        Some(u32::try_from(self.one(tag, u64::from(absent))?).unwrap_or(u32::MAX))
    }
}

impl Directory {
    /// `None` where the bytes end before what is pointed to.
    pub(super) fn parse(bytes: &[u8]) -> Option<Result<Directory, Fault>> {
        let tags = Tags::parse(bytes)?;
        let photometric = match tags.short(262, 1)? {
            0 => Photometric::WhiteIsZero,
            1 => Photometric::BlackIsZero,
            2 => Photometric::Rgb,
            3 => Photometric::Palette,
            5 => Photometric::Cmyk,
            6 => Photometric::YCbCr,
            other => {
                return Some(Err(Fault::unsupported(format!(
                    "The TIFF has the photometric interpretation {other}, which is not read."
                ))));
            }
        };
        let (width, height) = (tags.long(256, 0)?, tags.long(257, 0)?);
        let samples = tags.short(277, 1)?;
        let bits = tags.find(258)?;
        let all = |index| bits.and_then(|bits| bits.get(bytes, index));
        let first = all(0).unwrap_or(1);
        let differ = (1..bits.map_or(0, |bits| bits.count.min(usize::from(samples))))
            .any(|index| all(index) != Some(first));
        if differ {
            let detail = "The TIFF has samples of different widths, which is not read.";
            return Some(Err(Fault::unsupported(detail)));
        }
        let tiled = tags.find(322)?.is_some();
        let chunk = if tiled {
            [tags.long(322, 0)?, tags.long(323, 0)?]
        } else {
            [width, tags.long(278, u32::MAX)?.min(height)]
        };
        let (offsets, lengths) = if tiled { (324, 325) } else { (273, 279) };
        let Some(offsets) = tags.find(offsets)? else {
            return Some(Err(Fault::damaged("The TIFF does not say where its pixels are.")));
        };
        let subsampling = match tags.find(530)? {
            Some(values) => [
                u16::try_from(values.get(bytes, 0).unwrap_or(2)).unwrap_or(0),
                u16::try_from(values.get(bytes, 1).unwrap_or(2)).unwrap_or(0),
            ],
            None => [2, 2],
        };
        Some(Ok(Directory {
            order: tags.order,
            width,
            height,
            bits: u16::try_from(first).unwrap_or(u16::MAX),
            samples,
            photometric,
            compression: tags.short(259, 1)?,
            planar: tags.short(284, 1)? == 2 && samples > 1,
            predictor: tags.short(317, 1)?,
            reversed: tags.short(266, 1)? == 2,
            format: tags.short(339, 1)?,
            extra: tags.short(338, 0)?,
            orientation: Orientation::from_exif(tags.short(274, 1)?).unwrap_or_default(),
            chunk,
            offsets,
            lengths: tags.find(lengths)?,
            palette: tags.find(320)?,
            tables: tags.find(347)?.and_then(|values| values.range()),
            profile: tags.find(34675)?.and_then(|values| values.range()),
            fax_options: tags.long(292, 0)?,
            subsampling,
        }))
    }

    /// Samples with a meaning as colour.
    pub(super) fn colours(&self) -> u16 {
        match self.photometric {
            Photometric::WhiteIsZero | Photometric::BlackIsZero | Photometric::Palette => 1,
            Photometric::Rgb | Photometric::YCbCr => 3,
            Photometric::Cmyk => 4,
        }
    }

    fn alpha(&self) -> bool {
        self.samples > self.colours() && matches!(self.extra, 1 | 2)
    }

    pub(super) fn channels(&self) -> Channels {
        match (self.photometric, self.alpha()) {
            (Photometric::WhiteIsZero | Photometric::BlackIsZero, false) => Channels::Grey,
            (Photometric::WhiteIsZero | Photometric::BlackIsZero, true) => Channels::GreyAlpha,
            (Photometric::Rgb, true) => Channels::Rgba,
            (Photometric::Rgb | Photometric::YCbCr | Photometric::Palette, _) => Channels::Rgb,
            // Transparent ink is not read: its colour is that of the ink.
            (Photometric::Cmyk, _) => Channels::Cmyk,
        }
    }

    pub(super) fn float(&self) -> bool {
        self.format == 3
    }

    /// Whether samples come out in 16 bits.
    pub(super) fn deep(&self) -> bool {
        self.bits > 8 && self.photometric != Photometric::Palette
    }

    /// Bytes of the samples of a row of strips or tiles.
    pub(super) fn band_bytes(&self) -> u64 {
        let sample = u64::from(self.bits.div_ceil(8)).max(1);
        u64::from(self.width) * u64::from(self.chunk[1]) * u64::from(self.samples).max(4) * sample
    }

    /// Bytes of a stored row of a strip or tile.
    pub(super) fn chunk_row(&self) -> usize {
        let samples = if self.planar { 1 } else { usize::from(self.samples) };
        (self.chunk[0] as usize * samples * usize::from(self.bits)).div_ceil(8)
    }

    /// Refuses what contradicts itself or is not read.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let Directory { width, height, bits, samples, .. } = *self;
        if width == 0 || height == 0 || self.chunk.contains(&0) {
            return Err(Fault::damaged(format!(
                "The TIFF claims to be {width}×{height} in parts of {}×{}.",
                self.chunk[0], self.chunk[1]
            )));
        }
        if samples < self.colours() {
            return Err(Fault::damaged(format!(
                "The TIFF has {samples} samples where its colours need {}.",
                self.colours()
            )));
        }
        let fits = match (self.format, self.photometric) {
            (1 | 4, Photometric::Palette) => matches!(bits, 1 | 2 | 4 | 8 | 16),
            (1 | 4, Photometric::Cmyk | Photometric::YCbCr) => matches!(bits, 8 | 16),
            (1 | 4, _) => matches!(bits, 1 | 2 | 4 | 8 | 10 | 12 | 14 | 16 | 32),
            (3, Photometric::Rgb | Photometric::BlackIsZero) => matches!(bits, 16 | 32 | 64),
            _ => false,
        };
        if !fits || samples > 64 {
            return Err(Fault::unsupported(format!(
                "The TIFF has {samples} samples of {bits} bits in format {}, which is not read.",
                self.format
            )));
        }
        if self.photometric == Photometric::YCbCr && self.compression != 7 {
            let plain = self.subsampling == [1, 1] && bits == 8 && !self.planar;
            if !plain {
                return Err(Fault::unsupported("The TIFF has subsampled colour without JPEG."));
            }
        }
        // A tile is padded; one much larger than the picture is made to waste memory.
        let tile = u64::from(self.chunk[0]) * u64::from(self.chunk[1]);
        let picture = u64::from(width) * u64::from(height);
        if tile > picture.saturating_mul(2).saturating_add(1 << 20) {
            return Err(Fault::new(
                FaultCode::TooMuchMemory,
                format!("The TIFF has tiles of {tile} pixels for a picture of {picture}."),
            ));
        }
        Ok(())
    }
}
