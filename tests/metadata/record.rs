//! What is found, as the record and the object of raw metadata have it.

use domain::{
    Key, Objects, Status,
    record::{MetadataRecord, Record},
};

use super::{
    build::{exif_segment, iptc, photoshop_segment, xmp, xmp_segment},
    containers::{fixtures, of_exif},
    reading::exposed,
};
use crate::pipeline::{
    draw::{self, Tag},
    world::World,
};

/// A JPEG that can be decoded, with more segments in front.
fn with(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = draw::jpeg(40, 30, 1);
    bytes.splice(2..2, super::build::jpeg(segments)[2..].iter().copied().rev().skip(2).rev());
    bytes
}

async fn record(bytes: &[u8]) -> (Record, Option<Vec<u8>>) {
    let world = World::new();
    let id = world.upload(1, bytes).await;
    world.settle(&world.stages()).await;
    let image = world.image(id).await;
    assert_eq!(image.status, Status::Ready, "{:?}", image.problem);
    let mut keys = Vec::new();
    let record = Record::of(&image, &|key| key.path().starts_with("m/").then(|| key.path()));
    for outcome in image.work.ended.values() {
        if let domain::image::Outcome::Described(described) = outcome {
            keys.extend(described.raw.map(|hash| Key::Metadata { image: id, hash }));
        }
    }
    let raw = match keys.first() {
        Some(key) => Some(world.objects.read(key).await.unwrap().to_vec()),
        None => None,
    };
    (record, raw)
}

#[tokio::test]
async fn the_stage_records_what_was_found_and_keeps_the_rest() {
    let bytes = &fixtures()["exif.jpg"];
    let (record, raw) = record(bytes).await;
    let Some(MetadataRecord { fields, raw_url }) = record.metadata else { panic!("no metadata") };
    assert_eq!(fields, of_exif());
    assert_eq!(raw, exposed(bytes).0.raw);
    assert!(raw_url.is_some_and(|url| url.starts_with("m/")));
}

#[tokio::test]
async fn a_record_stays_under_four_kilobytes_whatever_a_file_says() {
    // What JSON writes as two bytes, what Unicode writes as three, and what is most of both.
    for sign in ["\"", "\\", "\n.", "€", "a", "😀"] {
        let text = sign.repeat(8_000 / sign.len());
        let bytes: &'static [u8] = Box::leak(text.clone().into_bytes().into_boxed_slice());
        let first = [0x010e, 0x010f, 0x0110, 0x013b, 0x8298].map(|tag| (tag, Tag::Text(bytes)));
        let exif = [(0xa434, Tag::Text(bytes)), (0x9003, Tag::Text(b"2019:03:01 12:34:56\0"))];
        let word = format!("<rdf:li><![CDATA[{}]]></rdf:li>", sign.repeat(200 / sign.len()));
        let packet = xmp(&format!(
            "<dc:title><![CDATA[{text}]]></dc:title><dc:subject><rdf:Bag>{}</rdf:Bag></dc:subject>\
             <exif:GPSLatitude>12,34.567891N</exif:GPSLatitude>\
             <exif:GPSLongitude>123,45.678912W</exif:GPSLongitude>\
             <exif:GPSAltitude>123456/10</exif:GPSAltitude>\
             <exif:ExposureTime>1/3</exif:ExposureTime><exif:FNumber>1/3</exif:FNumber>\
             <exif:FocalLength>1/3</exif:FocalLength>",
            word.repeat(40)
        ));
        let sets = iptc(&[(2, 120, bytes), (2, 25, bytes)]);
        let (record, raw) = record(&with(&[
            exif_segment(&draw::tiff(&first, &exif, &[])),
            xmp_segment(&packet),
            photoshop_segment(&[(0x0404, &sets)]),
        ]))
        .await;
        let fields = record.metadata.as_ref().unwrap().fields.clone();
        assert!(fields.title.is_some() && fields.keywords.len() == 10, "{sign}: {fields:?}");
        let size = serde_json::to_vec(&record).unwrap().len();
        assert!(size < 4_096, "{sign:?}: a record of {size} bytes");
        assert!((raw.unwrap().len() as u64) < metadata::MOST_RAW);
    }
}

#[test]
fn the_engine_names_the_crates_that_are_locked() {
    let lock = include_str!("../../Cargo.lock");
    let crates: Vec<_> = metadata::ENGINE.split_whitespace().skip(1).collect();
    for known in ["kamadak-exif", "quick-xml", "miniz_oxide", "brotli-decompressor"] {
        assert!(crates.iter().any(|named| named.starts_with(known)), "{known} is not named");
    }
    for named in crates {
        let (name, version) = named.rsplit_once('-').unwrap();
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"");
        assert!(lock.contains(&entry), "{named} is not what Cargo.lock has");
    }
}
