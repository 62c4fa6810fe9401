//! What EXIF says, as cameras write it and as they should not.

use domain::record::{Camera, Exposure, Gps, Metadata};
use metadata::Exposition;

use super::reading::exposed;
use crate::pipeline::draw::{self, Tag};

// Of the first directory.
const DESCRIPTION: u16 = 0x010e;
const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;
const ORIENTATION: u16 = 0x0112;
const ARTIST: u16 = 0x013b;
const RATING: u16 = 0x4746;
const COPYRIGHT: u16 = 0x8298;
const XP_TITLE: u16 = 0x9c9b;
const XP_KEYWORDS: u16 = 0x9c9e;
// Of EXIF's own.
const EXPOSURE_TIME: u16 = 0x829a;
const F_NUMBER: u16 = 0x829d;
const ISO: u16 = 0x8827;
const TAKEN: u16 = 0x9003;
const OFFSET: u16 = 0x9011;
const FOCAL_LENGTH: u16 = 0x920a;
const FRACTION: u16 = 0x9291;
const LENS: u16 = 0xa434;
// Of GPS.
const NORTH: u16 = 1;
const LATITUDE: u16 = 2;
const EAST: u16 = 3;
const LONGITUDE: u16 = 4;
const BELOW: u16 = 5;
const ALTITUDE: u16 = 6;
const TIME: u16 = 7;

/// A bare EXIF block is a TIFF file of no pixels.
fn explain(block: &[u8]) -> Exposition {
    exposed(block).0
}

fn fields(first: &[(u16, Tag)], exif: &[(u16, Tag)], gps: &[(u16, Tag)]) -> Metadata {
    explain(&draw::tiff(first, exif, gps)).fields
}

fn wide(text: &str) -> Tag {
    Tag::Byte(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect())
}

#[test]
fn every_field_is_found_where_cameras_write_it() {
    let found = fields(
        &[
            (DESCRIPTION, Tag::Text(b"A harbour  \0")),
            (MAKE, Tag::Text(b"Maker\0\0\0")),
            (MODEL, Tag::Text(b" Model 1 \0")),
            (ORIENTATION, Tag::Short(vec![8])),
            (ARTIST, Tag::Text(b"Ada\0")),
            (RATING, Tag::Short(vec![4])),
            (COPYRIGHT, Tag::Text(b"Ada\0An editor\0")),
            (XP_TITLE, wide("Hafen, früh")),
            (XP_KEYWORDS, wide("sea; dawn;;ships")),
        ],
        &[
            (EXPOSURE_TIME, Tag::Fraction(vec![(1, 125)])),
            (F_NUMBER, Tag::Fraction(vec![(19, 10)])),
            (ISO, Tag::Short(vec![100, 0])),
            (TAKEN, Tag::Text(b"2019:03:01 12:34:56\0")),
            (OFFSET, Tag::Text(b"+02:00\0")),
            (FRACTION, Tag::Text(b"120 \0")),
            (FOCAL_LENGTH, Tag::Fraction(vec![(42, 10)])),
            (LENS, Tag::Text(b"Lens 4 mm\0")),
        ],
        &[
            (NORTH, Tag::Text(b"N\0")),
            (LATITUDE, Tag::Fraction(vec![(60, 1), (8, 1), (4814, 100)])),
            (EAST, Tag::Text(b"W\0")),
            (LONGITUDE, Tag::Fraction(vec![(24, 1), (5_440_626, 100_000), (0, 1)])),
            (BELOW, Tag::Byte(vec![1])),
            (ALTITUDE, Tag::Fraction(vec![(125, 10)])),
        ],
    );
    assert_eq!(
        found,
        Metadata {
            taken_at: Some("2019-03-01T12:34:56.120+02:00".to_owned()),
            camera: Some(Camera {
                make: Some("Maker".to_owned()),
                model: Some("Model 1".to_owned()),
            }),
            lens: Some("Lens 4 mm".to_owned()),
            exposure: Some(Exposure {
                time_s: Some(0.008),
                f_number: Some(1.9),
                iso: Some(100),
                focal_length_mm: Some(4.2),
            }),
            orientation: Some(8),
            gps: Some(Gps {
                latitude: 60.146_706,
                longitude: -24.906_771,
                altitude_m: Some(-12.5),
            }),
            title: Some("Hafen, früh".to_owned()),
            description: Some("A harbour".to_owned()),
            keywords: vec!["sea".to_owned(), "dawn".to_owned(), "ships".to_owned()],
            creator: Some("Ada".to_owned()),
            copyright: Some("Ada; An editor".to_owned()),
            rating: Some(4),
        }
    );
}

