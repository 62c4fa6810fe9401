//! SVG (1.1, second edition, and what of 2 is drawn by usvg), rasterised. What a file refers to
//! outside itself is not fetched, scripts are not run, and text is not drawn, since there are no
//! fonts: the same bytes give the same pixels on every machine.

mod cost;
mod size;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, ImageHrefResolver, ImageKind, Options, roxmltree};

use super::{Channels, Format, Header, HeaderError, Whole, short};
use crate::fault::{Fault, FaultCode};
use crate::formats::format::{Prolog, prolog};
use crate::geometry::Orientation;
use crate::rows::{Depth, Layout, Picture, Rows};

/// Bytes of a text. The tree made of it is some thirty times as large.
const LONGEST: usize = 8 << 20;

/// Pixels of all pictures embedded in one file.
const EMBEDDED: u64 = 16_000_000;

/// Reads the start tag of the root element.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    const ENDS: &str = "The SVG ends before its root element does.";
    let tag = match prolog(head) {
        Prolog::Svg(at) => size::start_tag(head.get(at..).unwrap_or_default()),
        Prolog::Unfinished | Prolog::Other => None,
    };
    let (width, height) = size::of(tag.ok_or_else(|| short(whole, ENDS))?)?;
    Ok(Header {
        format: Format::Svg,
        width,
        height,
        orientation: Orientation::Upright,
        frames: 1,
        channels: Channels::Rgba,
        depth: 8,
        progressive: true,
    })
}

/// The picture, as many layers of it as [`cost`] allows to stand at a time, embedded pictures, and
/// the tree.
pub(crate) fn memory(header: &Header) -> u64 {
    header.size().pixels() * 4 * (2 + cost::LAYERS) + EMBEDDED * 4 + (32 << 20)
}

/// Draws the picture at the size that its header says.
pub(crate) fn open<'a>(bytes: &'a [u8], header: &Header) -> Result<Box<dyn Rows + 'a>, Fault> {
    let layout = Layout {
        width: header.width,
        height: header.height,
        channels: Channels::Rgba,
        depth: Depth::Eight,
        orientation: header.orientation,
    };
    if bytes.len() > LONGEST {
        let detail = format!("The SVG has {} bytes; the most is {LONGEST}.", bytes.len());
        return Err(Fault::new(FaultCode::TooLarge, detail));
    }
    let left = Arc::new(AtomicU64::new(EMBEDDED));
    let tree = tree(bytes, &options(left, Nested::Allowed))?;
    cost::check(&tree, header.size())?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let mut pixmap = Pixmap::new(header.width, header.height)
        .ok_or_else(|| Fault::new(FaultCode::TooManyPixels, "The SVG is too large to draw."))?;
    #[expect(clippy::cast_precision_loss, reason = "sides are below 2¹⁶")]
    let scale = Transform::from_scale(header.width as f32 / width, header.height as f32 / height);
    resvg::render(&tree, scale, &mut pixmap.as_mut());
    let mut samples = pixmap.take();
    for pixel in samples.as_chunks_mut::<4>().0 {
        let [r, g, b, a] = *pixel;
        let straight = |value: u8| {
            let value = (u32::from(value) * 255 + u32::from(a) / 2) / u32::from(a.max(1));
            u8::try_from(value).unwrap_or(u8::MAX)
        };
        if a != 255 {
            *pixel = [straight(r), straight(g), straight(b), a];
        }
    }
    Ok(Box::new(Picture::new(layout, samples)?))
}

/// Parses text into what is to be drawn, after counting what it would become.
fn tree(bytes: &[u8], options: &Options<'_>) -> Result<usvg::Tree, Fault> {
    let damaged =
        |error: &dyn std::fmt::Display| Fault::damaged(format!("The SVG is damaged: {error}."));
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Fault::unsupported("The SVG is not in UTF-8, which is not read."))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = roxmltree::Document::parse_with_options(
        text,
        roxmltree::ParsingOptions {
            allow_dtd: true,
            nodes_limit: cost::NODES,
            ..Default::default()
        },
    )
    .map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => {
            Fault::new(FaultCode::TooMuchMemory, "The SVG has too many elements.")
        }
        other => damaged(&other),
    })?;
    cost::expanded(&document)?;
    usvg::Tree::from_xmltree(&document, options).map_err(|error| damaged(&error))
}

/// Whether an embedded picture may be SVG.
#[derive(Clone, Copy)]
enum Nested {
    Allowed,
    Refused,
}

/// Nothing from outside; what is embedded, within bounds.
fn options(left: Arc<AtomicU64>, nested: Nested) -> Options<'static> {
    let embedded = move |_: &str, data: Arc<Vec<u8>>, _: &Options<'_>| {
        let Ok(header) = Header::parse(&data, Whole::Yes) else {
            return None;
        };
        let pixels = header.size().pixels();
        let taken = left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(pixels));
        match (taken.is_ok(), header.format, nested) {
            (true, Format::Png, _) => Some(ImageKind::PNG(data)),
            (true, Format::Jpeg, _) => Some(ImageKind::JPEG(data)),
            (true, Format::Gif, _) => Some(ImageKind::GIF(data)),
            (true, Format::WebP, _) => Some(ImageKind::WEBP(data)),
            (true, Format::Svg, Nested::Allowed) => {
                let inner = options(Arc::clone(&left), Nested::Refused);
                let tree = tree(&data, &inner).ok()?;
                cost::check(&tree, header.size()).ok()?;
                Some(ImageKind::SVG(tree))
            }
            _ => None,
        }
    };
    Options {
        resources_dir: None,
        default_size: usvg::Size::from_wh(size::DEFAULT.0, size::DEFAULT.1)
            .unwrap_or(Options::default().default_size),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(embedded),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    }
}
