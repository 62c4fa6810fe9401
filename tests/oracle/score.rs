//! SSIMULACRA2 (Jon Sneyers, Cloudinary): how much a variant looks like its reference, 100 at most.

use std::{
    collections::BTreeMap,
    num::NonZero,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

use super::Judged;
use crate::report;

/// The metric is not defined for less.
const LEAST_SIDE: u32 = 8;

/// Scores every variant, prints the means by size and format, and holds the mean of all.
pub(crate) fn hold_mean(judged: &[Judged], least: f64) {
    let scored: Vec<&Judged> =
        judged.iter().filter(|one| one.size.iter().all(|side| *side >= LEAST_SIDE)).collect();
    let scores = on_all_cores(&scored);
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (one, score) in scored.iter().zip(&scores) {
        groups.entry(format!("{}.{}", one.name, one.format)).or_default().push(*score);
    }
    for (group, scores) in &groups {
        report::say(
            "oracle",
            format_args!("SSIMULACRA2 {group}: {:.1} over {}", mean(scores), scores.len()),
        );
    }
    let all = mean(&scores);
    report::say("oracle", format_args!("SSIMULACRA2 of all: {all:.1} over {}", scores.len()));
    assert!(all >= least, "mean SSIMULACRA2 {all:.1}, at least {least} is wanted");
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred scores")]
fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len() as f64
}

fn on_all_cores(judged: &[&Judged]) -> Vec<f64> {
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let work = || {
        let mut done = Vec::new();
        while let Some(one) = judged.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((one.ours.clone(), score(&one.ours, &one.reference)));
        }
        done
    };
    let scores: BTreeMap<_, _> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    judged.iter().map(|one| scores[&one.ours]).collect()
}

fn score(ours: &Path, reference: &Path) -> f64 {
    compute_frame_ssimulacra2(pixels(reference), pixels(ours))
        .unwrap_or_else(|e| panic!("{}: {e}", ours.display()))
}

fn pixels(path: &Path) -> Rgb {
    let picture =
        image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).into_rgb32f();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let data = picture.pixels().map(|pixel| pixel.0).collect();
    Rgb::new(data, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
