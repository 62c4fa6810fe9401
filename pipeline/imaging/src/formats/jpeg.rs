//! JPEG (ITU-T T.81 | ISO/IEC 10918-1; JFIF 1.02; EXIF 2.32 for orientation).

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::{Channels, Format, Header, HeaderError, Whole, exif, short};
use crate::colour::Colour;
use crate::fault::Fault;
use crate::geometry::Orientation;
use crate::rows::{Depth, Layout, Picture, Rows};

/// The longest side that a frame header can say.
const SIDE: u32 = 65_535;

/// Walks the markers up to the first scan (T.81, B.1.1). Bytes between segments are skipped, as
/// libjpeg does.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    walk(head, whole).map(|(header, _)| header)
}

/// In how many scans a frame comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scans {
    /// One of a sequential frame, or any number of a progressive one.
    Usual,
    /// A sequential frame with fewer components in its first scan than it has.
    Separate,
}

fn walk(head: &[u8], whole: Whole) -> Result<(Header, Scans), HeaderError> {
    const ENDS: &str = "The JPEG ends before its first scan.";
    let mut orientation = None;
    let mut frame: Option<Frame> = None;
    let mut at = 2;
    loop {
        let (marker, after) = next_marker(head, at).ok_or_else(|| short(whole, ENDS))?;
        at = after;
        match marker {
            // Markers without a segment: TEM, RSTn, SOI.
            0x01 | 0xd0..=0xd8 => continue,
            0xd9 => return Err(Fault::damaged("The JPEG ends (EOI) before its first scan.").into()),
            _ => {}
        }
        let length = head.get(at..at + 2).ok_or_else(|| short(whole, ENDS))?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let body = head.get(at + 2..at + length.max(2)).ok_or_else(|| short(whole, ENDS))?;
        match marker {
            0xe1 if orientation.is_none() => {
                orientation = body.strip_prefix(b"Exif\0\0").and_then(exif::orientation);
            }
            // SOF0–15, without DHT (c4), JPG (c8) and DAC (cc).
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                if frame.is_some() {
                    return Err(Fault::damaged("The JPEG has two frame headers.").into());
                }
                frame = Some(Frame::parse(marker, body)?);
            }
            0xda => {
                let Some(frame) = frame else {
                    return Err(
                        Fault::damaged("The JPEG has a scan before its frame header.").into()
                    );
                };
                let scanned = body.first().copied().unwrap_or_default();
                return Ok(frame.header(scanned, orientation.unwrap_or_default())?);
            }
            _ => {}
        }
        at += length.max(2);
    }
}

/// The next marker at or after `at`, and the place behind it. Any number of 0xff may precede it;
/// 0xff00 is a stuffed byte.
fn next_marker(head: &[u8], at: usize) -> Option<(u8, usize)> {
    head.get(at..)?
        .windows(2)
        .position(|pair| pair[0] == 0xff && pair[1] != 0xff && pair[1] != 0)
        .map(|skipped| (head[at + skipped + 1], at + skipped + 2))
}

struct Frame {
    progressive: bool,
    width: u16,
    height: u16,
    components: u8,
}

impl Frame {
    fn parse(marker: u8, body: &[u8]) -> Result<Frame, Fault> {
        let kind = match marker {
            0xc0 | 0xc1 => Ok(false),
            0xc2 => Ok(true),
            0xc3 | 0xc7 | 0xcb | 0xcf => Err("lossless"),
            0xc5 | 0xc6 | 0xcd | 0xce => Err("hierarchical"),
            _ => Err("arithmetic-coded"),
        };
        let progressive = kind.map_err(|kind| {
            Fault::unsupported(format!("The JPEG is {kind}, which is not read."))
        })?;
        let &[depth, h1, h0, w1, w0, components, ..] = body else {
            return Err(Fault::damaged("The JPEG's frame header is too short."));
        };
        if depth != 8 {
            return Err(Fault::unsupported(format!(
                "The JPEG has {depth} bits a sample; only 8 are read."
            )));
        }
        if !matches!(components, 1 | 3 | 4) {
            return Err(Fault::unsupported(format!(
                "The JPEG has {components} components; only 1, 3 and 4 are read."
            )));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if width == 0 || height == 0 {
            return Err(Fault::damaged(format!(
                "The JPEG's frame is {width}×{height}; a later DNL marker is not read."
            )));
        }
        Ok(Frame { progressive, width, height, components })
    }

    /// `scanned` is the number of components in the first scan.
    fn header(&self, scanned: u8, orientation: Orientation) -> Result<(Header, Scans), Fault> {
        let separate = !self.progressive && scanned < self.components;
        if separate && self.components > 3 {
            return Err(Fault::unsupported(
                "The JPEG is sequential in CMYK with a scan for each ink, which is not read.",
            ));
        }
        let header = Header {
            format: Format::Jpeg,
            width: u32::from(self.width),
            height: u32::from(self.height),
            orientation,
            frames: 1,
            channels: match self.components {
                1 => Channels::Grey,
                3 => Channels::Rgb,
                _ => Channels::Cmyk,
            },
            depth: 8,
            progressive: self.progressive || separate,
        };
        Ok((header, if separate { Scans::Separate } else { Scans::Usual }))
    }
}

/// The picture, and either a row of blocks of each component or, in several passes, the
/// coefficients of all. A block side may be 32 pixels, by sampling factors of up to 4.
pub(crate) fn memory(header: &Header) -> u64 {
    let components = header.channels.count() as u64;
    let picture = header.size().pixels() * header.channels.count() as u64;
    let padded = |side: u32| u64::from(side).next_multiple_of(32);
    let blocks = padded(header.width) * 32 * components * 2 * 4;
    let coefficients = if header.progressive {
        padded(header.width) * padded(header.height) * components * 2
    } else {
        0
    };
    picture + blocks + coefficients
}

/// Decodes the whole picture. zune-jpeg's strict mode refuses a scan that runs out of bytes or
/// holds an impossible code, where its usual mode (that of the `image` crate) fills up with grey. An
/// EOI marker is looked for first. Known gap: a scan that is cut short and then closed with an EOI
/// is accepted, with whatever the decoder fills in.
pub(crate) fn open<'a>(bytes: &'a [u8], header: &Header) -> Result<Box<dyn Rows + 'a>, Fault> {
    if !ends(bytes) {
        return Err(Fault::truncated(
            "The JPEG ends before its picture does: it has no EOI marker.",
        ));
    }
    let (_, scans) = walk(bytes, Whole::Yes).map_err(|error| match error {
        HeaderError::Fault(fault) => fault,
        HeaderError::NeedMore => Fault::truncated("The JPEG ends before its first scan."),
    })?;
    let layout = Layout {
        width: header.width,
        height: header.height,
        channels: header.channels,
        depth: Depth::Eight,
        orientation: header.orientation,
    };
    let mut decoder = decoder(
        bytes,
        match layout.channels {
            Channels::Grey => ColorSpace::Luma,
            Channels::Cmyk => ColorSpace::CMYK,
            _ => ColorSpace::RGB,
        },
    )?;
    // Inks are handed over as they are stored: the conversion of the decoder knows no profile.
    let ycck = decoder.input_colorspace() == Some(ColorSpace::YCCK);
    if layout.channels == Channels::Cmyk && ycck {
        decoder = self::decoder(bytes, ColorSpace::YCCK)?;
    }
    let colour = decoder.icc_profile().map_or(Colour::Srgb, |icc| Colour::Profile(icc.into()));
    let needed = layout.row_bytes() * layout.height as usize;
    let mut samples = if scans == Scans::Separate {
        separate(bytes, needed)?
    } else {
        if decoder.output_buffer_size() != Some(needed) {
            return Err(Fault::damaged("The JPEG's headers contradict each other."));
        }
        let mut samples = vec![0; needed];
        decoder.decode_into(&mut samples).map_err(fault)?;
        samples
    };
    drop(decoder);
    if layout.channels == Channels::Cmyk {
        inks(&mut samples, ycck, has_adobe(bytes));
    }
    Ok(Box::new(Picture::new(layout, samples)?.coloured(colour)))
}

