//! Every container with each block that it can hold, as other programs write them: the fixtures are
//! made by `fixtures/make.py`, which says who writes what.

use std::{collections::BTreeMap, path::Path};

use domain::record::{Camera, Exposure, Gps, Metadata};

use super::reading::{exposed, raw};
use crate::report;

/// What `make.py` writes into every EXIF block.
pub(super) fn of_exif() -> Metadata {
    Metadata {
        taken_at: text("2019-03-01T12:34:56.120+02:00"),
        orientation: Some(6),
        creator: text("Ada"),
        title: None,
        keywords: Vec::new(),
        rating: None,
        ..of_xmp()
    }
}

/// Into every XMP packet.
pub(super) fn of_xmp() -> Metadata {
    Metadata {
        camera: Some(Camera { make: text("Maker"), model: text("Model 1") }),
        lens: text("Lens 4 mm"),
        exposure: Some(Exposure {
            time_s: Some(0.008),
            f_number: Some(1.9),
            iso: Some(200),
            focal_length_mm: Some(4.2),
        }),
        gps: Some(Gps { latitude: 60.146_706, longitude: -24.906_771, altitude_m: Some(-12.5) }),
        rating: Some(4),
        taken_at: text("2019-03-01T12:34:56.12+02:00"),
        ..of_iptc()
    }
}

/// Into every IPTC block.
fn of_iptc() -> Metadata {
    Metadata {
        taken_at: text("2019-03-01T12:34:56+02:00"),
        title: text("Hafen"),
        description: text("A harbour, früh"),
        keywords: vec!["sea".to_owned(), "dawn; early".to_owned()],
        creator: text("Ada; Bob"),
        copyright: text("Ada, 2019"),
        ..Metadata::default()
    }
}

/// Into PNG's own texts.
fn of_png() -> Metadata {
    Metadata {
        taken_at: text("2019-03-01T12:34:56"),
        creator: text("Ada"),
        keywords: Vec::new(),
        ..of_iptc()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every field of text is an option")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Every fixture, by its name.
pub(super) fn fixtures() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metadata/fixtures");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "py"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

#[test]
fn each_block_is_found_in_each_container_that_has_it() {
    let fixtures = fixtures();
    for (name, bytes) in &fixtures {
        let (expected, block) = match name.split(['.', '-']).next().unwrap() {
            "exif" => (of_exif(), "exif"),
            "xmp" => (of_xmp(), "xmp"),
            "iptc" => (of_iptc(), "iptc"),
            // A comment is of anything, so it is kept and is no description.
            "text" if name.ends_with("gif") => (Metadata::default(), "text"),
            "text" => (of_png(), "text"),
            other => panic!("{other} is no block"),
        };
        // libvips writes an orientation into every TIFF.
        let orientation = if matches!(&**name, "xmp.tif" | "iptc.tif") { Some(1) } else { None };
        let expected = Metadata { orientation: expected.orientation.or(orientation), ..expected };
        assert_eq!(exposed(bytes).0.fields, expected, "{name}");
        let raw = raw(bytes);
        let said = raw[block].as_object().unwrap_or_else(|| panic!("{name} has no {block}: {raw}"));
        assert!(!said.is_empty());
        assert_eq!(raw.get("faults"), None, "{name}");
    }
    report::say(
        "metadata",
        format_args!("{} fixtures, each a container with a block", fixtures.len()),
    );
    for (container, blocks) in
        [("jpg", 3), ("png", 4), ("webp", 3), ("tif", 6), ("avif", 2), ("jxl", 2), ("gif", 2)]
    {
        let found = fixtures.keys().filter(|name| name.ends_with(&format!(".{container}"))).count();
        assert_eq!(found, blocks, "fixtures of {container}");
    }
}

#[test]
fn the_raw_metadata_has_every_value_under_its_standards_name() {
    let fixtures = fixtures();
    let of = |name: &str| raw(&fixtures[name]);
    assert_eq!(of("exif.avif")["exif"]["gps"]["GPSAltitude"], "25/2");
    assert_eq!(of("exif-big.tif")["exif"]["exif"]["FNumber"], "19/10");
    let xmp = of("xmp.gif")["xmp"].clone();
    assert_eq!(xmp["dc:title[1]"], "Hafen");
    assert_eq!(xmp["dc:title[2]"], "Nicht dieser");
    assert_eq!(xmp["dc:title[2]/?xml:lang"], "de");
    assert_eq!(xmp["exif:GPSLatitude"], "60,8.80236N");
    let iptc = of("iptc.png")["iptc"].clone();
    assert_eq!(iptc["Keywords"], serde_json::json!(["sea", "dawn; early"]));
    assert_eq!(iptc["CodedCharacterSet"]["hex"], "1b2547");
    assert_eq!(of("text.gif")["text"]["comment"], "Made by hand");
    assert_eq!(of("text.png")["text"]["Author"], "Ada");
}
