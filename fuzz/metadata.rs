//! The blocks that say something of a picture, bare and in their containers.

use super::{Verdict, fixtures, fuzz};
use crate::metadata::{
    build::{
        exif_segment, iptc as iptc_block, jpeg, photoshop_segment, xmp as packet, xmp_segment,
    },
    hostile::hold,
    reading::exposed,
};

/// The longest body of a segment of a JPEG, with room for its signature.
const SEGMENT: usize = 65_000;

fn judged(file: &[u8]) -> Verdict {
    let (exposition, cost) = exposed(file);
    hold(&exposition, cost);
    Verdict::from(exposition.raw.is_some())
}

#[test]
fn exif() {
    fuzz("exif", &fixtures(&["exif.tif", "turned-8.tif"]), |block| {
        judged(&jpeg(&[exif_segment(&block[..block.len().min(SEGMENT)])]))
    });
}

#[test]
fn xmp() {
    let mut seeds: Vec<Vec<u8>> = fixtures(&["xmp.jpg", "xmp.tif"])
        .iter()
        .map(|file| {
            let text = String::from_utf8_lossy(file);
            let begin = text.find("<x:xmpmeta").unwrap();
            let end = text.rfind("</x:xmpmeta>").unwrap() + "</x:xmpmeta>".len();
            text[begin..end].as_bytes().to_vec()
        })
        .collect();
    seeds.push(
        packet("<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>a</rdf:li></rdf:Alt></dc:title>")
            .into(),
    );
    fuzz("xmp", &seeds, |block| {
        let text = String::from_utf8_lossy(&block[..block.len().min(SEGMENT / 3)]);
        judged(&jpeg(&[xmp_segment(&text)]))
    });
}

#[test]
fn iptc() {
    let block = iptc_block(&[
        (1, 90, b"\x1b%G"),
        (2, 5, "früh".as_bytes()),
        (2, 25, b"sea"),
        (2, 55, b"20190301"),
        (2, 60, b"123456+0200"),
        (2, 80, b"Ada"),
        (2, 116, b"Ada, 2019"),
    ]);
    fuzz("iptc", &[block], |block| {
        let block = &block[..block.len().min(SEGMENT)];
        judged(&jpeg(&[photoshop_segment(&[(0x0404, block), (0x0425, &[7; 16])])]))
    });
}

#[test]
fn containers() {
    let seeds =
        fixtures(&[".jpg", ".png", ".gif", ".webp", ".tif", ".avif", ".jxl", ".svg", ".heic"]);
    fuzz("containers", &seeds, judged);
}
