//! HEIC (ISO/IEC 23008-12 with HEVC) in the boxes of [`heif`](super::heif). HEVC is covered by
//! patents, and the decoder's licence grants none: who builds with the feature `heic` decides that.

use super::Header;
#[cfg(feature = "heic")]
use super::heif;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::rows::Rows;

/// The picture in 16 bits with alpha, its tiles as planes, and alpha's.
pub(crate) fn memory(header: &Header) -> u64 {
    let padded = |side: u32| u64::from(side).next_multiple_of(512) + 512;
    let sample = if header.depth > 8 { 2 } else { 1 };
    let channels = header.channels.count() as u64;
    padded(header.width) * padded(header.height) * (channels * sample + 2 * 4 + 2) + (8 << 20)
}

/// Says how HEIC is switched on.
#[cfg(not(feature = "heic"))]
pub(crate) fn open<'a>(_: &'a [u8], _: &Header, _: &Limits) -> Result<Box<dyn Rows + 'a>, Fault> {
    Err(Fault::unsupported(
        "HEIC is read only by a Darkroom built with `--features heic`, because HEVC is patented.",
    ))
}

/// Decodes the primary picture.
#[cfg(feature = "heic")]
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
) -> Result<Box<dyn Rows + 'a>, Fault> {
    use crate::fault::FaultCode;
    use crate::formats::{Channels, HeaderError, Whole};
    use crate::rows::{Depth, Layout, Picture};
    use heic_rs::{DecodeOptions, Error, PixelLayout};

    let heif = heif::Heif::parse(bytes, Whole::Yes).map_err(|error| match error {
        HeaderError::Fault(fault) => fault,
        HeaderError::NeedMore => Fault::truncated("The HEIC ends before its header does."),
    })?;
    let coded = Header { width: heif.primary.width, height: heif.primary.height, ..header.clone() };
    limits.check(&coded)?;
    limits.check_memory(&coded, memory(&coded))?;
    let layout = Layout {
        width: header.width,
        height: header.height,
        channels: header.channels,
        depth: if header.depth > 8 { Depth::Sixteen } else { Depth::Eight },
        orientation: header.orientation,
    };
    if heif.shown() != (layout.width, layout.height) {
        return Err(Fault::damaged("The HEIC is another than its header says."));
    }
    let wanted = match (layout.channels, layout.depth) {
        (Channels::Rgba, Depth::Eight) => PixelLayout::Rgba8,
        (Channels::Rgba, Depth::Sixteen) => PixelLayout::Rgba16,
        (_, Depth::Eight) => PixelLayout::Rgb8,
        (_, Depth::Sixteen) => PixelLayout::Rgb16,
    };
    let options = DecodeOptions::default()
        .with_layout(wanted)
        .with_max_pixels(Some(limits.pixels))
        .with_transforms(false)
        .with_threads(Some(1));
    let image = heic_rs::decode(bytes, &options).map_err(|error| match error {
        Error::Unsupported(what) => {
            Fault::unsupported(format!("The HEIC is of a kind that is not read: {what}."))
        }
        Error::PixelLimit { .. } => {
            Fault::new(FaultCode::TooManyPixels, "The HEIC has more pixels than the limit.")
        }
        Error::Truncated(_) => Fault::truncated("The HEIC ends before its picture does."),
        other => Fault::damaged(format!("The HEIC is damaged: {other}.")),
    })?;
    if (image.width, image.height) != (coded.width, coded.height) {
        return Err(Fault::damaged("The HEIC is another than its header says."));
    }
    let samples = match heif.clap {
        None => image.data,
        Some(clap) => {
            let pixel = wanted.bytes_per_pixel();
            let (left, width) = (clap.left as usize * pixel, clap.width as usize * pixel);
            image
                .data
                .chunks_exact(image.width as usize * pixel)
                .skip(clap.top as usize)
                .take(clap.height as usize)
                .filter_map(|row| row.get(left..left + width))
                .collect::<Vec<&[u8]>>()
                .concat()
        }
    };
    Ok(Box::new(Picture::new(layout, samples)?.coloured(heif.colour(2, 2))))
}
