//! One strip or tile: what was compressed, and differences undone.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::directory::{Directory, Photometric};
use crate::fault::Fault;
use crate::formats::exif::Order;

/// A decoded strip or tile: rows of packed samples in the file's byte order.
pub(super) struct Chunk {
    pub(super) samples: Vec<u8>,
    /// Bytes of a row.
    pub(super) stride: usize,
}

/// Decodes one, of which `rows` rows belong to the picture.
pub(super) fn decode(
    directory: &Directory,
    bytes: &[u8],
    index: usize,
    rows: usize,
) -> Result<Chunk, Fault> {
    let stored = stored(directory, bytes, index)?;
    let stride = directory.chunk_row();
    let wanted = stride * rows;
    let turned: Vec<u8>;
    let stored = if directory.reversed && directory.compression != 7 {
        turned = stored.iter().map(|byte| byte.reverse_bits()).collect();
        &turned
    } else {
        stored
    };
    let mut samples = match directory.compression {
        1 => stored.get(..wanted.min(stored.len())).unwrap_or_default().to_vec(),
        2..=4 => fax(directory, stored, rows)?,
        5 => lzw(stored, wanted)?,
        7 => return jpeg(directory, bytes, stored, rows),
        8 | 32_946 => inflate(stored, wanted)?,
        32_773 => packbits(stored, wanted)?,
        other => {
            return Err(Fault::unsupported(format!(
                "The TIFF is compressed by scheme {other}, which is not read."
            )));
        }
    };
    if samples.len() < wanted {
        return Err(Fault::truncated(format!(
            "A part of the TIFF has {} bytes of {wanted}.",
            samples.len()
        )));
    }
    samples.truncate(wanted);
    let distance = if directory.planar { 1 } else { usize::from(directory.samples) };
    match directory.predictor {
        0 | 1 => {}
        2 => {
            for row in samples.chunks_exact_mut(stride) {
                sum(row, directory, distance)?;
            }
        }
        3 => {
            for row in samples.chunks_exact_mut(stride) {
                float(row, directory, distance);
            }
        }
        other => {
            return Err(Fault::damaged(format!("The TIFF has the unknown predictor {other}.")));
        }
    }
    Ok(Chunk { samples, stride })
}

/// The bytes of a strip or tile in the file.
fn stored<'a>(directory: &Directory, bytes: &'a [u8], index: usize) -> Result<&'a [u8], Fault> {
    let missing = || Fault::damaged(format!("The TIFF does not say where part {index} of it is."));
    let at = directory.offsets.get(bytes, index).ok_or_else(missing)?;
    let at = usize::try_from(at).map_err(|_| missing())?;
    // Files of one strip may leave its length out.
    let length = match &directory.lengths {
        Some(lengths) => lengths.get(bytes, index).ok_or_else(missing)?,
        None => u64::MAX,
    };
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty()).ok_or_else(|| {
        Fault::truncated(format!("Part {index} of the TIFF lies beyond its end."))
    })?;
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
    Ok(rest.get(..length).unwrap_or_default())
}

/// LZW (TIFF 6.0, section 13), or the older way with the lowest bit first.
fn lzw(stored: &[u8], wanted: usize) -> Result<Vec<u8>, Fault> {
    use weezl::{BitOrder, LzwStatus, decode::Decoder};
    let mut decoder = if stored.first() == Some(&0) && stored.get(1).is_some_and(|b| b & 1 == 1) {
        Decoder::new(BitOrder::Lsb, 8)
    } else {
        Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
    };
    let mut samples = vec![0; wanted];
    let (mut read, mut written) = (0, 0);
    while written < wanted {
        let result = decoder.decode_bytes(&stored[read..], &mut samples[written..]);
        read += result.consumed_in;
        written += result.consumed_out;
        match result.status {
            Ok(LzwStatus::Ok) if result.consumed_in + result.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(Fault::damaged(format!("The TIFF is damaged: {error}."))),
        }
    }
    samples.truncate(written);
    Ok(samples)
}

