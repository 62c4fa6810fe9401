//! Containers around blocks, put together by hand.

/// A JPEG of these segments and no picture.
pub fn jpeg(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    for (marker, body) in segments {
        bytes.extend([0xff, *marker]);
        bytes.extend(u16::try_from(body.len() + 2).unwrap().to_be_bytes());
        bytes.extend(body);
    }
    bytes.extend([0xff, 0xd9]);
    bytes
}

pub const APP1: u8 = 0xe1;
pub const APP13: u8 = 0xed;

pub fn exif_segment(tiff: &[u8]) -> (u8, Vec<u8>) {
    (APP1, [b"Exif\0\0", tiff].concat())
}

pub fn xmp_segment(packet: &str) -> (u8, Vec<u8>) {
    (APP1, [b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat())
}

/// Image resources in Photoshop's segment.
pub fn photoshop_segment(resources: &[(u16, &[u8])]) -> (u8, Vec<u8>) {
    (APP13, [b"Photoshop 3.0\0", &resources_of(resources)[..]].concat())
}

pub fn resources_of(resources: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (id, data) in resources {
        bytes.extend(b"8BIM");
        bytes.extend(id.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(*data);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
    }
    bytes
}

/// IPTC data sets.
pub fn iptc(sets: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (record, number, data) in sets {
        bytes.extend([0x1c, *record, *number]);
        bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(*data);
    }
    bytes
}

/// An XMP packet around properties, with the usual prefixes bound.
pub fn xmp(properties: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' \
         xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
         xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' \
         xmlns:xmpNote='http://ns.adobe.com/xmp/note/' \
         xmlns:tiff='http://ns.adobe.com/tiff/1.0/'>{properties}</rdf:Description>\
         </rdf:RDF></x:xmpmeta>"
    )
}

/// A PNG of these chunks and no picture. Checksums are nobody's business here.
pub fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(*kind);
        bytes.extend(data);
        bytes.extend([0; 4]);
    }
    bytes
}

/// A box of the ISO base media file format.
pub fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&length, &kind[..], body].concat()
}

/// Boxes behind each other.
pub fn boxes(all: &[Vec<u8>]) -> Vec<u8> {
    all.concat()
}
