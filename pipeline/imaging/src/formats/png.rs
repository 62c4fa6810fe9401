//! PNG (W3C Recommendation, third edition, 2025): its image, or the pictures of its animation.

use std::io::{Cursor, ErrorKind};

use ::png::{BitDepth, ColorType, Decoder, DecodingError, Reader, Transformations};

use super::animation::Animation;
use super::apng::Pictures;
use super::{Channels, Format, Header, HeaderError, Whole, coded, exif, short};
use crate::colour::Colour;
use crate::fault::{Fault, FaultCode};
use crate::geometry::Orientation;
use crate::limits::Limits;
use crate::rows::{Depth, Guarded, Layout, Picture, Rows};

/// Walks the chunks up to the first image data. An `eXIf` chunk behind the pixels is not looked
/// for, so that the head of a file says the same as all of it.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    const ENDS: &str = "The PNG ends before its image data.";
    let mut header: Option<Header> = None;
    let mut at: usize = 8;
    loop {
        let start = head.get(at..at + 8).ok_or_else(|| short(whole, ENDS))?;
        let (length, kind) = start.split_at(4);
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        let next = usize::try_from(length)
            .ok()
            .filter(|length| *length < 1 << 31)
            .and_then(|length| at.checked_add(length + 12))
            .ok_or_else(|| Fault::damaged(format!("A chunk of the PNG claims {length} bytes.")))?;
        let body = || head.get(at + 8..next - 4).ok_or_else(|| short(whole, ENDS));
        match (kind, &mut header) {
            (b"IHDR", None) => header = Some(first(body()?)?),
            (_, None) => {
                return Err(Fault::damaged("The PNG does not begin with its header chunk.").into());
            }
            (b"tRNS", Some(header)) => {
                header.channels = match header.channels {
                    Channels::Grey => Channels::GreyAlpha,
                    _ => Channels::Rgba,
                };
            }
            (b"acTL", Some(header)) => {
                if let Some(&[a, b, c, d]) = body()?.first_chunk() {
                    header.frames = u32::from_be_bytes([a, b, c, d]).max(1);
                }
            }
            (b"eXIf", Some(header)) => {
                // Some programs write the JPEG segment's name in front by mistake.
                let body = body()?;
                let tiff = body.strip_prefix(b"Exif\0\0").unwrap_or(body);
                header.orientation = exif::orientation(tiff).unwrap_or_default();
            }
            // ImageMagick's way, from before there was a chunk for it.
            (b"tEXt" | b"zTXt" | b"iTXt", Some(header))
                if header.orientation == Orientation::Upright =>
            {
                if let Some(tiff) = exif::raw_profile(kind, body()?) {
                    header.orientation = exif::orientation(exif::bare(&tiff)).unwrap_or_default();
                }
            }
            (b"IDAT", Some(header)) => return Ok(header.clone()),
            (b"IEND", Some(_)) => {
                return Err(Fault::damaged("The PNG has no image data.").into());
            }
            _ => {}
        }
        if next > head.len() {
            return Err(short(whole, ENDS));
        }
        at = next;
    }
}

/// The IHDR chunk.
fn first(body: &[u8]) -> Result<Header, Fault> {
    let &[w3, w2, w1, w0, h3, h2, h1, h0, depth, colour, _, _, interlace] = body else {
        return Err(Fault::damaged(format!(
            "The PNG's header chunk has {} bytes instead of 13.",
            body.len()
        )));
    };
    let width = u32::from_be_bytes([w3, w2, w1, w0]);
    let height = u32::from_be_bytes([h3, h2, h1, h0]);
    let most = 1 << 31;
    if width == 0 || height == 0 || width >= most || height >= most {
        return Err(Fault::damaged(format!("The PNG claims to be {width}×{height}.")));
    }
    let channels = match (colour, depth) {
        (0, 1 | 2 | 4 | 8 | 16) => Channels::Grey,
        (2, 8 | 16) | (3, 1 | 2 | 4 | 8) => Channels::Rgb,
        (4, 8 | 16) => Channels::GreyAlpha,
        (6, 8 | 16) => Channels::Rgba,
        _ => {
            return Err(Fault::damaged(format!(
                "The PNG claims colour type {colour} with {depth} bits."
            )));
        }
    };
    Ok(Header {
        format: Format::Png,
        width,
        height,
        orientation: Orientation::Upright,
        frames: 1,
        channels,
        depth,
        progressive: interlace != 0,
    })
}