#[test]
fn moments_that_never_were_are_not_known() {
    let taken = |text| fields(&[], &[(TAKEN, Tag::Text(text))], &[]).taken_at;
    assert_eq!(taken(b"2020:02:29 23:59:59\0").as_deref(), Some("2020-02-29T23:59:59"));
    for never in [
        &b"0000:00:00 00:00:00\0"[..],
        b"    :  :     :  :  \0",
        b"2021:02:29 12:00:00\0",
        b"2020:13:01 12:00:00\0",
        b"2020:01:01 24:00:00\0",
        b"2020:01:01\0",
        b"+020:01:01 10:00:00\0",
        b"\0",
    ] {
        assert_eq!(taken(never), None, "{}", String::from_utf8_lossy(never));
    }
    // An offset without a moment, and one that no place has.
    assert_eq!(fields(&[], &[(OFFSET, Tag::Text(b"+02:00\0"))], &[]).taken_at, None);
    for offset in [&b"+15:00\0"[..], b"+02:60\0", b"   :  \0", b"02:00\0", b"+2:00\0"] {
        let moment = (TAKEN, Tag::Text(b"2020:01:01 10:00:00\0"));
        let found = fields(&[], &[moment, (OFFSET, Tag::Text(offset))], &[]).taken_at;
        assert_eq!(found.as_deref(), Some("2020-01-01T10:00:00"));
    }
}

fn position(latitude: Vec<(u32, u32)>, more: &[(u16, Tag)]) -> Option<Gps> {
    let mut tags = vec![
        (NORTH, Tag::Text(b"N\0")),
        (LATITUDE, Tag::Fraction(latitude.clone())),
        (EAST, Tag::Text(b"E\0")),
        (LONGITUDE, Tag::Fraction(latitude)),
    ];
    tags.extend_from_slice(more);
    fields(&[], &[], &tags).gps
}

#[test]
fn a_position_of_zeros_or_nothing_is_none() {
    assert!(position(vec![(1, 1), (2, 1), (3, 1)], &[]).is_some());
    for blank in [
        vec![(0, 0), (0, 0), (0, 0)],
        vec![(60, 1), (8, 1), (0, 0)],
        vec![(60, 0), (8, 1), (1, 1)],
        vec![(0, 1), (0, 1), (0, 1)],
        vec![(91, 1), (0, 1), (0, 1)],
    ] {
        assert_eq!(position(blank.clone(), &[]), None, "{blank:?}");
    }
    // Somebody was in the Gulf of Guinea, at a time.
    let time = (TIME, Tag::Fraction(vec![(10, 1), (0, 1), (0, 1)]));
    let there = position(vec![(0, 1), (0, 1), (0, 1)], &[time]).unwrap();
    assert_eq!((there.latitude, there.longitude), (0.0, 0.0));
    // An altitude that is no number is none, and takes nothing else along.
    let altitude = (ALTITUDE, Tag::Fraction(vec![(0, 0)]));
    assert_eq!(position(vec![(1, 1)], &[altitude]).unwrap().altitude_m, None);
    // Without its half of the globe a number is no position.
    let bare = [(LATITUDE, Tag::Fraction(vec![(1, 1)])), (LONGITUDE, Tag::Fraction(vec![(1, 1)]))];
    assert_eq!(fields(&[], &[], &bare).gps, None);
}

