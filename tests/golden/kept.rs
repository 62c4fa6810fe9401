//! Colours that a preset keeps: the numbers of the source, and its profile beside them.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageReader, codecs::png::PngEncoder,
    metadata::Orientation,
};
use imaging::{Format, Piece, Presets, Progress};

use super::{between, named};
use crate::imaging::{draw, made::variants};

const KEEP: &str = "[variants.kept]\nwidth = 65535\ncolor = \"keep\"\nlossless = true\nquality = 95\n\
                    formats = [\"png\", \"webp\", \"jpeg\", \"gif\", \"avif\"]";

/// A file's pixels as they are stored, and its profile.
fn stored(file: &[u8]) -> (DynamicImage, Option<Vec<u8>>) {
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format().unwrap();
    let mut decoder = reader.into_decoder().unwrap();
    assert_eq!(decoder.orientation().unwrap(), Orientation::NoTransforms);
    let profile = decoder.icc_profile().unwrap();
    (DynamicImage::from_decoder(decoder).unwrap(), profile)
}

/// The files by their format, and what was said.
fn made(source: &[u8]) -> (Vec<(&'static str, Vec<u8>)>, Progress) {
    let (made, progress) = variants(KEEP, source, &draw::header(source));
    let named = |(piece, file): (Piece, _)| (piece.format().map_or("", Format::name), file);
    (made.into_iter().map(named).collect(), progress)
}

#[test]
fn kept_colours_are_the_numbers_of_the_source_with_its_profile() {
    let case = named("p3");
    let source = case.source();
    let (pixels, profile) = stored(&source);
    assert!(profile.is_some(), "make.py writes a profile");
    let (files, progress) = made(&source);
    assert_eq!((files.len(), progress.notes), (5, vec![]));
    for (format, file) in files {
        match format {
            "png" | "webp" => {
                let (ours, ours_profile) = stored(&file);
                assert_eq!(ours.to_rgb8(), pixels.to_rgb8(), "{format}");
                assert_eq!(ours_profile, profile, "{format}");
            }
            "jpeg" => {
                let (ours, ours_profile) = stored(&file);
                let found = between(&ours.to_rgba8(), &pixels.to_rgba8()).unwrap();
                assert!(found.mean < 1.5, "{found}");
                assert_eq!(ours_profile, profile, "{format}");
            }
            _ => {}
        }
    }
}

#[test]
fn what_takes_no_profile_is_converted() {
    let header = draw::header(&named("p3").source());
    for piece in Presets::parse(KEEP).unwrap().plan(&header).pieces {
        let plan = serde_json::to_string(&piece).unwrap();
        let kept = matches!(piece.format().map(Format::name), Some("png" | "webp" | "jpeg"));
        assert_eq!(plan.contains("\"space\":\"source\""), kept, "{plan}");
    }
}

#[test]
fn a_profile_that_was_ignored_is_not_passed_on() {
    let (pixels, _) = stored(&named("p3").source());
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new(&mut file);
    encoder.set_icc_profile(vec![0x5a; 200]).unwrap();
    pixels.write_with_encoder(encoder).unwrap();
    assert!(stored(&file).1.is_some());
    let (files, progress) = made(&file);
    assert_eq!(progress.notes.len(), 1, "{:?}", progress.notes);
    for (format, file) in files.iter().filter(|(format, _)| !matches!(*format, "avif" | "gif")) {
        assert_eq!(stored(file).1, None, "{format}");
    }
}
