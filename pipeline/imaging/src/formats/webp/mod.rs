//! Reading WebP, by a decoder without foreign code.

mod pictures;
mod unannounced;

use image_webp::{DecodingError, LoopCount, WebPDecoder};

use self::pictures::Pictures;
use self::unannounced::Unannounced;

use crate::colour::Colour;
use crate::fault::{Fault, FaultCode};
use crate::formats::animation::Animation;
use crate::formats::{Channels, Format, Header, HeaderError, Whole, exif, short};
use crate::geometry::Orientation;
use crate::limits::Limits;
use crate::rows::{Depth, Guarded, Layout, Picture, Rows};

const ENDS: &str = "The WebP ends before its picture does.";

/// Flags of a VP8X chunk (RFC 9649, 2.7).
const ANIMATED: u8 = 0x02;
const EXIF: u8 = 0x08;
const ALPHA: u8 = 0x10;

/// Walks the chunks up to the picture, and on to the end where pictures are to be counted or EXIF
/// is announced, which stands behind them.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    let mut found: Option<Header> = None;
    let mut flags = 0;
    let mut pictures = 0_u32;
    let mut at: usize = 12;
    loop {
        let done = pictures > 0 && flags & (ANIMATED | EXIF) == 0;
        let Some(start) = head.get(at..at + 8).filter(|_| !done) else {
            // A picture that is whole is not lost with the metadata behind it.
            if done || whole == Whole::Yes && pictures > 0 {
                break;
            }
            return Err(short(whole, ENDS));
        };
        let (kind, length) = start.split_at(4);
        let length =
            usize::try_from(u32::from_le_bytes([length[0], length[1], length[2], length[3]]))
                .unwrap_or(usize::MAX);
        let next = at.saturating_add(8).saturating_add(length).saturating_add(length & 1);
        let body = head.get(at + 8..).unwrap_or_default();
        match kind {
            b"VP8X" if found.is_none() => {
                let &[bits, _, _, _, w0, w1, w2, h0, h1, h2, ..] = body else {
                    return Err(short(whole, ENDS));
                };
                flags = bits;
                let side = |a, b, c| u32::from_le_bytes([a, b, c, 0]) + 1;
                let channels = if bits & ALPHA == 0 { Channels::Rgb } else { Channels::Rgba };
                found = Some(plain(side(w0, w1, w2), side(h0, h1, h2), channels));
            }
            b"VP8 " | b"VP8L" => {
                pictures += 1;
                let coded = if kind == b"VP8 " { lossy(body) } else { lossless(body) };
                let coded = coded.ok_or_else(|| frame(body, whole))?;
                let found = found.get_or_insert_with(|| coded.clone());
                // The decoder makes room for what the picture itself says.
                if (found.width, found.height) != (coded.width, coded.height) {
                    return Err(Fault::damaged("The WebP's headers contradict each other.").into());
                }
            }
            b"ANMF" => pictures = pictures.saturating_add(1),
            b"EXIF" => {
                // Cut metadata do not take a whole picture with them.
                if length > body.len() && whole == Whole::No {
                    return Err(HeaderError::NeedMore);
                }
                let body = &body[..length.min(body.len())];
                if let Some(header) = &mut found {
                    header.orientation = exif::orientation(exif::bare(body)).unwrap_or_default();
                }
                flags &= !EXIF;
            }
            _ => {}
        }
        if next > head.len() && whole == Whole::Yes && matches!(kind, b"VP8 " | b"VP8L" | b"ANMF") {
            return Err(Fault::truncated(ENDS).into());
        }
        at = next;
    }
    let mut header = found.ok_or_else(|| Fault::damaged("The WebP has no picture."))?;
    if header.width == 0 || header.height == 0 {
        return Err(Fault::damaged("The WebP's picture has no size.").into());
    }
    if flags & ANIMATED != 0 {
        header.frames = pictures;
        header.progressive = true;
    }
    Ok(header)
}

/// What a lossy picture says of itself (RFC 6386, 9.1).
fn lossy(body: &[u8]) -> Option<Header> {
    let &[_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = body else { return None };
    // The two bits above are a hint for scaling.
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Some(plain(side(w0, w1), side(h0, h1), Channels::Rgb))
}

/// What a lossless picture says of itself (RFC 9649, 3.4).
fn lossless(body: &[u8]) -> Option<Header> {
    let &[0x2f, a, b, c, d, ..] = body else { return None };
    let bits = u32::from_le_bytes([a, b, c, d]);
    let channels = if bits >> 28 & 1 == 0 { Channels::Rgb } else { Channels::Rgba };
    Some(plain((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, channels))
}

/// A picture chunk that begins with anything else.
fn frame(body: &[u8], whole: Whole) -> HeaderError {
    if body.len() < 10 {
        short(whole, ENDS)
    } else {
        Fault::damaged("The WebP's picture does not begin as one.").into()
    }
}

fn plain(width: u32, height: u32, channels: Channels) -> Header {
    Header {
        format: Format::WebP,
        width,
        height,
        orientation: Orientation::Upright,
        frames: 1,
        channels,
        depth: 8,
        progressive: false,
    }
}

/// The picture, a frame as planes or ARGB, its alpha; and an animation's canvas and the bytes of one
/// of its pictures, which are copied.
pub(crate) fn memory(header: &Header) -> u64 {
    let padded = |side: u32| u64::from(side).next_multiple_of(16) + 16;
    padded(header.width)
        * padded(header.height)
        * if header.progressive { 11 + 4 + pictures::MOST_BYTES } else { 11 }
        + (4 << 20)
}

/// Decodes the picture, or composes those of an animation. Memory is bounded from the header
/// first: the decoder itself allocates what the file asks for (image#3077).
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
) -> Result<Box<dyn Rows + 'a>, Fault> {
    let mut decoder = WebPDecoder::new(Unannounced::new(bytes)).map_err(fault)?;
    decoder.set_memory_limit(usize::try_from(limits.memory).unwrap_or(usize::MAX));
    if decoder.dimensions() != (header.width, header.height) {
        return Err(Fault::damaged("The WebP's headers contradict each other."));
    }
    let colour = match decoder.icc_profile() {
        Ok(Some(profile)) => Colour::Profile(profile.into()),
        _ => Colour::Srgb,
    };
    let layout = Layout {
        width: header.width,
        height: header.height,
        // The decoder decides by the picture's own header, which may say less than VP8X does.
        channels: if decoder.has_alpha() { Channels::Rgba } else { Channels::Rgb },
        depth: Depth::Eight,
        orientation: header.orientation,
    };
    if decoder.is_animated() {
        let repeats = match decoder.loop_count() {
            LoopCount::Forever => 0,
            LoopCount::Times(times) => u32::from(times.get()),
        };
        let frames = Pictures::new(bytes, layout);
        return Ok(Box::new(Guarded::new(Animation::new(frames, layout, colour, repeats)?)));
    }
    let mut samples = vec![0; layout.row_bytes() * layout.height as usize];
    decoder.read_image(&mut samples).map_err(fault)?;
    Ok(Box::new(Picture::new(layout, samples)?.coloured(colour)))
}

fn fault(error: DecodingError) -> Fault {
    match error {
        DecodingError::IoError(_) => Fault::truncated(ENDS),
        DecodingError::MemoryLimitExceeded | DecodingError::ImageTooLarge => {
            Fault::new(FaultCode::TooMuchMemory, "The WebP needs more memory than the limit.")
        }
        other => Fault::damaged(format!("The WebP is damaged: {other}.")),
    }
}
