//! Animations stay what they are where presets ask, as libvips sees them.

use std::{collections::BTreeMap, fs, path::Path};

use imaging::{Assets, Budget, Limits, Made, Presets, open};
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

/// What becomes of every source by these presets, and the GIF and WebP themselves.
fn shown(folder: &str, sources: &[&str], presets: &str) -> BTreeMap<String, Seen> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    python::run(SCRIPT, &[&folder], &json!({"made": []}));
    let presets = Presets::parse(presets).unwrap();
    // libvips does not read APNG; the two others are as drawn.
    let mut files = vec!["flags.gif".to_owned(), "flags.webp".to_owned()];
    for source in sources {
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
        &SOURCES,
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
        &SOURCES,
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

/// Browsers show what is to last less than 20 ms for 100.
#[test]
fn a_picture_without_a_duration_is_shown_as_long_as_browsers_show_it() {
    let keep = "[variants.a]\nwidth = 64\nanimation = \"keep\"\nformats = [\"gif\", \"webp\"]";
    let seen = shown("animations-hasty", &["hasty.gif"], keep);
    assert_eq!(seen["hasty.gif.a.gif"].durations, [100, 100, 20, 30, 100, 50]);
    assert_eq!(seen["hasty.gif.a.webp"].durations, [0, 10, 20, 30, 0, 50]);
}

#[test]
fn what_stands_behind_an_animation_does_not_take_it_along() {
    let whole = include_bytes!("fixtures/animated.webp");
    let keep = "[variants.a]\nwidth = 9\nanimation = \"keep\"\nformats = [\"webp\"]";
    let made = |file: &[u8]| {
        let made = run(&Presets::parse(keep).unwrap().plan(&header(file)), file);
        made.into_iter().map(|(_, made)| made).collect::<Vec<_>>()
    };
    let wanted = made(whole);
    assert_eq!(made(&[&whole[..], b"JUNK\xff\xff\xff\x7fand so on"].concat()), wanted);
    // A chunk of metadata that is cut.
    let mut cut = [&whole[..], b"XMP \xff\xff\0\0<x:xmpmeta"].concat();
    let length = u32::try_from(cut.len() - 8).unwrap();
    cut[4..8].copy_from_slice(&length.to_le_bytes());
    assert_eq!(made(&cut), wanted);
}

/// A pass over an animation makes all moving pieces; what it has made is not thrown away because the
/// time is up.
#[test]
fn a_film_that_was_made_is_handed_over() {
    let file = include_bytes!("fixtures/animated.gif");
    let presets = "[variants.a]\nwidth = 9\nanimation = \"keep\"\nformats = [\"gif\", \"webp\"]\n\
                   [variants.b]\nwidth = 7\nanimation = \"keep\"\nformats = [\"gif\", \"webp\"]";
    let mut plan = Presets::parse(presets).unwrap().plan(&header(file));
    let mut done = Vec::new();
    while !plan.pieces.is_empty() {
        let mut rows = open(file, &header(file), &Limits::default()).unwrap();
        let progress = plan
            .run(&mut *rows, Assets::NONE, &Spent, &mut |_, made| assert!(made.is_ok()))
            .unwrap();
        plan.pieces.drain(..progress.done);
        done.push(progress.done);
    }
    assert_eq!(done, [1, 4], "what was derived, then all that moves");
}

struct Spent;

impl Budget for Spent {
    fn spent(&self) -> bool {
        true
    }
}
