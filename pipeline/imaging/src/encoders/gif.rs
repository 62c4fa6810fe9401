//! GIF (`GIF89a`, 1990), still or moving.

use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};

use super::palette::{self, Indexed, rgba};
use super::side_too_long;
use crate::canvas::Bitmap;
use crate::fault::Fault;
use crate::formats::Format;
use crate::geometry::Size;

/// The longest side that a screen descriptor can say.
const SIDE: u32 = 65_535;

/// A GIF under way: each picture has a palette of its own, and where the pictures are opaque only
/// the part that changes is written.
pub(crate) struct Film {
    encoder: Encoder<Vec<u8>>,
    last: Option<Vec<[u8; 4]>>,
    size: Size,
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
        Ok(Film { encoder, last: None, size })
    }

    /// The next picture, shown for so long.
    pub(super) fn add(&mut self, bitmap: &Bitmap, duration_ms: u32) -> Result<(), Fault> {
        let now: Vec<[u8; 4]> = rgba(bitmap).collect();
        let opaque = now.iter().all(|[.., alpha]| *alpha >= 128);
        let part = match &self.last {
            Some(last) if opaque => changed(last, &now, self.size),
            _ => (0, 0, self.size),
        };
        let (left, top, size) = part;
        let samples = now
            .chunks_exact(self.size.width as usize)
            .skip(top as usize)
            .take(size.height as usize)
            .flat_map(|row| &row[left as usize..(left + size.width) as usize])
            .flatten()
            .copied()
            .collect();
        let channels = crate::formats::Channels::Rgba;
        let cut = Bitmap { size, channels, samples };
        let Indexed { colours, indices, clear, .. } = palette::exact(&cut)
            .filter(|exact| exact.alphas.iter().all(|a| *a == 0 || *a == u8::MAX))
            .or_else(|| palette::quantised(&cut))
            .ok_or_else(|| Fault::damaged("The GIF has no palette."))?;
        let narrow = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
        let frame = Frame {
            // Hundredths of a second; browsers show less than 2 as 10.
            delay: narrow(((duration_ms + 5) / 10).max(2)),
            dispose: if opaque { DisposalMethod::Keep } else { DisposalMethod::Background },
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
        // What is put back to the background is not there for the next picture.
        self.last = opaque.then_some(now);
        Ok(())
    }

    /// The file.
    pub(super) fn finish(self) -> Result<Vec<u8>, Fault> {
        self.encoder.into_inner().map_err(unwritten)
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

/// Two pictures as colours, one in a palette, and an output that grows by doubling.
pub(super) fn memory(size: Size) -> u64 {
    size.pixels() * (8 + palette::MEMORY + 4) + (1 << 20)
}
