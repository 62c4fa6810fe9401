//! JPEG (ITU-T T.81 | ISO/IEC 10918-1), baseline.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use super::side_too_long;
use crate::canvas::Bitmap;
use crate::fault::Fault;
use crate::formats::{Channels, Format};
use crate::geometry::Size;

/// The longest side that a frame header can say.
const SIDE: u32 = 65_535;
/// From this quality on, colour is kept at full resolution (4:4:4 instead of 4:2:0).
const FULL_COLOUR: u8 = 90;

/// Encodes in one interleaved scan; colour is halved each way below [`FULL_COLOUR`], by averages.
/// `bitmap` has no alpha. Optimised Huffman tables would save 3.5 % of the bytes, but this encoder
/// then writes a scan for each component, and readers in Rust lose two of them: see
/// `Kind` in `formats/jpeg/mod.rs`. A progressive file is no smaller.
pub(super) fn encode(
    bitmap: &Bitmap,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, Fault> {
    let too_long = |_| side_too_long(Format::Jpeg, bitmap.size, SIDE);
    let width = u16::try_from(bitmap.size.width).map_err(too_long)?;
    let height = u16::try_from(bitmap.size.height).map_err(too_long)?;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality.clamp(1, 100));
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_sampling_factor(if quality < FULL_COLOUR {
        SamplingFactor::R_4_2_0
    } else {
        SamplingFactor::R_4_4_4
    });
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile).map_err(unwritten)?;
    }
    let colour = match bitmap.channels {
        Channels::Grey => ColorType::Luma,
        _ => ColorType::Rgb,
    };
    encoder.encode(&bitmap.samples, width, height, colour).map_err(unwritten)?;
    Ok(file)
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` calls")]
fn unwritten(error: jpeg_encoder::EncodingError) -> Fault {
    Fault::damaged(format!("The JPEG cannot be written: {error}."))
}

/// Rows of blocks, and an output that grows by doubling; never more than the pixels themselves.
pub(super) fn memory(size: Size) -> u64 {
    let padded = |side: u32| u64::from(side).next_multiple_of(16);
    padded(size.width) * padded(size.height) * 3 * 6 + 4096
}