fn inflate(stored: &[u8], wanted: usize) -> Result<Vec<u8>, Fault> {
    use std::io::Read as _;
    let mut samples = Vec::new();
    match flate2::read::ZlibDecoder::new(stored).take(wanted as u64).read_to_end(&mut samples) {
        // A missing end does not matter where all samples are there.
        Err(error) if samples.len() < wanted => {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                Err(Fault::truncated("A part of the TIFF ends too soon."))
            } else {
                Err(Fault::damaged(format!("The TIFF is damaged: {error}.")))
            }
        }
        _ => Ok(samples),
    }
}

/// `PackBits` (TIFF 6.0, section 9).
fn packbits(stored: &[u8], wanted: usize) -> Result<Vec<u8>, Fault> {
    let ends = || Fault::truncated("A part of the TIFF ends too soon.");
    let mut samples = Vec::with_capacity(wanted);
    let mut rest = stored;
    while samples.len() < wanted {
        let (&count, after) = rest.split_first().ok_or_else(ends)?;
        let run = usize::from(count.cast_signed().unsigned_abs());
        rest = match count {
            128 => after,
            0..128 => {
                let (literal, after) = after.split_at_checked(run + 1).ok_or_else(ends)?;
                samples.extend_from_slice(literal);
                after
            }
            129.. => {
                let (&byte, after) = after.split_first().ok_or_else(ends)?;
                samples.resize(samples.len() + run + 1, byte);
                after
            }
        };
    }
    Ok(samples)
}

/// CCITT T.4 (one dimension) and T.6: black is 1 where white is zero.
fn fax(directory: &Directory, stored: &[u8], rows: usize) -> Result<Vec<u8>, Fault> {
    use fax::decoder::{decode_g3, decode_g4, pels};
    let unsupported = |what: &str| Err(Fault::unsupported(format!("The TIFF is {what}.")));
    let Ok(width) = u16::try_from(directory.chunk[0]) else {
        return unsupported("a fax wider than 65,535");
    };
    if directory.bits != 1 || directory.samples != 1 {
        return unsupported("a fax of more than one bit");
    }
    let mut samples = Vec::with_capacity(directory.chunk_row() * rows);
    let mut line = |transitions: &[u16]| {
        let mut byte = 0_u8;
        for (x, colour) in pels(transitions, width).enumerate() {
            byte = byte << 1 | u8::from(matches!(colour, fax::Color::Black));
            if x % 8 == 7 {
                samples.push(byte);
            }
        }
        let over = width % 8;
        if over > 0 {
            samples.push(byte << (8 - over));
        }
    };
    let input = stored.iter().copied();
    match (directory.compression, directory.fax_options & 1) {
        (4, _) => {
            let height = u16::try_from(rows).ok();
            if decode_g4(input, width, height, &mut line).is_none() {
                return Err(Fault::damaged("The TIFF's fax coding is damaged."));
            }
        }
        (3, 0) => {
            if decode_g3(input, &mut line).is_none() {
                return Err(Fault::damaged("The TIFF's fax coding is damaged."));
            }
        }
        _ => return unsupported("coded in two dimensions or without ends of lines (T.4)"),
    }
    // T.4 and T.6 say what is black; the bits are those of `WhiteIsZero`.
    Ok(samples)
}

