//! ICC profiles, through the pictures that carry them: as PNG and JPEG have them.

use imaging::{Header, Made, Presets, Whole};
use miniz_oxide::deflate::compress_to_vec_zlib;

use super::{Verdict, damage::crc32, files, fuzz};
use crate::imaging::made::outcomes;

const PLAIN: &[u8] = include_bytes!("../tests/imaging/fixtures/plain.png");
const INKS: &[u8] = include_bytes!("../tests/imaging/fixtures/cmyk.jpg");

/// The picture with a profile behind its header chunk, which ends at byte 33.
fn png(profile: &[u8]) -> Vec<u8> {
    let body = [b"iCCPof a fuzzer\0\0".as_slice(), &compress_to_vec_zlib(profile, 1)].concat();
    let length = u32::try_from(body.len() - 4).unwrap().to_be_bytes();
    [&PLAIN[..33], &length, &body, &crc32(&body).to_be_bytes(), &PLAIN[33..]].concat()
}

/// The picture with a profile in one segment.
fn jpeg(profile: &[u8]) -> Vec<u8> {
    let body =
        [b"ICC_PROFILE\0\x01\x01".as_slice(), &profile[..profile.len().min(65_000)]].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&INKS[..2], b"\xff\xe2", &length, &body, &INKS[2..]].concat()
}

/// Whether all is made and nobody complains of the profile.
fn made(file: &[u8]) -> bool {
    let presets = "[variants.a]\nwidth = 9\nformats = [\"png\"]\n\
                   [variants.b]\nwidth = 9\nformats = [\"png\"]\ncolor = \"keep\"\n";
    let header = Header::parse(file, Whole::Yes).expect("a picture, whatever its profile");
    let plan = Presets::parse(presets).unwrap().plan(&header);
    let (made, progress) = outcomes(&plan, file, &header);
    for (piece, result) in made {
        let made = result.unwrap_or_else(|fault| panic!("{}: {fault}", piece.name));
        if let Made::Variant { bytes, width, height } = made {
            assert_eq!((width, height), (9, 6));
            image::load_from_memory(&bytes).expect("a PNG");
        }
    }
    progress.notes.is_empty()
}

#[test]
fn icc() {
    let seeds: Vec<Vec<u8>> = files("fuzz/seeds")
        .into_iter()
        .filter(|(name, _)| !name.ends_with("make.py"))
        .map(|(_, seed)| seed)
        .collect();
    fuzz("icc", &seeds, |profile| Verdict::from(made(&png(profile)) | made(&jpeg(profile))));
}
