//! JPEG (ITU-T T.81 | ISO/IEC 10918-1; JFIF 1.02; EXIF 2.32 for orientation).

mod gain_map;
mod libjpeg;

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

/// Which decoder reads a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Huffman codes; sequential in one scan, or progressive.
    Usual,
    /// Arithmetic coding, or a sequential frame with fewer components in its first scan than it
    /// has: zune-jpeg 0.5.15 knows nothing of the one, and loses all but the first component of
    /// the other without a word.
    Rare,
}

fn walk(head: &[u8], whole: Whole) -> Result<(Header, Kind), HeaderError> {
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
                return Ok(frame.header(scanned, orientation.unwrap_or_default()));
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
    arithmetic: bool,
    width: u16,
    height: u16,
    components: u8,
}

impl Frame {
    fn parse(marker: u8, body: &[u8]) -> Result<Frame, Fault> {
        let kind = match marker {
            0xc0 | 0xc1 => Ok((false, false)),
            0xc2 => Ok((true, false)),
            0xc9 => Ok((false, true)),
            0xca => Ok((true, true)),
            0xc3 | 0xc7 | 0xcb | 0xcf => Err("lossless"),
            _ => Err("hierarchical"),
        };
        let (progressive, arithmetic) = kind.map_err(|kind| {
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
        Ok(Frame { progressive, arithmetic, width, height, components })
    }

    /// `scanned` is the number of components in the first scan.
    fn header(&self, scanned: u8, orientation: Orientation) -> (Header, Kind) {
        let separate = !self.progressive && scanned < self.components;
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
        (header, if separate || self.arithmetic { Kind::Rare } else { Kind::Usual })
    }
}

/// The picture, and either a row of blocks of each component or, in several passes, the
/// coefficients of all. A block side may be 32 pixels, by sampling factors of up to 4. A gain map is
/// decoded before, and needs a quarter of that.
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
    let layout = Layout {
        width: header.width,
        height: header.height,
        channels: header.channels,
        depth: Depth::Eight,
        orientation: header.orientation,
    };
    // In front of the picture, so that only the map's few samples are held with it.
    let gain_map = gain_map::find(bytes, header);
    let Stored { mut samples, ycck, profile } = stored(bytes, layout)?;
    if layout.channels == Channels::Cmyk {
        inks(&mut samples, ycck, has_adobe(bytes));
    }
    let colour = profile.map_or(Colour::Srgb, |icc| Colour::Profile(icc.into()));
    Ok(Box::new(Picture::new(layout, samples)?.coloured(colour).mapped(gain_map)))
}

/// What a decoder hands over.
struct Stored {
    /// RGB, grey, or inks as they are stored.
    samples: Vec<u8>,
    /// The inks are stored as YCCK.
    ycck: bool,
    profile: Option<Vec<u8>>,
}

/// The samples of the first picture in a file, by the decoder for its kind.
fn stored(bytes: &[u8], layout: Layout) -> Result<Stored, Fault> {
    let scans = scans(bytes).ok_or_else(|| {
        Fault::truncated("The JPEG ends before its picture does: it has no EOI marker.")
    })?;
    let (_, kind) = walk(bytes, Whole::Yes).map_err(|error| match error {
        HeaderError::Fault(fault) => fault,
        HeaderError::NeedMore => Fault::truncated("The JPEG ends before its first scan."),
    })?;
    match kind {
        Kind::Usual => usual(bytes, layout),
        Kind::Rare => libjpeg::decode(bytes, layout, scans),
    }
}

fn usual(bytes: &[u8], layout: Layout) -> Result<Stored, Fault> {
    let space = match layout.channels {
        Channels::Grey => ColorSpace::Luma,
        Channels::Cmyk => ColorSpace::CMYK,
        _ => ColorSpace::RGB,
    };
    let mut decoder = decoder(bytes, space)?;
    // Inks are handed over as they are stored: the conversion of the decoder knows no profile.
    let ycck = decoder.input_colorspace() == Some(ColorSpace::YCCK);
    if layout.channels == Channels::Cmyk && ycck {
        decoder = self::decoder(bytes, ColorSpace::YCCK)?;
    }
    let needed = layout.row_bytes() * layout.height as usize;
    if decoder.output_buffer_size() != Some(needed) {
        return Err(Fault::damaged("The JPEG's headers contradict each other."));
    }
    let mut samples = vec![0; needed];
    decoder.decode_into(&mut samples).map_err(fault)?;
    Ok(Stored { samples, ycck, profile: decoder.icc_profile() })
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

struct Segment<'a> {
    marker: u8,
    /// Where in the file its body begins.
    at: usize,
    body: &'a [u8],
}

/// The segments in front of the first scan.
fn segments(bytes: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut at = 2;
    std::iter::from_fn(move || {
        loop {
            let (marker, after) = next_marker(bytes, at)?;
            at = after;
            match marker {
                0x01 | 0xd0..=0xd8 => {}
                0xda => return None,
                _ => {
                    let &[high, low] = bytes.get(at..at + 2)? else { return None };
                    let length = usize::from(u16::from_be_bytes([high, low])).max(2);
                    let body = bytes.get(at + 2..at + length)?;
                    at += length;
                    return Some(Segment { marker, at: at - body.len(), body });
                }
            }
        }
    })
}

/// Whether an APP14 segment of Adobe stands in front of the first scan.
fn has_adobe(bytes: &[u8]) -> bool {
    segments(bytes).any(|segment| segment.marker == 0xee && segment.body.starts_with(b"Adobe"))
}

/// The profile in APP2 segments (ICC.1, annex B.4): its parts are numbered from 1.
fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<(u8, &[u8])> = segments(bytes)
        .filter(|segment| segment.marker == 0xe2)
        .filter_map(|segment| match segment.body.strip_prefix(b"ICC_PROFILE\0") {
            Some([number, _, part @ ..]) => Some((*number, part)),
            _ => None,
        })
        .collect();
    parts.sort_by_key(|(number, _)| *number);
    let profile: Vec<u8> = parts.into_iter().flat_map(|(_, part)| part).copied().collect();
    (!profile.is_empty()).then_some(profile)
}

/// How many scans come before the EOI marker; `None` where there is none. Segments are skipped by
/// their length, so that the end of an embedded thumbnail does not count.
fn scans(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    let mut scans = 0;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = after;
        match marker {
            0xd9 if scans > 0 => return Some(scans),
            0x01 | 0xd0..=0xd9 => {}
            _ => {
                scans += usize::from(marker == 0xda);
                let length = bytes.get(at..at + 2)?;
                at += usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
    None
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