/// JPEG (technical note 2): tables for all, then a stream for each strip or tile.
fn jpeg(directory: &Directory, bytes: &[u8], stored: &[u8], rows: usize) -> Result<Chunk, Fault> {
    if directory.bits != 8 {
        return Err(Fault::unsupported("The TIFF holds JPEG of more than 8 bits."));
    }
    let tables = match &directory.tables {
        Some(range) => bytes.get(range.clone()).unwrap_or_default(),
        None => &[],
    };
    let tables = tables.strip_suffix(b"\xff\xd9").unwrap_or(tables);
    let joined =
        [tables, stored.get(if tables.is_empty() { 0 } else { 2 }..).unwrap_or_default()].concat();
    let damaged = |error| Fault::damaged(format!("The TIFF's JPEG is damaged: {error}."));
    let samples = if directory.planar { 1 } else { directory.samples };
    let wanted = match (directory.photometric, samples) {
        (_, 1) => ColorSpace::Luma,
        (Photometric::YCbCr, 3) => ColorSpace::RGB,
        (Photometric::Rgb, 3) => ColorSpace::YCbCr,
        (Photometric::Cmyk, 4) => ColorSpace::CMYK,
        _ => return Err(Fault::unsupported("The TIFF holds JPEG of an unusual kind.")),
    };
    let open = |out| {
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(65_535)
            .set_max_height(65_535)
            .jpeg_set_out_colorspace(out);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&*joined), options);
        decoder.decode_headers().map_err(damaged).map(|()| decoder)
    };
    let mut decoder = open(wanted)?;
    // What says of itself that it is RGB is not converted either.
    if wanted == ColorSpace::YCbCr && decoder.input_colorspace() == Some(ColorSpace::RGB) {
        decoder = open(ColorSpace::RGB)?;
    }
    let (width, height) = decoder.dimensions().ok_or_else(damaged_sizes)?;
    let most = [directory.chunk[0] as usize, directory.chunk[1] as usize];
    if width < most[0].min(directory.width as usize) || width > most[0] || height < rows {
        return Err(damaged_sizes());
    }
    let size = decoder.output_buffer_size().ok_or_else(damaged_sizes)?;
    if size as u64 > u64::from(directory.chunk[0]) * most[1].max(rows) as u64 * 4 {
        return Err(damaged_sizes());
    }
    let mut samples = vec![0; size];
    decoder.decode_into(&mut samples).map_err(damaged)?;
    let stride = size / height.max(1);
    Ok(Chunk { samples, stride })
}

fn damaged_sizes() -> Fault {
    Fault::damaged("The TIFF's JPEG has another size than its strips or tiles.")
}

/// Horizontal differencing (TIFF 6.0, section 14).
fn sum(row: &mut [u8], directory: &Directory, distance: usize) -> Result<(), Fault> {
    match (directory.bits, directory.order) {
        (8, _) => {
            for at in distance..row.len() {
                row[at] = row[at].wrapping_add(row[at - distance]);
            }
        }
        (16, order) => {
            let (pairs, _) = row.as_chunks_mut::<2>();
            for at in distance..pairs.len() {
                let (one, two) = (pairs[at], pairs[at - distance]);
                pairs[at] = match order {
                    Order::Little => {
                        u16::from_le_bytes(one).wrapping_add(u16::from_le_bytes(two)).to_le_bytes()
                    }
                    Order::Big => {
                        u16::from_be_bytes(one).wrapping_add(u16::from_be_bytes(two)).to_be_bytes()
                    }
                };
            }
        }
        (32, order) => {
            let (fours, _) = row.as_chunks_mut::<4>();
            for at in distance..fours.len() {
                let (one, two) = (fours[at], fours[at - distance]);
                fours[at] = match order {
                    Order::Little => {
                        u32::from_le_bytes(one).wrapping_add(u32::from_le_bytes(two)).to_le_bytes()
                    }
                    Order::Big => {
                        u32::from_be_bytes(one).wrapping_add(u32::from_be_bytes(two)).to_be_bytes()
                    }
                };
            }
        }
        (bits, _) => {
            return Err(Fault::unsupported(format!(
                "The TIFF has differences of {bits} bits, which are not read."
            )));
        }
    }
    Ok(())
}

/// Floating point differencing (technical note 3): differences of bytes, the highest byte of each
/// sample first; left in the file's byte order.
fn float(row: &mut [u8], directory: &Directory, distance: usize) {
    for at in distance..row.len() {
        row[at] = row[at].wrapping_add(row[at - distance]);
    }
    let width = usize::from(directory.bits / 8);
    let count = row.len() / width;
    let planes = row.to_vec();
    for (index, sample) in row.chunks_exact_mut(width).enumerate() {
        for (byte, out) in sample.iter_mut().enumerate() {
            let byte = match directory.order {
                Order::Big => byte,
                Order::Little => width - 1 - byte,
            };
            *out = planes[byte * count + index];
        }
    }
}
