//! GIF (`GIF89a` specification, 1990; the looping extension of Netscape 2.0).

use std::io::Cursor;

use ::gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, DisposalMethod, MemoryLimit};
use ::gif::{Frame, Repeat};

use super::animation::{Animation, Area, Before, Frames};
use super::{Channels, Format, Header, HeaderError, Whole, short};
use crate::colour::Colour;
use crate::fault::{Fault, FaultCode};
use crate::geometry::Orientation;
use crate::rows::{Depth, Guarded, Layout, Rows};

const ENDS: &str = "The GIF ends before its pictures do.";

/// Walks all blocks, since only that counts the pictures. The canvas is the logical screen, or what
/// the first picture covers where that is more, as browsers have it.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    let Walk { width, height, frames, transparent, .. } = walk(head, whole)?;
    Ok(Header {
        format: Format::Gif,
        width,
        height,
        orientation: Orientation::Upright,
        frames,
        channels: if transparent { Channels::Rgba } else { Channels::Rgb },
        depth: 8,
        progressive: false,
    })
}

struct Walk {
    width: u32,
    height: u32,
    frames: u32,
    /// Whether any pixel of any picture may be seen through.
    transparent: bool,
    /// The pixels of the largest picture.
    largest: u64,
}

fn walk(head: &[u8], whole: Whole) -> Result<Walk, HeaderError> {
    let missing = || short(whole, ENDS);
    let screen = head.get(6..13).ok_or_else(missing)?;
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]));
    let mut found = Walk {
        width: side(screen[0], screen[1]),
        height: side(screen[2], screen[3]),
        frames: 0,
        transparent: false,
        largest: 0,
    };
    let mut at = 13 + palette_bytes(screen[4]);
    loop {
        match head.get(at) {
            // The trailer may be missing behind a whole picture.
            None if whole == Whole::Yes && found.frames > 0 => break,
            None => return Err(missing()),
            Some(0x3b) => break,
            Some(0x21) => {
                let label = *head.get(at + 1).ok_or_else(missing)?;
                if label == 0xf9 {
                    let flags = *head.get(at + 3).ok_or_else(missing)?;
                    // Transparency, or disposal to the background, which is shown as none.
                    found.transparent |= flags & 1 != 0 || flags >> 2 & 7 >= 2;
                }
                at = blocks_end(head, at + 2).ok_or_else(missing)?;
            }
            Some(0x2c) => {
                let image = head.get(at + 1..at + 10).ok_or_else(missing)?;
                found.picture(
                    [side(image[0], image[1]), side(image[2], image[3])],
                    [side(image[4], image[5]), side(image[6], image[7])],
                );
                at = blocks_end(head, at + 11 + palette_bytes(image[8])).ok_or_else(missing)?;
            }
            // What follows the last picture is often filler; in front of it, it is damage.
            Some(_) if found.frames > 0 => break,
            Some(other) => {
                let detail = format!("The GIF has a block of unknown kind {other:#04x}.");
                return Err(Fault::damaged(detail).into());
            }
        }
    }
    if found.width == 0 || found.height == 0 || found.frames == 0 {
        return Err(Fault::damaged("The GIF has no picture of any size.").into());
    }
    Ok(found)
}

impl Walk {
    fn picture(&mut self, [left, top]: [u32; 2], [width, height]: [u32; 2]) {
        if self.frames == 0 {
            self.width = self.width.max(left + width);
            self.height = self.height.max(top + height);
            self.transparent |= [left, top, width, height] != [0, 0, self.width, self.height];
        }
        self.frames = self.frames.saturating_add(1);
        self.largest = self.largest.max(u64::from(width) * u64::from(height));
    }
}

/// The bytes of a colour table with these flags in front of it.
fn palette_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << (usize::from(flags & 7) + 1) }
}

/// The place behind a chain of sub-blocks.
fn blocks_end(head: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *head.get(at)? {
            0 => return Some(at + 1),
            length => at += usize::from(length) + 1,
        }
    }
}

/// The canvas, its copy for pictures that are taken back, and a picture's indices.
pub(crate) fn memory(header: &Header) -> u64 {
    let pixels = header.size().pixels();
    pixels * (header.channels.count() as u64 + 1) + pixels * 4 + (1 << 18)
}

