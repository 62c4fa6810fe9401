//! SVG, also compressed: the title and description of the document, which are children of its root,
//! and the RDF in its metadata element (SVG 2, 5.8 and 5.9).

use bytes::Bytes;
use domain::StoreError;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use quick_xml::{Reader, events::Event};

use super::{Blocks, File, LONGEST_BLOCK};
use crate::xml;

/// Bytes that are enough to tell an SVG by: an XML declaration, a comment and a document type may
/// stand in front.
pub(super) const HEAD: u64 = 4 << 10;

/// Whether these first bytes are an XML document whose root is `svg`.
pub(super) fn is_svg(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    head.starts_with(b"<") && head.windows(4).any(|window| window == b"<svg" || window == b":svg")
}

pub(super) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let mut blocks = Blocks::default();
    let stored = file.up_to(0, LONGEST_BLOCK).await?;
    let bytes = if stored.starts_with(&[0x1f, 0x8b]) { unzipped(&stored) } else { stored };
    let document = xml::text(&bytes);
    let mut reader = Reader::from_str(&document);
    reader.config_mut().check_end_names = false;
    let mut depth = 0_usize;
    let mut inside: Option<(&str, String)> = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                let name = element.local_name();
                if depth == 2 {
                    let known = ["title", "desc"].into_iter().find(|known| *known == name.as_ref());
                    inside = known.map(|keyword| (keyword, String::new()));
                }
                if name.as_ref() == "RDF" {
                    // With the whole around it, where its prefixes are bound.
                    blocks.take_xmp(bytes.clone());
                }
            }
            Ok(Event::End(_)) => {
                if depth == 2
                    && let Some((keyword, text)) = inside.take()
                {
                    blocks.take_text(keyword, text.trim());
                }
                depth = depth.saturating_sub(1);
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(event) => {
                if let Some((_, text)) = &mut inside {
                    xml::push(text, &event);
                }
            }
        }
    }
    Ok(blocks)
}

/// The first megabyte of a gzip member (RFC 1952) without optional fields but a name; nothing where
/// it is broken.
fn unzipped(member: &[u8]) -> Bytes {
    const NAMED: u8 = 8;
    let deflated = match member.get(3) {
        Some(0) => member.get(10..),
        Some(&NAMED) => member.get(10..).and_then(|rest| {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest.get(end + 1..)
        }),
        _ => None,
    };
    let limit = usize::try_from(LONGEST_BLOCK).unwrap_or(usize::MAX);
    match decompress_to_vec_with_limit(deflated.unwrap_or_default(), limit) {
        Ok(bytes) => bytes.into(),
        Err(error) => error.output.into(),
    }
}
