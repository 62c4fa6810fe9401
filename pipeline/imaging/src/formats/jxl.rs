//! JPEG XL (ISO/IEC 18181-1 and -2), bare or in boxes. Of an animation, the first picture is read.

use jxl_oxide::{AllocTracker, InitializeResult, JxlImage, JxlThreadPool};

use super::{Channels, Format, Header, HeaderError, Whole, short};
use crate::colour::Colour;
use crate::fault::{Fault, FaultCode};
use crate::geometry::Orientation;
use crate::rows::{Depth, Layout, Picture, Rows};

const ENDS: &str = "The JPEG XL ends before its picture does.";

/// Bytes that a header's colour profile and everything else may allocate.
const HEADER: usize = 64 << 20;

/// Reads the codestream's header (18181-1, annex D), which says size, depth and colour. The decoder
/// turns the picture upright itself, so sides are those after turning.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    let image = parsed(head)?.ok_or_else(|| short(whole, ENDS))?;
    let metadata = &image.image_header().metadata;
    let depth = metadata.bit_depth.bits_per_sample();
    let header = Header {
        format: Format::Jxl,
        width: image.width(),
        height: image.height(),
        orientation: Orientation::Upright,
        frames: 1,
        channels: channels(&image),
        depth: if depth > 8 { 16 } else { 8 },
        progressive: true,
    };
    if header.width == 0 || header.height == 0 {
        return Err(Fault::damaged("The JPEG XL has no size.").into());
    }
    Ok(header)
}

/// Gives the decoder pieces that double in size until it has the header: the frames behind are not
/// looked at, and the whole is linear.
fn parsed(head: &[u8]) -> Result<Option<JxlImage>, Fault> {
    let mut image = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(HEADER))
        .build_uninit();
    let mut rest = head;
    let mut piece = 4096;
    loop {
        let (now, later) = rest.split_at(piece.min(rest.len()));
        image.feed_bytes(now).map_err(fault)?;
        rest = later;
        piece *= 2;
        match image.try_init().map_err(fault)? {
            InitializeResult::Initialized(image) => return Ok(Some(image)),
            InitializeResult::NeedMoreData(_) if rest.is_empty() => return Ok(None),
            InitializeResult::NeedMoreData(same) => image = same,
        }
    }
}

fn channels(image: &JxlImage) -> Channels {
    let format = image.pixel_format();
    match (format.is_grayscale(), format.has_black(), format.has_alpha()) {
        (true, _, false) => Channels::Grey,
        (true, _, true) => Channels::GreyAlpha,
        (false, true, _) => Channels::Cmyk,
        (false, false, false) => Channels::Rgb,
        (false, false, true) => Channels::Rgba,
    }
}

/// The decoder works in floating point, on the picture as coded, filtered and converted.
pub(crate) fn memory(header: &Header) -> u64 {
    let padded = |side: u32| u64::from(side).next_multiple_of(64) + 64;
    let samples = padded(header.width) * padded(header.height);
    let colours = header.channels.count().max(3) as u64 + u64::from(header.channels.has_alpha());
    samples * colours * 4 * 4 + (16 << 20)
}

/// Decodes the first picture; allocations are held to what [`memory`] predicts.
pub(crate) fn open<'a>(bytes: &'a [u8], header: &Header) -> Result<Box<dyn Rows + 'a>, Fault> {
    let allowed = usize::try_from(memory(header)).unwrap_or(usize::MAX);
    let image = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(allowed))
        .read(bytes)
        .map_err(fault)?;
    let layout = Layout {
        width: header.width,
        height: header.height,
        channels: channels(&image),
        depth: if header.depth > 8 { Depth::Sixteen } else { Depth::Eight },
        orientation: header.orientation,
    };
    if (image.width(), image.height(), layout.channels)
        != (header.width, header.height, header.channels)
    {
        return Err(Fault::damaged("The JPEG XL is another than its header says."));
    }
    // The first picture is whole where another follows it or the file says that none does.
    let whole = image.is_loading_done() || image.num_loaded_keyframes() > 1;
    if image.num_loaded_keyframes() == 0 || !whole {
        return Err(Fault::truncated(ENDS));
    }
    let colour = colour(&image);
    let render = image.render_frame(0).map_err(fault)?;
    let mut stream = match layout.channels {
        // Transparent ink is not read.
        Channels::Cmyk => render.stream_no_alpha(),
        _ => render.stream(),
    };
    if (stream.width(), stream.height(), stream.channels() as usize)
        != (layout.width, layout.height, layout.channels.count())
    {
        return Err(Fault::unsupported("The JPEG XL has channels of an unusual kind."));
    }
    let count = layout.width as usize * layout.height as usize * layout.channels.count();
    let mut samples = match layout.depth {
        Depth::Eight => {
            let mut samples = vec![0_u8; count];
            stream.write_to_buffer(&mut samples);
            samples
        }
        Depth::Sixteen => {
            let mut wide = vec![0_u16; count];
            stream.write_to_buffer(&mut wide);
            bytemuck::cast_slice(&wide).to_vec()
        }
    };
    if layout.channels == Channels::Cmyk {
        // Here the most is no ink (18181-1, annex E).
        for byte in &mut samples {
            *byte = !*byte;
        }
    }
    Ok(Box::new(Picture::new(layout, samples)?.coloured(colour)))
}

/// What the decoder rendered to: by code points, or as a profile.
fn colour(image: &JxlImage) -> Colour {
    match image.rendered_cicp() {
        Some([1, 13, ..]) => Colour::Srgb,
        Some([primaries, transfer, ..]) => Colour::Coded { primaries, transfer },
        None => Colour::Profile(image.rendered_icc().into()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a function for `map_err`")]
fn fault(error: Box<dyn std::error::Error + Send + Sync + 'static>) -> Fault {
    let detail = error.to_string();
    if detail.contains("memory") {
        Fault::new(FaultCode::TooMuchMemory, format!("The JPEG XL asks for too much: {detail}."))
    } else if error.downcast_ref::<std::io::Error>().is_some() || detail.contains("EOF") {
        Fault::truncated(ENDS)
    } else {
        Fault::damaged(format!("The JPEG XL is damaged: {detail}."))
    }
}