#[test]
fn numbers_that_are_none_are_left_out() {
    let zeros = [
        (EXPOSURE_TIME, Tag::Fraction(vec![(1, 0)])),
        (F_NUMBER, Tag::Fraction(vec![(0, 1)])),
        (ISO, Tag::Short(vec![0])),
        (FOCAL_LENGTH, Tag::Fraction(vec![(0, 0)])),
    ];
    assert_eq!(fields(&[], &zeros, &[]).exposure, None);
    assert_eq!(fields(&[(ORIENTATION, Tag::Short(vec![9]))], &[], &[]).orientation, None);
    assert_eq!(fields(&[(RATING, Tag::Short(vec![99]))], &[], &[]).rating, None);
}

#[test]
fn text_of_any_charset_is_shown_and_padding_is_not() {
    let of = |text| fields(&[(DESCRIPTION, Tag::Text(text))], &[], &[]).description;
    assert_eq!(of("Überfahrt\0".as_bytes()).as_deref(), Some("Überfahrt"));
    assert_eq!(of(b"\xdcberfahrt\0").as_deref(), Some("\u{fffd}berfahrt"), "Latin-1 is a guess");
    assert_eq!(of(b"  \0\0  \0"), None);
    assert_eq!(of(b"one\x07 line\0").as_deref(), Some("one line"));
}

#[test]
fn endless_texts_are_cut_in_the_record_and_whole_in_the_raw_metadata() {
    let endless: &'static [u8] = Box::leak("ß".repeat(20_000).into_bytes().into_boxed_slice());
    let list: &'static [u8] = endless;
    let tags = [DESCRIPTION, MAKE, MODEL, ARTIST, COPYRIGHT].map(|tag| (tag, Tag::Text(list)));
    let words = wide(&"word;".repeat(500));
    let exif = [(LENS, Tag::Text(list))];
    let all: Vec<_> = tags.into_iter().chain([(XP_KEYWORDS, words)]).collect();
    let Exposition { fields, raw } = explain(&draw::tiff(&all, &exif, &[]));
    let record = serde_json::to_vec(&fields).unwrap();
    assert!(record.len() < 3_000, "{} bytes of fields", record.len());
    assert!(fields.description.unwrap().ends_with('…'));
    let raw: serde_json::Value = serde_json::from_slice(&raw.unwrap()).unwrap();
    let texts = raw["exif"]["ifd0"].as_object().unwrap();
    assert!(texts.values().any(|text| text.as_str().is_some_and(|t| t.len() == 40_000)));
}

/// The raw metadata is bounded, whatever a block holds.
#[test]
fn raw_metadata_is_bounded() {
    let tags: Vec<_> = (0..4_000).map(|n| (0xa500 + n, Tag::Short(vec![7; 40]))).collect();
    let raw = explain(&draw::tiff(&[], &tags, &[])).raw.unwrap();
    assert!(raw.len() < 400 << 10, "{} bytes", raw.len());
    let raw: serde_json::Value = serde_json::from_slice(&raw).unwrap();
    assert!(raw["left_out"].as_u64().unwrap() >= 3_000);
}

/// Every prefix and every flipped byte of a good block: some answer, never a panic.
#[test]
fn broken_blocks_are_read_as_far_as_they_go() {
    let good = draw::tiff(
        &[(MAKE, Tag::Text(b"Maker of cameras\0")), (ORIENTATION, Tag::Short(vec![3]))],
        &[(EXPOSURE_TIME, Tag::Fraction(vec![(1, 125)]))],
        &[(NORTH, Tag::Text(b"N\0")), (LATITUDE, Tag::Fraction(vec![(60, 1)]))],
    );
    assert_eq!(explain(&good).fields.orientation, Some(3));
    let mut partly = 0;
    for end in 0..good.len() {
        let found = explain(&good[..end]).fields;
        partly += usize::from(found.orientation == Some(3) && found.exposure.is_none());
    }
    assert!(partly > 0, "a block that breaks off keeps what came before");
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut flipped = good.clone();
            flipped[at] ^= 1 << bit;
            explain(&flipped);
        }
    }
}
