//! Gain maps (ISO 21496-1): how much brighter each place is on a screen that can show it. The picture
//! itself is the one for every screen.

use fast_image_resize::Resizer;

use crate::canvas::{Bitmap, Canvas};
use crate::fault::Fault;
use crate::geometry::Size;
use crate::resample::resampled;
use crate::rows::Layout;

/// What the segment of a JPEG begins with that holds a [`Meaning`].
pub(crate) const ISO: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";

/// A map as it is stored, not yet turned.
#[derive(Clone, Debug)]
pub struct GainMap {
    /// 8 bits, grey or RGB.
    pub(crate) layout: Layout,
    pub(crate) samples: Vec<u8>,
    pub(crate) meaning: Meaning,
}

/// Upper bound of the samples of a map for a source of so many pixels.
pub(crate) fn held(source: Size) -> u64 {
    source.pixels()
}

impl GainMap {
    /// Whether each colour has a map of its own, which holds in the source's colours alone.
    pub(crate) fn is_coloured(&self) -> bool {
        self.layout.channels.count() > 1
    }

    /// The map, upright, for a picture whose source had one of this size.
    pub(crate) fn fitted(
        &self,
        source: Size,
        picture: Size,
        resizer: &mut Resizer,
    ) -> Result<Bitmap, Fault> {
        let Layout { channels, orientation, .. } = self.layout;
        // The numbers are logarithms, so that they are averaged as they are.
        let mut canvas = Canvas::empty(self.layout.size(), channels);
        for (wide, sample) in canvas.samples.iter_mut().zip(&self.samples) {
            *wide = u16::from(*sample) * 257;
        }
        let canvas = canvas.turned(orientation);
        let share = |map: u32, of: u32, side: u32| {
            let share = (u64::from(side) * u64::from(map)).div_ceil(u64::from(of.max(1)));
            u32::try_from(share).unwrap_or(map).clamp(1, map)
        };
        let size = Size::new(
            share(canvas.size.width, source.width, picture.width),
            share(canvas.size.height, source.height, picture.height),
        );
        let canvas = if size == canvas.size {
            canvas
        } else {
            resampled(&canvas, canvas.extent, size, resizer)?
        };
        let narrow = |wide: &u16| u8::try_from((u32::from(*wide) + 128) / 257).unwrap_or(u8::MAX);
        Ok(Bitmap { size, channels, samples: canvas.samples.iter().map(narrow).collect() })
    }
}

/// Upper bound of what [`GainMap::fitted`] allocates for a source of so many pixels: a map has at most a
/// quarter of them.
pub(crate) fn memory(source: Size) -> u64 {
    source.pixels() * 4
}

/// What the numbers of a map stand for. Brightness is in powers of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Meaning {
    /// How much brighter than white a screen shows before the map is used at all.
    pub(crate) base_headroom: f64,
    /// The same where all of it is used.
    pub(crate) alternate_headroom: f64,
    /// The map is applied in the picture's own colours.
    pub(crate) base_colours: bool,
    pub(crate) channels: [Channel; 3],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Channel {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) gamma: f64,
    pub(crate) base_offset: f64,
    pub(crate) alternate_offset: f64,
}

const MILLION: f64 = 1e6;

/// Flags of the binary form.
const MULTICHANNEL: u8 = 0x80;
const BASE_COLOURS: u8 = 0x40;
const COMMON_DENOMINATOR: u8 = 0x08;
const BACKWARD: u8 = 0x04;

impl Meaning {
    /// Itself in millionths, as it is written, where its numbers are possible.
    pub(crate) fn checked(self) -> Option<Meaning> {
        let rounded = |number: f64| (number * MILLION).round() / MILLION;
        let channels = self.channels.map(|channel| Channel {
            min: rounded(channel.min),
            max: rounded(channel.max),
            gamma: rounded(channel.gamma),
            base_offset: rounded(channel.base_offset),
            alternate_offset: rounded(channel.alternate_offset),
        });
        let (base_headroom, alternate_headroom) =
            (rounded(self.base_headroom), rounded(self.alternate_headroom));
        Meaning { base_headroom, alternate_headroom, channels, ..self }.possible()
    }

    fn possible(self) -> Option<Meaning> {
        let possible = |channel: &Channel| {
            let Channel { min, max, gamma, base_offset, alternate_offset } = *channel;
            let all = [min, max, gamma, base_offset, alternate_offset];
            all.iter().all(|number| number.abs() <= 1000.0) && gamma > 0.0 && max >= min
        };
        let headrooms = [self.base_headroom, self.alternate_headroom];
        let fine = headrooms.iter().all(|number| (0.0..=1000.0).contains(number))
            && self.alternate_headroom > self.base_headroom
            && self.channels.iter().all(possible);
        fine.then_some(self)
    }

    /// From the binary form (ISO 21496-1, annex C.2), big-endian fractions.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Meaning> {
        let (&[0, 0, _, _, flags], rest) = bytes.split_first_chunk::<5>()? else { return None };
        if flags & BACKWARD != 0 {
            return None;
        }
        let mut words = rest.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word));
        let common = if flags & COMMON_DENOMINATOR == 0 { None } else { Some(words.next()?) };
        let mut fraction = |signed: bool| {
            let above = words.next()?;
            let below = common.or_else(|| words.next())?;
            let above = if signed { f64::from(above.cast_signed()) } else { f64::from(above) };
            (below != 0).then(|| above / f64::from(below))
        };
        let (base_headroom, alternate_headroom) = (fraction(false)?, fraction(false)?);
        let mut channel = || {
            Some(Channel {
                min: fraction(true)?,
                max: fraction(true)?,
                gamma: fraction(false)?,
                base_offset: fraction(true)?,
                alternate_offset: fraction(true)?,
            })
        };
        let first = channel()?;
        let channels =
            if flags & MULTICHANNEL == 0 { [first; 3] } else { [first, channel()?, channel()?] };
        let base_colours = flags & BASE_COLOURS != 0;
        Meaning { base_headroom, alternate_headroom, base_colours, channels }.checked()
    }

    /// The binary form, in millionths.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let [first, second, third] = self.channels;
        let one = first == second && second == third;
        let flags =
            if one { 0 } else { MULTICHANNEL } | if self.base_colours { BASE_COLOURS } else { 0 };
        let mut bytes = vec![0, 0, 0, 0, flags];
        let mut put = |number: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "at most 1,000, which is checked")]
            let millionths = (number * MILLION).round() as i32;
            bytes.extend(millionths.to_be_bytes());
            bytes.extend(1_000_000_u32.to_be_bytes());
        };
        put(self.base_headroom);
        put(self.alternate_headroom);
        for channel in &self.channels[..if one { 1 } else { 3 }] {
            let Channel { min, max, gamma, base_offset, alternate_offset } = *channel;
            [min, max, gamma, base_offset, alternate_offset].into_iter().for_each(&mut put);
        }
        bytes
    }
}
