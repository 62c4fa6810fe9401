//! PNG (W3C Recommendation, third edition), 8 bits a sample or a palette.

use std::borrow::Cow;

use png::{BitDepth, ColorType, Encoder, EncodingError, Info};

use super::palette::{self, Indexed};
use crate::canvas::Bitmap;
use crate::fault::Fault;
use crate::formats::Channels;
use crate::geometry::Size;
use crate::plan::Coding;

/// Encodes at the crate's balanced level. A palette holds up to 256 colours exactly; with
/// [`Coding::Palette`] also more, where that looks the same.
pub(super) fn encode(
    bitmap: &Bitmap,
    coding: Coding,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, Fault> {
    let indexed = palette::exact(bitmap).or_else(|| match coding {
        Coding::Palette => palette::close(bitmap),
        Coding::Usual | Coding::Lossless => None,
    });
    let mut info = Info::with_size(bitmap.size.width, bitmap.size.height);
    info.icc_profile = profile.map(Cow::Borrowed);
    info.bit_depth = BitDepth::Eight;
    info.color_type = match bitmap.channels {
        Channels::Grey => ColorType::Grayscale,
        Channels::GreyAlpha => ColorType::GrayscaleAlpha,
        Channels::Rgb | Channels::Cmyk => ColorType::Rgb,
        Channels::Rgba => ColorType::Rgba,
    };
    let Some(indexed) = indexed else { return written(info, &bitmap.samples) };
    let Indexed { colours, alphas, indices, .. } = &indexed;
    info.color_type = ColorType::Indexed;
    info.bit_depth = match colours.len() {
        0..=2 => BitDepth::One,
        3..=4 => BitDepth::Two,
        5..=16 => BitDepth::Four,
        _ => BitDepth::Eight,
    };
    info.palette = Some(Cow::Borrowed(colours.as_flattened()));
    info.trns = alphas.iter().any(|a| *a != u8::MAX).then_some(Cow::Borrowed(alphas));
    let rows = packed(indices, bitmap.size, info.bit_depth);
    written(info, &rows)
}

fn written(info: Info<'_>, rows: &[u8]) -> Result<Vec<u8>, Fault> {
    let unwritten =
        |error: EncodingError| Fault::damaged(format!("The PNG cannot be written: {error}."));
    let mut file = Vec::new();
    let encoder = Encoder::with_info(&mut file, info).map_err(unwritten)?;
    let mut writer = encoder.write_header().map_err(unwritten)?;
    writer.write_image_data(rows).map_err(unwritten)?;
    writer.finish().map_err(unwritten)?;
    Ok(file)
}

/// Indices of fewer bits share bytes, the first in the highest; each row begins with a byte.
fn packed(indices: &[u8], size: Size, depth: BitDepth) -> Cow<'_, [u8]> {
    let bits = match depth {
        BitDepth::One => 1,
        BitDepth::Two => 2,
        BitDepth::Four => 4,
        BitDepth::Eight | BitDepth::Sixteen => return Cow::Borrowed(indices),
    };
    let packed = indices
        .chunks_exact(size.width as usize)
        .flat_map(|row| row.chunks(8 / bits))
        .map(|group| {
            group
                .iter()
                .zip((0..8).step_by(bits))
                .fold(0, |byte, (index, shift)| byte | (index << (8 - bits - shift)))
        });
    Cow::Owned(packed.collect())
}

/// Filtered and deflated copies, an output that grows by doubling, and indices.
pub(super) fn memory(size: Size) -> u64 {
    size.pixels() * (4 * 4 + palette::MEMORY) + (1 << 20)
}
