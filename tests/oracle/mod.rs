//! `darkroom process`, judged by tools that nobody here wrote: libvips says how large, which way up
//! and how the pixels should be.

pub(crate) mod python;
mod score;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::report;

/// What the least-good tool of DESIGN.md's table that works in linear light reaches.
pub(crate) const LEAST_MEAN: f64 = 70.0;

/// What libvips found of one variant.
#[derive(Deserialize)]
pub(crate) struct Judged {
    file: String,
    name: String,
    format: String,
    loader: String,
    pub(crate) size: [u32; 2],
    /// Inside the box, not rounded.
    wanted: [f64; 2],
    source: [u32; 2],
    orientation: u32,
    /// Mean squared differences from the reference, in levels of 8 bits.
    error_as_it_is: f64,
    least_error_turned: f64,
    /// Of the reference from itself, turned: little where the picture is nearly symmetric.
    least_between_turns: f64,
    ours: PathBuf,
    reference: PathBuf,
}

#[test]
fn drawn_scenes_come_out_as_libvips_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let drawn = folder.path().join("drawn");
    python::run("oracle/draw.py", &[&drawn], &Value::Null);
    let judged = process_and_judge(&files_in(&drawn, &["jpg", "png"]), folder.path());
    // All eight orientations, and what has none.
    assert_eq!(judged.iter().filter(|one| one.file.contains("turned-")).count(), 8 * 6);
    hold(&judged, LEAST_MEAN);
}

#[test]
fn photographs_come_out_as_libvips_says() {
    let Some(corpus) = report::corpus("photographs as libvips makes them") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let photographs = files_in(&corpus.join("camera"), &["jpg"]);
    assert!(photographs.len() > 20, "{} photographs in DARKROOM_CORPUS", photographs.len());
    hold(&process_and_judge(&photographs, folder.path()), LEAST_MEAN);
}

fn files_in(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)))
        .collect();
    files.sort();
    files
}

/// What libvips finds of the variants `made/{stem of the file}/{variant}.{format}`.
pub(crate) fn judge(files: &[PathBuf], made: &Path, folder: &Path) -> Vec<Judged> {
    let references = folder.join("references");
    std::fs::create_dir(&references).unwrap_or_else(|e| panic!("{}: {e}", references.display()));
    let presets = imaging::Presets::built_in();
    let boxes: BTreeMap<&String, _> =
        presets.variants.iter().map(|(name, p)| (name, (p.width, p.height))).collect();
    let task = json!({ "boxes": boxes, "files": files, "made": made, "references": references });
    serde_json::from_value(python::run("oracle/judge.py", &[], &task))
        .unwrap_or_else(|e| panic!("judge.py: {e}"))
}

/// Runs the binary as a user would, checks what it prints against what is there, and asks libvips.
fn process_and_judge(files: &[PathBuf], folder: &Path) -> Vec<Judged> {
    let made = folder.join("made");
    let records = process(files, &made);
    let judged = judge(files, &made, folder);
    assert_eq!(records.len(), files.len(), "one line a file");
    for (file, record) in files.iter().zip(&records) {
        assert_eq!(record["file"], json!(file), "one line a file, named as given");
        assert_eq!(record["status"], "ready", "{record}");
        let told: BTreeMap<String, Value> = record["variants"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|v| (format!("{}.{}", text(&v["name"]), text(&v["format"])), v.clone()))
            .collect();
        let found: Vec<&Judged> = judged.iter().filter(|j| Path::new(&j.file) == file).collect();
        assert_eq!(told.len(), found.len(), "{}: told and made", file.display());
        for one in found {
            let variant = &told[&format!("{}.{}", one.name, one.format)];
            assert_eq!(json!(one.size), json!([variant["width"], variant["height"]]), "{variant}");
            assert_eq!(
                json!(one.source),
                json!([record["source"]["width"], record["source"]["height"]]),
                "{}: the upright size of the source",
                one.file
            );
        }
    }
    judged
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn process(files: &[PathBuf], made: &Path) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_darkroom"))
        .arg("process")
        .args(files)
        .arg("--out")
        .arg(made)
        .arg("--json")
        .env_remove("DARKROOM_PRESETS")
        .output()
        .unwrap_or_else(|e| panic!("darkroom process: {e}"));
    let (said, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{said}\n{complaints}", output.status);
    let mut records: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    // They are printed as each is done.
    records.sort_by_key(|record| text(&record["file"]));
    records
}

/// What every variant must be, and the score of all.
pub(crate) fn hold(judged: &[Judged], least_mean: f64) {
    let mut tell_turns = 0;
    for one in judged {
        let what = format!("{} {}.{}", one.file, one.name, one.format);
        // Both round to whole pixels, and may do so differently.
        for side in 0..2 {
            let off = (f64::from(one.size[side]) - one.wanted[side]).abs();
            assert!(off <= 1.0, "{what} is {:?}, libvips fits {:?}", one.size, one.wanted);
            assert!(one.size[side] <= one.source[side], "{what} was enlarged: {:?}", one.size);
        }
        assert!(one.loader.starts_with(&one.format), "{what} is read by {}", one.loader);
        assert_eq!(one.orientation, 1, "{what} asks to be turned, but is upright");
        let tells = one.least_between_turns > 4.0;
        tell_turns += usize::from(tells);
        assert!(
            !tells || one.error_as_it_is * 4.0 < one.least_error_turned,
            "{what} is turned: error {:.1} as it is, {:.1} turned",
            one.error_as_it_is,
            one.least_error_turned
        );
    }
    // One photograph of the corpus is black all over: it looks the same whichever way it lies.
    assert!(tell_turns * 10 >= judged.len() * 9, "{tell_turns} of {} tell turns", judged.len());
    score::hold_mean(judged, least_mean);
}

/// The judgement above tells turns and sizes apart: what is wrong is found out.
#[test]
fn a_wrong_variant_is_found_out() {
    let good = || Judged {
        file: "a.jpg".to_owned(),
        name: "small".to_owned(),
        format: "jpeg".to_owned(),
        loader: "jpegload".to_owned(),
        size: [200, 150],
        wanted: [200.0, 149.6],
        source: [4000, 2992],
        orientation: 1,
        error_as_it_is: 3.0,
        least_error_turned: 900.0,
        least_between_turns: 890.0,
        ours: PathBuf::new(),
        reference: PathBuf::new(),
    };
    for (what, wrong) in [
        ("enlarged", Judged { source: [180, 135], ..good() }),
        ("size", Judged { size: [200, 148], ..good() }),
        ("turned", Judged { error_as_it_is: 900.0, least_error_turned: 3.0, ..good() }),
        ("turned twice", Judged { orientation: 6, ..good() }),
        ("format", Judged { loader: "pngload".to_owned(), ..good() }),
    ] {
        let found = std::panic::catch_unwind(|| hold(&[wrong], LEAST_MEAN));
        assert!(found.is_err(), "{what}");
    }
}
