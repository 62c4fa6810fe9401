//! Animated WebP (RFC 9649, 2.7.1.1): its pictures on one canvas. The decoder's own composition does
//! not clear what a picture leaves behind, so each is decoded as a file of its own.

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::{ENDS, fault};
use crate::fault::Fault;
use crate::formats::Channels;
use crate::formats::animation::{Area, Before, Frames, blend};
use crate::rows::Layout;

/// Bytes of a picture's chunks for each pixel: more than its samples is no picture.
pub(super) const MOST_BYTES: u64 = 6;

/// The picture is copied as it is, not laid over the canvas.
const DO_NOT_BLEND: u8 = 0x02;
/// Where the picture was is nothing afterwards.
const DISPOSE: u8 = 0x01;

/// The pictures of an animation, composed one after the other.
pub(super) struct Pictures<'a> {
    /// What is left of the file, chunks as a whole.
    rest: &'a [u8],
    layout: Layout,
    before: Before,
}

/// The fields of an ANMF chunk.
struct Picture<'a> {
    place: (u32, u32),
    size: (u32, u32),
    duration_ms: u32,
    flags: u8,
    chunks: &'a [u8],
}

impl<'a> Pictures<'a> {
    pub(super) fn new(file: &'a [u8], layout: Layout) -> Pictures<'a> {
        // What stands behind the end that the file gives itself is not looked at.
        let end = match file {
            [_, _, _, _, l0, l1, l2, l3, ..] => {
                8 + u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize
            }
            _ => 0,
        };
        let rest = file.get(12..end.min(file.len())).unwrap_or_default();
        Pictures { rest, layout, before: Before::Nothing }
    }

    /// The next ANMF chunk; others are passed over.
    fn chunk(&mut self) -> Result<Option<Picture<'a>>, Fault> {
        while let Some((kind, body)) = chunk(&mut self.rest)? {
            if kind == *b"ANMF" {
                return picture(body).map(Some);
            }
        }
        Ok(None)
    }
}

impl Frames for Pictures<'_> {
    fn next(&mut self, canvas: &mut [u8]) -> Result<Option<u32>, Fault> {
        let Some(picture) = self.chunk()? else { return Ok(None) };
        let (layout, (width, height)) = (self.layout, picture.size);
        let inside =
            |from: u32, length: u32, most: u32| u64::from(from) + u64::from(length) <= most.into();
        if !inside(picture.place.0, width, layout.width)
            || !inside(picture.place.1, height, layout.height)
        {
            return Err(Fault::damaged("A picture of the WebP is not inside its canvas."));
        }
        let (channels, samples) = picture.decode()?;
        self.before.apply(canvas, layout);
        let area = Area::new(picture.place, picture.size, layout);
        let lines = samples.chunks_exact(width as usize * channels.count());
        let pixel = layout.channels.count();
        for (row, line) in area.lines(canvas, layout).zip(lines) {
            let pixels = row.chunks_exact_mut(pixel).zip(line.chunks_exact(channels.count()));
            for (under, over) in pixels {
                let mut whole = [0, 0, 0, u8::MAX];
                if channels.has_alpha() && picture.flags & DO_NOT_BLEND == 0 {
                    whole[..pixel].copy_from_slice(under);
                    blend(&mut whole, over);
                } else {
                    whole[..over.len()].copy_from_slice(over);
                }
                under.copy_from_slice(&whole[..pixel]);
            }
        }
        if picture.flags & DISPOSE != 0 {
            self.before = Before::Clear(area);
        }
        Ok(Some(picture.duration_ms))
    }
}

impl Picture<'_> {
    /// Its samples, with alpha where it has any.
    fn decode(&self) -> Result<(Channels, Vec<u8>), Fault> {
        let file = self.file()?;
        let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(fault)?;
        if decoder.dimensions() != self.size {
            return Err(Fault::damaged(
                "A picture of the WebP is not of the size that it is said to be.",
            ));
        }
        let channels = if decoder.has_alpha() { Channels::Rgba } else { Channels::Rgb };
        let pixels = self.size.0 as usize * self.size.1 as usize;
        let mut samples = vec![0; pixels * channels.count()];
        decoder.read_image(&mut samples).map_err(fault)?;
        Ok((channels, samples))
    }

    /// A file with this picture alone: its bitstream, and in front of it the alpha of a lossy one.
    fn file(&self) -> Result<Vec<u8>, Fault> {
        let mut rest = self.chunks;
        let mut file: Vec<u8> = b"RIFF\0\0\0\0WEBP".to_vec();
        loop {
            let from = rest;
            let Some((kind, body)) = chunk(&mut rest)? else {
                return Err(Fault::damaged("A picture of the WebP has no pixels."));
            };
            let whole = &from[..from.len() - rest.len()];
            let most = u64::from(self.size.0) * u64::from(self.size.1) * MOST_BYTES + (1 << 16);
            if (file.len() + whole.len()) as u64 > most {
                return Err(Fault::damaged("A picture of the WebP is longer than its pixels."));
            }
            match &kind {
                b"ALPH" if file.len() == 12 => {
                    let side = |side: u32| side.saturating_sub(1).to_le_bytes();
                    let ([w0, w1, w2, _], [h0, h1, h2, _]) = (side(self.size.0), side(self.size.1));
                    file.extend_from_slice(b"VP8X\x0a\0\0\0");
                    file.extend_from_slice(&[super::ALPHA, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
                    file.extend_from_slice(whole);
                }
                b"VP8 " | b"VP8L" => {
                    let coded =
                        if kind == *b"VP8 " { super::lossy(body) } else { super::lossless(body) };
                    if coded.is_none_or(|coded| (coded.width, coded.height) != self.size) {
                        return Err(Fault::damaged("The WebP's headers contradict each other."));
                    }
                    file.extend_from_slice(whole);
                    break;
                }
                _ => {}
            }
        }
        let length = u32::try_from(file.len() - 8).map_err(|_| Fault::damaged(ENDS))?;
        file[4..8].copy_from_slice(&length.to_le_bytes());
        Ok(file)
    }
}

/// A kind and a body.
type Chunk<'a> = ([u8; 4], &'a [u8]);

/// Takes a chunk from the front; `None` at the end.
fn chunk<'a>(rest: &mut &'a [u8]) -> Result<Option<Chunk<'a>>, Fault> {
    let Some((&[a, b, c, d, l0, l1, l2, l3], body)) = rest.split_first_chunk::<8>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    // Cut metadata do not take whole pictures with them.
    let data = match body.get(..length) {
        Some(data) => data,
        None if matches!(&[a, b, c, d], b"ANMF" | b"ALPH" | b"VP8 " | b"VP8L") => {
            return Err(Fault::truncated(ENDS));
        }
        None => return Ok(None),
    };
    // Chunks are of even length.
    *rest = body.get(length + (length & 1)..).unwrap_or_default();
    Ok(Some(([a, b, c, d], data)))
}

fn picture(body: &[u8]) -> Result<Picture<'_>, Fault> {
    let Some((&[x0, x1, x2, y0, y1, y2, w0, w1, w2, h0, h1, h2, d0, d1, d2, flags], chunks)) =
        body.split_first_chunk::<16>()
    else {
        return Err(Fault::truncated(ENDS));
    };
    let number = |a, b, c| u32::from_le_bytes([a, b, c, 0]);
    Ok(Picture {
        place: (number(x0, x1, x2) * 2, number(y0, y1, y2) * 2),
        size: (number(w0, w1, w2) + 1, number(h0, h1, h2) + 1),
        duration_ms: number(d0, d1, d2),
        flags,
        chunks,
    })
}
