//! How a picture is turned, as the metadata stage reads it too: record and pixels have to agree.

use imaging::Orientation;

use super::draw;

/// A TIFF structure with the orientation 6 as this type.
fn tiff(kind: u8, value: [u8; 4]) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, kind, 0, 0, 0, 1];
    [b"MM\0*\0\0\0\x08\0\x01".as_slice(), &entry, &value, &[0; 4]].concat()
}

/// A PNG with this body of an `eXIf` chunk behind its first chunk, which ends at byte 33.
fn png(body: &[u8]) -> Vec<u8> {
    let png = draw::png(&draw::photograph(9, 7));
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&png[..33], &length, b"eXIf", body, &[0; 4], &png[33..]].concat()
}

#[test]
fn an_orientation_is_any_integer() {
    let six = Orientation::from_exif(6).unwrap();
    for (kind, value, wanted) in [
        (1, [6, 0, 0, 0], six),
        (3, [0, 6, 0, 0], six),
        (4, [0, 0, 0, 6], six),
        (2, [6, 0, 0, 0], Orientation::Upright),
        (4, [0, 1, 0, 6], Orientation::Upright),
    ] {
        let found = draw::header(&png(&tiff(kind, value))).orientation;
        assert_eq!(found, wanted, "type {kind}: {value:?}");
    }
}

#[test]
fn a_png_may_name_the_segment_by_mistake() {
    let body = [b"Exif\0\0".as_slice(), &tiff(3, [0, 6, 0, 0])].concat();
    assert_eq!(draw::header(&png(&body)).orientation, Orientation::from_exif(6).unwrap());
}
