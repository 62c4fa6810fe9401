//! GIF (`GIF89a`, 1990), still or moving.

use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};

use super::palette::{self, Indexed, rgba};
use super::side_too_long;
use crate::canvas::Bitmap;
use crate::fault::Fault;
use crate::formats::{Channels, Format};
use crate::geometry::Size;

/// The longest side that a screen descriptor can say.
const SIDE: u32 = 65_535;

/// A GIF under way. Each picture has a palette of its own. A picture is written when the next one is
/// known: what shows through that one must have been taken away, and GIF says so of the earlier
/// picture. Between opaque pictures only the part that changes is written.
pub(crate) struct Film {
    encoder: Encoder<Vec<u8>>,
    size: Size,
    /// What is seen when the held picture is drawn; `None` where nothing is.
    shown: Option<Vec<[u8; 4]>>,
    held: Option<Held>,
}

/// A picture that waits for the next one.
struct Held {
    pixels: Vec<[u8; 4]>,
    opaque: bool,
    duration_ms: u32,
}

impl Film {
    /// `repeats` of 0 is for ever.
    pub(super) fn new(size: Size, repeats: u32) -> Result<Film, Fault> {
        let side = |side| u16::try_from(side).map_err(|_| side_too_long(Format::Gif, size, SIDE));
        let (width, height) = (side(size.width)?, side(size.height)?);
        let mut encoder = Encoder::new(Vec::new(), width, height, &[]).map_err(unwritten)?;
        // A picture that is shown once says nothing of repeats.
        match u16::try_from(repeats).unwrap_or(u16::MAX) {
            0 => encoder.set_repeat(Repeat::Infinite).map_err(unwritten)?,
            1 => {}
            times => encoder.set_repeat(Repeat::Finite(times - 1)).map_err(unwritten)?,
        }
        Ok(Film { encoder, size, shown: None, held: None })
    }

    /// The next picture, shown for so long.
    pub(super) fn add(&mut self, bitmap: &Bitmap, duration_ms: u32) -> Result<(), Fault> {
        if bitmap.size != self.size {
            return Err(Fault::damaged("The pictures of the animation are of several sizes."));
        }
        let pixels: Vec<[u8; 4]> = rgba(bitmap).collect();
        let opaque = pixels.iter().all(|[.., alpha]| *alpha >= 128);
        match self.held.replace(Held { pixels, opaque, duration_ms }) {
            Some(held) => self.write(held, opaque),
            None => Ok(()),
        }
    }

    /// The file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, Fault> {
        if let Some(held) = self.held.take() {
            // Whoever shows it again begins with nothing.
            self.write(held, true)?;
        }
        self.encoder.into_inner().map_err(unwritten)
    }

    /// Writes a picture, knowing whether the next one covers all of it.
    fn write(&mut self, held: Held, covered: bool) -> Result<(), Fault> {
        let stays = held.opaque && covered;
        let (left, top, size) = match &self.shown {
            Some(shown) if stays => changed(shown, &held.pixels, self.size),
            _ => (0, 0, self.size),
        };
        let samples = held
            .pixels
            .chunks_exact(self.size.width as usize)
            .skip(top as usize)
            .take(size.height as usize)
            .flat_map(|row| &row[left as usize..(left + size.width) as usize])
            .flatten()
            .copied()
            .collect();
        let cut = Bitmap { size, channels: Channels::Rgba, samples };
        let Indexed { colours, indices, clear, .. } = palette::exact(&cut)
            .filter(|exact| exact.alphas.iter().all(|a| *a == 0 || *a == u8::MAX))
            // Some readers lay bare the background's colour, not nothing, where a picture without
            // anything transparent is taken away.
            .and_then(|exact| if stays { Some(exact) } else { exact.cleared() })
            .or_else(|| palette::quantised(&cut, !stays))
            .ok_or_else(|| Fault::damaged("The GIF has no palette."))?;
        let narrow = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
        let frame = Frame {
            delay: narrow(hundredths(held.duration_ms)),
            dispose: if stays { DisposalMethod::Keep } else { DisposalMethod::Background },
            transparent: clear,
            left: narrow(left),
            top: narrow(top),
            width: narrow(size.width),
            height: narrow(size.height),
            palette: Some(colours.as_flattened().to_vec()),
            buffer: indices.into(),
            ..Frame::default()
        };
        self.encoder.write_frame(&frame).map_err(unwritten)?;
        self.shown = stays.then_some(held.pixels);
        Ok(())
    }
}

/// Hundredths of a second. Browsers show less than two for ten, whatever format says it; so written, it
/// is what they show.
fn hundredths(duration_ms: u32) -> u32 {
    match duration_ms.saturating_add(5) / 10 {
        0 | 1 => 10,
        hundredths => hundredths,
    }
}

/// The smallest rectangle that holds every pixel that differs: left, top and size. One pixel where
/// none does, because a picture without pixels cannot be written.
fn changed(last: &[[u8; 4]], now: &[[u8; 4]], size: Size) -> (u32, u32, Size) {
    let (mut left, mut right, mut top, mut bottom) = (size.width, 0, size.height, 0);
    for (place, (before, after)) in (0_u64..).zip(last.iter().zip(now)) {
        if before != after {
            let width = u64::from(size.width);
            let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
            let (x, y) = (narrow(place % width), narrow(place / width));
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y));
        }
    }
    if left > right {
        return (0, 0, Size::new(1, 1));
    }
    (left, top, Size::new(right + 1 - left, bottom + 1 - top))
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` calls")]
fn unwritten(error: EncodingError) -> Fault {
    Fault::damaged(format!("The GIF cannot be written: {error}."))
}

/// Bytes that are kept of each pixel of an animation: twelve bits where nothing repeats, in an output
/// that grows by doubling.
pub(super) const KEPT: u64 = 5;

/// Three pictures as colours, one in a palette, and an output that grows by doubling.
pub(super) fn memory(size: Size) -> u64 {
    size.pixels() * (12 + palette::MEMORY + 4) + (1 << 20)
}
