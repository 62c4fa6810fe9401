//! Which block counts where they disagree (Metadata Working Group, guidelines 2.0).

use domain::record::Metadata;

use super::{
    build::{exif_segment, iptc, jpeg, photoshop_segment, xmp, xmp_segment},
    reading::exposed,
};
use crate::pipeline::draw::{self, Tag};

const IPTC: u16 = 0x0404;
const DIGEST: u16 = 0x0425;

fn exif() -> (u8, Vec<u8>) {
    exif_segment(&draw::tiff(
        &[
            (0x010e, Tag::Text(b"described by EXIF\0")),
            (0x010f, Tag::Text(b"EXIF's maker\0")),
            (0x0112, Tag::Short(vec![3])),
            (0x4746, Tag::Short(vec![2])),
        ],
        &[(0x9003, Tag::Text(b"2001:01:01 01:01:01\0"))],
        &[],
    ))
}

fn packet() -> (u8, Vec<u8>) {
    xmp_segment(&xmp(
        "<dc:description><rdf:Alt><rdf:li>described by XMP</rdf:li></rdf:Alt></dc:description>\
         <dc:title><rdf:Alt><rdf:li>titled by XMP</rdf:li></rdf:Alt></dc:title>\
         <dc:subject><rdf:Bag><rdf:li>XMP's</rdf:li></rdf:Bag></dc:subject>\
         <tiff:Make>XMP's maker</tiff:Make><tiff:Model>XMP's model</tiff:Model>\
         <tiff:Orientation>8</tiff:Orientation><xmp:Rating>4</xmp:Rating>\
         <photoshop:DateCreated>2002-02-02T02:02:02Z</photoshop:DateCreated>",
    ))
}

fn data_sets() -> Vec<u8> {
    iptc(&[
        (2, 5, b"titled by IPTC"),
        (2, 25, b"IPTC's"),
        (2, 55, b"20030303"),
        (2, 60, b"030303+0300"),
        (2, 80, b"IPTC's author"),
        (2, 120, b"described by IPTC"),
    ])
}

/// `md5sum` of the data sets above.
const IN_STEP: [u8; 16] = [
    0x3a, 0xe8, 0xa6, 0x65, 0x7a, 0x0f, 0x05, 0x86, 0x9c, 0x99, 0xcc, 0x84, 0x9e, 0x4f, 0x23, 0x31,
];

fn fields(segments: &[(u8, Vec<u8>)]) -> Metadata {
    exposed(&jpeg(segments)).0.fields
}

#[test]
fn exif_comes_first_and_each_field_from_the_first_that_has_it() {
    let found = fields(&[exif(), packet(), photoshop_segment(&[(IPTC, &data_sets())])]);
    assert_eq!(found.description.as_deref(), Some("described by EXIF"));
    let camera = found.camera.unwrap();
    assert_eq!(camera.make.as_deref(), Some("EXIF's maker"));
    assert_eq!(camera.model.as_deref(), Some("XMP's model"));
    assert_eq!(found.taken_at.as_deref(), Some("2001-01-01T01:01:01"));
    assert_eq!(found.creator.as_deref(), Some("IPTC's author"));
    assert_eq!(found.title.as_deref(), Some("titled by XMP"));
    // The guidelines know EXIF's orientation only, and XMP's rating before any other.
    assert_eq!((found.orientation, found.rating), (Some(3), Some(4)));
    assert_eq!(fields(&[packet()]).orientation, None);
    assert_eq!(fields(&[exif()]).rating, Some(2));
}

#[test]
fn xmp_counts_before_iptc_unless_the_iptc_was_changed_since() {
    let sets = data_sets();
    let with = |digest: Option<&[u8]>| {
        let resources: Vec<(u16, &[u8])> =
            [(IPTC, &sets[..])].into_iter().chain(digest.map(|digest| (DIGEST, digest))).collect();
        let found = fields(&[packet(), photoshop_segment(&resources)]);
        let words = [found.title, found.description, found.taken_at].map(Option::unwrap);
        (words, found.keywords)
    };
    let of_xmp = (
        ["titled by XMP", "described by XMP", "2002-02-02T02:02:02Z"].map(str::to_owned),
        vec!["XMP's".to_owned()],
    );
    let of_iptc = (
        ["titled by IPTC", "described by IPTC", "2003-03-03T03:03:03+03:00"].map(str::to_owned),
        vec!["IPTC's".to_owned()],
    );
    assert_eq!(with(None), of_xmp);
    assert_eq!(with(Some(&IN_STEP)), of_xmp);
    assert_eq!(with(Some(&[7; 16])), of_iptc);
    // Nobody's digest, and one that is cut off.
    assert_eq!(with(Some(&[0; 16])), of_xmp);
    assert_eq!(with(Some(&[7; 3])), of_xmp);
}

/// The digest is exiftool's and Photoshop's: it has to fit before it can differ.
#[test]
fn the_digest_that_is_in_step_is_md5() {
    let mut one_off = IN_STEP;
    one_off[15] ^= 1;
    let sets = data_sets();
    let title = |digest: &[u8]| {
        let resources = photoshop_segment(&[(IPTC, &sets), (DIGEST, digest)]);
        fields(&[packet(), resources]).title.unwrap()
    };
    assert_eq!(title(&IN_STEP), "titled by XMP");
    assert_eq!(title(&one_off), "titled by IPTC");
}