/// A few rows and the inflater's windows, or with interlacing the whole picture.
pub(crate) fn memory(header: &Header) -> u64 {
    let sample = if header.depth == 16 { 2 } else { 1 };
    let row = u64::from(header.width) * header.channels.count() as u64 * sample;
    let inflater = 1 << 20;
    let pictures = match (header.frames > 1, header.progressive) {
        // The canvas, a picture, and the canvas as it was before.
        (true, _) => 3,
        (false, true) => 1,
        (false, false) => 0,
    };
    row * 8 + inflater + row * u64::from(header.height) * pictures
}

/// Opens the picture for reading row by row; an interlaced one is decoded as a whole. Samples of
/// fewer bits, palettes and transparent colours are expanded; 16 bits stay 16.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
) -> Result<Box<dyn Rows + 'a>, Fault> {
    let bytes_allowed = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    let mut decoder =
        Decoder::new_with_limits(Cursor::new(bytes), ::png::Limits { bytes: bytes_allowed });
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(fault)?;
    let layout = layout(&reader, header)?;
    let colour = colour(&reader);
    if header.frames > 1 {
        let repeats = reader.info().animation_control.map_or(0, |control| control.num_plays);
        let pictures = Pictures::new(reader, layout, header.frames);
        return Ok(Box::new(Guarded::new(Animation::new(pictures, layout, colour, repeats)?)));
    }
    if reader.info().interlaced {
        let mut samples = vec![0; layout.row_bytes() * layout.height as usize];
        reader.next_frame(&mut samples).map_err(fault)?;
        native(&mut samples, layout.depth);
        Ok(Box::new(Picture::new(layout, samples)?.coloured(colour)))
    } else {
        let left = layout.height;
        Ok(Box::new(Guarded::new(Lines { reader, layout, colour, left })))
    }
}

/// Code points go before a profile (13.13). A profile that cannot be unpacked is as if absent.
fn colour(reader: &Reader<Cursor<&[u8]>>) -> Colour {
    let info = reader.info();
    match (&info.coding_independent_code_points, &info.icc_profile) {
        (Some(points), _) => coded(points.color_primaries, points.transfer_function),
        (None, Some(profile)) => Colour::Profile(profile.to_vec().into()),
        (None, None) => Colour::Srgb,
    }
}

fn layout(reader: &Reader<Cursor<&[u8]>>, header: &Header) -> Result<Layout, Fault> {
    let (colour, depth) = reader.output_color_type();
    let (width, height) = reader.info().size();
    let channels = match colour {
        ColorType::Grayscale => Channels::Grey,
        ColorType::GrayscaleAlpha => Channels::GreyAlpha,
        ColorType::Rgb | ColorType::Indexed => Channels::Rgb,
        ColorType::Rgba => Channels::Rgba,
    };
    if (width, height, channels) != (header.width, header.height, header.channels) {
        return Err(Fault::damaged(format!(
            "The PNG is {width}×{height} {channels:?} where its header is {}×{} {:?}.",
            header.width, header.height, header.channels
        )));
    }
    Ok(Layout {
        width,
        height,
        channels,
        depth: match depth {
            BitDepth::Sixteen => Depth::Sixteen,
            _ => Depth::Eight,
        },
        orientation: header.orientation,
    })
}

/// Rows as they are inflated.
struct Lines<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    layout: Layout,
    colour: Colour,
    left: u32,
}

impl Rows for Lines<'_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn colour(&self) -> &Colour {
        &self.colour
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let mut rows = 0;
        for row in into.chunks_exact_mut(self.layout.row_bytes()) {
            if self.left == 0 {
                break;
            }
            if self.reader.read_row(row).map_err(fault)?.is_none() {
                return Err(Fault::truncated(format!(
                    "The PNG ends {} rows before its height of {}.",
                    self.left, self.layout.height
                )));
            }
            native(row, self.layout.depth);
            self.left -= 1;
            rows += 1;
        }
        Ok(rows)
    }
}

/// Sixteen bits come in network order.
pub(crate) fn native(samples: &mut [u8], depth: Depth) {
    if depth == Depth::Sixteen {
        let (pairs, _) = samples.as_chunks_mut::<2>();
        for pair in pairs {
            *pair = u16::from_be_bytes(*pair).to_ne_bytes();
        }
    }
}

pub(crate) fn fault(error: DecodingError) -> Fault {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Fault::truncated("The PNG ends before its picture does.")
        }
        DecodingError::LimitsExceeded => {
            Fault::new(FaultCode::TooMuchMemory, "The PNG needs more memory than the limit.")
        }
        other => Fault::damaged(format!("The PNG is damaged: {other}.")),
    }
}
