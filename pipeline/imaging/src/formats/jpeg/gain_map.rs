//! The gain map of an Ultra HDR JPEG: a second, small JPEG behind the first (CIPA DC-007), which says
//! in XMP (Adobe's gain map specification 1.0) or in a segment of its own (ISO 21496-1) what it means.

use roxmltree::{Document, Node, ParsingOptions};

use super::{Segment, header, segments, stored};
use crate::formats::exif::Order;
use crate::formats::{Channels, Header, Whole};
use crate::gain_map::{Channel, GainMap, ISO, Meaning};
use crate::rows::{Depth, Layout};

const ADOBE: &str = "http://ns.adobe.com/hdr-gain-map/1.0/";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// Most pictures of a file that are looked at.
const PICTURES: usize = 8;

/// The map of a file, decoded. What is broken, means something else, or has more than half of the
/// picture's columns or rows is not taken along: that would cost as much as the picture.
pub(super) fn find(bytes: &[u8], of: &Header) -> Option<GainMap> {
    if of.channels != Channels::Rgb {
        return None;
    }
    pictures(bytes).into_iter().take(PICTURES).find_map(|map| {
        // In other colours than the picture's it would need the profile of these.
        let meaning = meaning(map).filter(|meaning| meaning.base_colours)?;
        let header = header(map, Whole::Yes).ok()?;
        let small = header.width <= of.width.div_ceil(2) && header.height <= of.height.div_ceil(2);
        if !small || !matches!(header.channels, Channels::Grey | Channels::Rgb) {
            return None;
        }
        let layout = Layout {
            width: header.width,
            height: header.height,
            channels: header.channels,
            depth: Depth::Eight,
            orientation: of.orientation,
        };
        let samples = stored(map, layout).ok()?.samples;
        Some(GainMap { layout, samples, meaning })
    })
}

/// The pictures behind the first one, by the index that its APP2 segment holds.
fn pictures(bytes: &[u8]) -> Vec<&[u8]> {
    index(bytes).unwrap_or_default()
}

fn index(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    /// The tag of the index (DC-007, 5.2.3.3), and the length of its entries.
    const ENTRIES: u16 = 0xb002;
    const ENTRY: usize = 16;
    let Segment { at, body, .. } = segments(bytes)
        .find(|segment| segment.marker == 0xe2 && segment.body.starts_with(b"MPF\0"))?;
    // Offsets count from behind the name.
    let (start, tiff) = (at + 4, body.get(4..)?);
    let order = match tiff.get(..4)? {
        b"II*\0" => Order::Little,
        b"MM\0*" => Order::Big,
        _ => return None,
    };
    let directory = usize::try_from(order.u32(tiff, 4)?).ok()?;
    let fields = usize::from(order.u16(tiff, directory)?);
    let field = (0..fields)
        .map(|field| directory + 2 + field * 12)
        .find(|at| order.u16(tiff, *at) == Some(ENTRIES))?;
    let length = usize::try_from(order.u32(tiff, field + 4)?).ok()?;
    let table = usize::try_from(order.u32(tiff, field + 8)?).ok()?;
    let found = (1..length / ENTRY).take(PICTURES).filter_map(|entry| {
        let at = table.checked_add(entry * ENTRY)?;
        let size = usize::try_from(order.u32(tiff, at + 4)?).ok()?;
        let from = start.checked_add(usize::try_from(order.u32(tiff, at + 8)?).ok()?)?;
        let rest = bytes.get(from..).filter(|rest| rest.starts_with(b"\xff\xd8\xff"))?;
        // Some sizes are of the file without what a sharing app has taken out.
        Some(&rest[..size.min(rest.len())])
    });
    Some(found.collect())
}

/// What a map's own segments say of it.
fn meaning(map: &[u8]) -> Option<Meaning> {
    segments(map).find_map(|Segment { marker, body, .. }| match marker {
        0xe2 => Meaning::parse(body.strip_prefix(ISO)?),
        0xe1 => of_xmp(std::str::from_utf8(body.strip_prefix(XMP)?).ok()?),
        _ => None,
    })
}

fn of_xmp(text: &str) -> Option<Meaning> {
    let options = ParsingOptions { nodes_limit: 10_000, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text.trim_matches('\0'), options).ok()?;
    let node = document.descendants().find(|node| {
        node.attribute((ADOBE, "GainMapMax")).is_some() || child(*node, "GainMapMax").is_some()
    })?;
    if text_of(node, "BaseRenditionIsHDR").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let field =
        |name, otherwise: Option<f64>| numbers(node, name).or(otherwise.map(|one| [one; 3]));
    let min = field("GainMapMin", Some(0.0))?;
    let max = field("GainMapMax", None)?;
    let gamma = field("Gamma", Some(1.0))?;
    let base_offset = field("OffsetSDR", Some(1.0 / 64.0))?;
    let alternate_offset = field("OffsetHDR", Some(1.0 / 64.0))?;
    let [base_headroom, ..] = field("HDRCapacityMin", Some(0.0))?;
    let [alternate_headroom, ..] = field("HDRCapacityMax", None)?;
    let channels = [0, 1, 2].map(|c| Channel {
        min: min[c],
        max: max[c],
        gamma: gamma[c],
        base_offset: base_offset[c],
        alternate_offset: alternate_offset[c],
    });
    Meaning { base_headroom, alternate_headroom, base_colours: true, channels }.checked()
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name((ADOBE, name)))
}

/// A field as an attribute or an element.
fn text_of<'a>(node: Node<'a, 'a>, name: &str) -> Option<&'a str> {
    node.attribute((ADOBE, name)).or_else(|| child(node, name)?.text())
}

/// One number for all colours, or a list of three.
fn numbers(node: Node<'_, '_>, name: &str) -> Option<[f64; 3]> {
    let listed = child(node, name).map(|list| {
        let items = list.descendants().filter(|item| item.tag_name().name() == "li");
        items.filter_map(|item| item.text()?.trim().parse().ok()).collect::<Vec<f64>>()
    });
    match listed.as_deref() {
        Some(&[red, green, blue]) => Some([red, green, blue]),
        Some(&[one]) => Some([one; 3]),
        _ => text_of(node, name)?.trim().parse().ok().map(|one| [one; 3]),
    }
}
