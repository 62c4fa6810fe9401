//! HEIC (ISO/IEC 23008-12 with HEVC) in the boxes of [`heif`](super::heif). HEVC is covered by
//! patents, and the decoder's licence grants none: who builds with the feature `heic` decides that.

use super::Header;
#[cfg(feature = "heic")]
use super::heif;
#[cfg(feature = "heic")]
use super::mosaic::Canvas;
#[cfg(feature = "heic")]
use super::yuv::{Matrix, Planes, Sampling};
use crate::fault::Fault;
use crate::limits::Limits;
#[cfg(feature = "heic")]
use crate::rows::Picture;
use crate::rows::Rows;

/// The picture, a tile of it as planes, and what its decoder keeps for each block.
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

/// Its code point of H.273, table 4.
#[cfg(feature = "heic")]
const BT601: u8 = 6;

/// Decodes the primary picture.
#[cfg(feature = "heic")]
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
) -> Result<Box<dyn Rows + 'a>, Fault> {
    use heic_rs::context::Context;

    let (heif, layout) = heif::Heif::open(bytes, header, limits)?;
    let file = Context::open(bytes).map_err(fault)?;
    let mut canvas = Canvas::new(&heif, layout);
    // Where neither boxes nor stream say: phones that write a profile instead (Apple) use BT.601 at
    // full range, others the video's usual range.
    let matrix = match heif.nclx.or_else(|| heif.stream()) {
        Some(said) => Matrix::new(said.matrix, said.full),
        None => Matrix::new(BT601, heif.has_profile()),
    };
    let matrix = matrix
        .ok_or_else(|| Fault::unsupported("The HEIC has a colour matrix that is not read."))?;
    each(&file, file.meta.primary, &heif.primary, |planes, left, top| {
        canvas.colour(planes, matrix, left, top);
    })?;
    if let Some(alpha) = &heif.alpha {
        let item = file.alpha_item(file.meta.primary).map_err(fault)?;
        let item = item.ok_or_else(|| Fault::damaged("The HEIC has lost its alpha."))?;
        each(&file, item, alpha, |planes, left, top| canvas.alpha(planes, true, left, top))?;
    }
    if heif.premultiplied {
        canvas.divide();
    }
    Ok(Box::new(Picture::new(layout, canvas.samples)?.coloured(heif.colour(2, 2))))
}

/// Decodes each tile of an item and hands it out with its place.
#[cfg(feature = "heic")]
fn each(
    file: &heic_rs::context::Context<'_>,
    item: u32,
    coded: &heif::Coded,
    mut draw: impl FnMut(&Planes, u32, u32),
) -> Result<(), Fault> {
    let (columns, tiles) = match file.grid(item).map_err(fault)? {
        Some((grid, tiles)) => (grid.columns, tiles),
        None => (1, vec![item]),
    };
    for (index, tile) in (0_u32..).zip(tiles) {
        let planes = decode(file, tile, coded).map_err(fault)?;
        let (row, column) = (index / columns.max(1), index % columns.max(1));
        let (left, top) = (column.saturating_mul(planes.width), row.saturating_mul(planes.height));
        draw(&planes, left, top);
    }
    Ok(())
}

#[cfg(feature = "heic")]
fn decode(
    file: &heic_rs::context::Context<'_>,
    tile: u32,
    coded: &heif::Coded,
) -> Result<Planes, heic_rs::Error> {
    use heic_rs::{ChromaFormat, Error};

    let properties = file.props(tile)?;
    let settings = properties.hvcc.as_ref().ok_or(Error::MissingBox("hvcC"))?;
    let data = file.item_data(tile)?;
    let units = settings.split_nals(&data)?;
    let sets = settings.parameter_sets();
    // A frame larger than its box says would not have been counted. Tiles may hang over the edge.
    let info = heic_rs::hevc::probe(&sets)?;
    heic_rs::image::check_pixels(
        info.width,
        info.height,
        u64::from(coded.width.next_multiple_of(512) + 512)
            * u64::from(coded.height.next_multiple_of(512) + 512),
    )?;
    let frame = heic_rs::hevc::decode_still(&sets, &units)?;
    frame.validate()?;
    let stride = frame.c_stride as usize;
    Ok(Planes {
        width: frame.width,
        height: frame.height,
        bits: u32::from(frame.bit_depth),
        sampling: match frame.chroma {
            ChromaFormat::Monochrome => Sampling::Mono,
            ChromaFormat::Yuv420 => Sampling::Quarter,
            ChromaFormat::Yuv422 => Sampling::Half,
            ChromaFormat::Yuv444 => Sampling::Full,
        },
        y: (frame.y, frame.y_stride as usize),
        u: (frame.cb, stride),
        v: (frame.cr, stride),
    })
}

#[cfg(feature = "heic")]
fn fault(error: heic_rs::Error) -> Fault {
    use heic_rs::Error;
    match error {
        Error::Unsupported(what) => {
            Fault::unsupported(format!("The HEIC is of a kind that is not read: {what}."))
        }
        Error::PixelLimit { .. } => Fault::damaged("The HEIC's picture is larger than it says."),
        Error::Truncated(_) => Fault::truncated("The HEIC ends before its picture does."),
        other => Fault::damaged(format!("The HEIC is damaged: {other}.")),
    }
}