fn decoder(bytes: &[u8], out: ColorSpace) -> Result<JpegDecoder<ZCursor<&[u8]>>, Fault> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(SIDE as usize)
        .set_max_height(SIDE as usize)
        .jpeg_set_out_colorspace(out);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(fault)?;
    Ok(decoder)
}

/// A sequential frame with a scan for each component: zune-jpeg 0.5.15 loses all but the first of
/// some without a word, so another decoder reads them.
fn separate(bytes: &[u8], needed: usize) -> Result<Vec<u8>, Fault> {
    use jpeg_decoder::{Decoder, Error};
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(needed);
    let samples = decoder.decode().map_err(|error| match error {
        Error::Io(_) => Fault::truncated("The JPEG ends before its picture does."),
        Error::Unsupported(what) => {
            Fault::unsupported(format!("The JPEG is of a kind that is not read: {what:?}."))
        }
        other => Fault::damaged(format!("The JPEG is damaged: {other}.")),
    })?;
    if samples.len() != needed {
        return Err(Fault::damaged("The JPEG's headers contradict each other."));
    }
    Ok(samples)
}

/// Makes ink of stored samples, 0 for none. Adobe stores inks inverted (technical note 5116), and
/// of YCCK the red, green and blue of them; files without its segment are as they say.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–255")]
#[expect(clippy::many_single_char_names, reason = "the components as their standards name them")]
fn inks(samples: &mut [u8], ycck: bool, adobe: bool) {
    for pixel in samples.as_chunks_mut::<4>().0 {
        if ycck {
            let [y, cb, cr, k] = *pixel;
            let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
            let [r, g, b] = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
                .map(|value| value.round().clamp(0.0, 255.0) as u8);
            *pixel = [255 - r, 255 - g, 255 - b, k];
        }
        if adobe {
            *pixel = pixel.map(|value| 255 - value);
        }
    }
}

/// Whether an APP14 segment of Adobe stands in front of the first scan.
fn has_adobe(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = after;
        match marker {
            0x01 | 0xd0..=0xd8 => continue,
            0xda => return false,
            0xee if bytes.get(at + 2..).is_some_and(|body| body.starts_with(b"Adobe")) => {
                return true;
            }
            _ => {}
        }
        let Some(length) = bytes.get(at..at + 2) else { return false };
        at += usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
    false
}

/// Whether an EOI marker follows the first scan. Segments are skipped by their length, so that the
/// end of an embedded thumbnail does not count.
fn ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    let mut scanned = false;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = after;
        match marker {
            0xd9 if scanned => return true,
            0x01 | 0xd0..=0xd9 => {}
            _ => {
                scanned |= marker == 0xda;
                let Some(length) = bytes.get(at..at + 2) else {
                    return false;
                };
                at += usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
    false
}

fn fault(error: DecodeErrors) -> Fault {
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => {
            Fault::truncated("The JPEG ends before its picture does.")
        }
        DecodeErrors::Unsupported(scheme) => {
            Fault::unsupported(format!("The JPEG is of a kind that is not read: {scheme:?}."))
        }
        other => Fault::damaged(format!("The JPEG is damaged: {other}.")),
    }
}