/// Composes pictures on the canvas, beginning with the first.
pub(crate) fn open<'a>(bytes: &'a [u8], header: &Header) -> Result<Box<dyn Rows + 'a>, Fault> {
    let layout = Layout {
        width: header.width,
        height: header.height,
        channels: header.channels,
        depth: Depth::Eight,
        orientation: header.orientation,
    };
    let found = walk(bytes, Whole::Yes).map_err(|error| match error {
        HeaderError::Fault(fault) => fault,
        HeaderError::NeedMore => Fault::truncated(ENDS),
    })?;
    // Later pictures that are larger than the canvas are legal, and none are known.
    if found.largest > layout.size().pixels() {
        return Err(Fault::new(
            FaultCode::TooManyPixels,
            format!("A picture of the GIF has {} pixels, more than its canvas.", found.largest),
        ));
    }
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.allow_unknown_blocks(true);
    let allowed = std::num::NonZeroU64::new(found.largest.max(1) + 65_536);
    options.set_memory_limit(allowed.map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    let decoder = options.read_info(Cursor::new(bytes)).map_err(fault)?;
    let repeats = match decoder.repeat() {
        Repeat::Infinite => 0,
        // The number says how often it is shown again.
        Repeat::Finite(times) => u32::from(times) + 1,
    };
    let colour = decoder
        .icc_profile()
        .map_or(Colour::Srgb, |profile| Colour::Profile(profile.to_vec().into()));
    let frames = Pictures { decoder, layout, left: found.frames, before: Before::Nothing };
    Ok(Box::new(Guarded::new(Animation::new(frames, layout, colour, repeats)?)))
}

struct Pictures<'a> {
    decoder: Decoder<Cursor<&'a [u8]>>,
    layout: Layout,
    left: u32,
    before: Before,
}

impl Frames for Pictures<'_> {
    fn next(&mut self, canvas: &mut [u8]) -> Result<Option<u32>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.before.apply(canvas, self.layout);
        self.left -= 1;
        let global = self.decoder.global_palette().map(<[u8]>::to_vec);
        let Some(frame) = self.decoder.read_next_frame().map_err(fault)? else {
            return Err(Fault::truncated(ENDS));
        };
        let area = Area::new(
            (frame.left.into(), frame.top.into()),
            (frame.width.into(), frame.height.into()),
            self.layout,
        );
        let before = match frame.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => Before::Nothing,
            DisposalMethod::Background => Before::Clear(area.clone()),
            DisposalMethod::Previous => Before::Restore(canvas.to_vec()),
        };
        draw(frame, global.as_deref(), &area, self.layout, canvas);
        let duration = u32::from(frame.delay) * 10;
        self.before = before;
        Ok(Some(duration))
    }
}

/// Sets every pixel that is not transparent. An index beyond the palette is black, as browsers
/// have it; a GIF without any palette is grey.
fn draw(frame: &Frame<'_>, global: Option<&[u8]>, area: &Area, layout: Layout, canvas: &mut [u8]) {
    let palette = frame.palette.as_deref().or(global);
    let colours: Vec<[u8; 4]> = (0..=255_u8)
        .map(|index| {
            let at = usize::from(index) * 3;
            match palette {
                Some(palette) => match palette.get(at..at + 3) {
                    Some(&[r, g, b]) => [r, g, b, 255],
                    _ => [0, 0, 0, 255],
                },
                None => [index, index, index, 255],
            }
        })
        .collect();
    let pixel = layout.pixel_bytes();
    let lines = frame.buffer.chunks_exact(usize::from(frame.width).max(1));
    for (row, line) in area.lines(canvas, layout).zip(lines) {
        for (out, &index) in row.chunks_exact_mut(pixel).zip(line) {
            if frame.transparent != Some(index) {
                out.copy_from_slice(&colours[usize::from(index)][..pixel]);
            }
        }
    }
}

fn fault(error: DecodingError) -> Fault {
    match error {
        DecodingError::Io(_) => Fault::truncated(ENDS),
        other => Fault::damaged(format!("The GIF is damaged: {other}.")),
    }
}
