//! Animations stay what they are where presets ask, as libvips sees them.

use std::{collections::BTreeMap, fs, path::Path};

use imaging::{Made, Presets};
use serde::Deserialize;
use serde_json::json;

use super::draw::{header, run};
use crate::oracle::python;

const SCRIPT: &str = "imaging/animations.py";
const SOURCES: [&str; 3] = ["flags.gif", "flags.png", "flags.webp"];
const DURATIONS: [u32; 6] = [70, 120, 200, 40, 90, 150];

/// What libvips says of a file.
#[derive(Debug, Deserialize)]
struct Seen {
    pictures: usize,
    size: (u32, u32),
    durations: Vec<u32>,
    plays: Option<u32>,
    /// From what was drawn, where the sizes are the same.
    mean: Option<f64>,
    most: Option<f64>,
}

/// What becomes of every source by these presets, the sources themselves among them.
fn shown(folder: &str, presets: &str) -> BTreeMap<String, Seen> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    python::run(SCRIPT, &[&folder], &json!({"made": []}));
    let presets = Presets::parse(presets).unwrap();
    // libvips does not read APNG; the two others are as drawn.
    let mut files = vec!["flags.gif".to_owned(), "flags.webp".to_owned()];
    for source in SOURCES {
        let file = fs::read(folder.join(source)).unwrap();
        for (piece, made) in run(&presets.plan(&header(&file)), &file) {
            if let Made::Variant { bytes, .. } = made {
                let name = format!("{source}.{}", piece.name);
                fs::write(folder.join(&name), bytes).unwrap();
                files.push(name);
            }
        }
    }
    let seen = python::run(SCRIPT, &[&folder], &json!({ "made": files }));
    serde_json::from_value(seen).unwrap()
}

#[test]
fn every_picture_of_an_animation_is_shown_as_long_and_as_often() {
    let seen = shown(
        "animations",
        "[variants.all]\nwidth = 64\nanimation = \"keep\"\nformats = [\"gif\", \"webp\"]\n\
         [variants.exact]\nwidth = 64\nanimation = \"keep\"\nlossless = true\nformats = [\"webp\"]",
    );
    assert_eq!(seen.len(), 2 + 9);
    for (name, seen) in seen {
        assert_eq!(seen.pictures, 6, "{name}");
        assert_eq!(seen.durations, DURATIONS, "{name}");
        assert_eq!(seen.plays, Some(3), "{name}");
        // GIF has room for the few colours; lossy WebP halves them each way.
        let (mean, most) = if name.ends_with("all.webp") { (3.0, 120.0) } else { (0.0, 0.0) };
        assert!(seen.mean.unwrap() <= mean && seen.most.unwrap() <= most, "{name}: {seen:?}");
    }
}

#[test]
fn an_animation_is_reduced_picture_by_picture() {
    let seen = shown(
        "animations-small",
        "[variants.small]\nwidth = 20\nanimation = \"keep\"\nformats = [\"gif\", \"webp\"]\n\
         [variants.still]\nwidth = 20\nformats = [\"gif\", \"webp\", \"png\", \"jpeg\"]",
    );
    assert_eq!(seen.len(), 2 + 18);
    for (name, seen) in seen.into_iter().filter(|(name, _)| !SOURCES.contains(&&**name)) {
        let moves = name.contains(".small.");
        assert_eq!(seen.size, (20, 15), "{name}");
        assert_eq!(seen.pictures, if moves { 6 } else { 1 }, "{name}");
        assert!(!moves || seen.durations == DURATIONS && seen.plays == Some(3), "{name}: {seen:?}");
    }
}
