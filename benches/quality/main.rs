//! What `quality` is in each format: the mean score of photographs, and the quality at which WebP and
//! AVIF look as good as JPEG. Prints the table of benches/README.md.
//!
//! `DARKROOM_CORPUS=… cargo bench --bench quality`. What is measured does not depend on the profile,
//! so `--profile dev`, which has most of it built already, will do.
//!
//! The qualities that are tried go through the encoders' tables of equal looks. Where these tables are
//! right, the last two columns say what the first one says; where not, what a table maps their number
//! to is its better entry.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot go on has failed, and means of a few numbers"
)]

#[path = "../../tests/imaging/looks.rs"]
mod looks;
#[path = "../../tests/imaging/made.rs"]
mod made;

use std::{
    env, fs,
    num::NonZero,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use imaging::Format;

use crate::looks::Subject;

/// On libjpeg's scale.
const WANTED: [u8; 8] = [20, 30, 40, 50, 60, 70, 80, 90];

/// Boxes, in turns.
const SIDES: [u32; 3] = [400, 600, 800];

/// The mean of all subjects, and their bytes.
#[derive(Clone, Copy)]
struct Point {
    quality: u8,
    score: f64,
    bytes: usize,
}

fn main() {
    let corpus = env::var_os("DARKROOM_CORPUS").map(PathBuf::from);
    let Some(corpus) = corpus else {
        println!("DARKROOM_CORPUS names no folder of photographs: there is nothing to measure");
        return;
    };
    let subjects = subjects(&corpus.join("bench"));
    let tried: Vec<u8> = (10..=95).step_by(5).chain([98, 100]).collect();
    let jpeg = curve(&subjects, Format::Jpeg, &WANTED);
    let others = [Format::WebP, Format::Avif].map(|format| curve(&subjects, format, &tried));
    println!("{} photographs in boxes of {SIDES:?}\n", subjects.len());
    println!("| quality | JPEG | WebP | AVIF | as good in WebP | as good in AVIF |");
    println!("|{}", " ---: |".repeat(6));
    for point in jpeg {
        let shown = |point: Point| format!("{:.1} ({} KB)", point.score, point.bytes / 1000);
        let [webp, avif] = others.each_ref().map(|curve| shown(at(curve, point.quality)));
        let [as_webp, as_avif] = others.each_ref().map(|curve| equal(curve, point.score));
        println!(
            "| {} | {} | {webp} | {avif} | {as_webp} | {as_avif} |",
            point.quality,
            shown(point)
        );
    }
    for (name, curve) in ["WebP", "AVIF"].iter().zip(&others) {
        let points: Vec<String> =
            curve.iter().map(|point| format!("{}: {:.1}", point.quality, point.score)).collect();
        println!("\n{name}: {}", points.join(", "));
    }
}

fn subjects(folder: &Path) -> Vec<Subject> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files = files.iter().zip(SIDES.iter().cycle());
    files.map(|(file, side)| Subject::new(&fs::read(file).unwrap(), *side)).collect()
}

fn curve(subjects: &[Subject], format: Format, qualities: &[u8]) -> Vec<Point> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(quality) = qualities.get(next.fetch_add(1, Ordering::Relaxed)) {
            let looks: Vec<_> = subjects.iter().map(|one| one.look(format, *quality)).collect();
            let score = looks.iter().map(|(score, _)| score).sum::<f64>() / looks.len() as f64;
            let bytes = looks.iter().map(|(_, bytes)| bytes).sum();
            found.push(Point { quality: *quality, score, bytes });
        }
        found
    };
    eprintln!("{} of {} photographs", format.name(), subjects.len());
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut points: Vec<Point> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    points.sort_by_key(|point| point.quality);
    points
}

fn at(curve: &[Point], quality: u8) -> Point {
    *curve.iter().find(|point| point.quality == quality).unwrap()
}

/// The quality whose score is this, between the two that were tried around it.
fn equal(curve: &[Point], score: f64) -> String {
    let around = curve.windows(2).find(|two| two[0].score <= score && score <= two[1].score);
    around.map_or_else(
        || "none".to_owned(),
        |two| {
            let share = (score - two[0].score) / (two[1].score - two[0].score);
            let (low, high) = (f64::from(two[0].quality), f64::from(two[1].quality));
            format!("{:.1}", low + share * (high - low))
        },
    )
}
