//! Every format in and out beside sharp: CPU time, bytes and looks. Prints the tables of
//! benches/README.md.
//!
//! `./dev bench codecs`, or `cargo bench --bench codecs`.

#[path = "../shared/machine.rs"]
mod machine;
mod ours;
mod sharp;

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::sharp::Sharp;

/// Rounds, in each of which ours and sharp's follow each other; the median counts.
const ROUNDS: usize = 7;

/// What benches/sources.py has made.
#[derive(Deserialize)]
struct Sources {
    /// Kind, file, width, height.
    decode: Vec<(String, String, u32, u32)>,
    /// Width, height, file of RGB.
    encode: Vec<(u32, u32, String)>,
}

/// A way out: name, what a preset says, and what sharp is told.
const WAYS: [(&str, &str, &str, &str); 8] = [
    ("JPEG, quality 80", "formats = [\"jpeg\"]", "jpeg", r#"{"quality": 80}"#),
    ("PNG", "formats = [\"png\"]", "png", "{}"),
    ("PNG, palette", "formats = [\"png\"]\npalette = true", "png", r#"{"palette": true}"#),
    ("WebP, quality 80", "formats = [\"webp\"]", "webp", r#"{"quality": 80}"#),
    ("WebP, lossless", "formats = [\"webp\"]\nlossless = true", "webp", r#"{"lossless": true}"#),
    ("AVIF, quality 50", "formats = [\"avif\"]\nquality = 50", "avif", r#"{"quality": 50}"#),
    ("AVIF, quality 80", "formats = [\"avif\"]\nquality = 80", "avif", r#"{"quality": 80}"#),
    ("GIF", "formats = [\"gif\"]", "gif", "{}"),
];

fn main() -> Result<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let sources = sources(folder.path())?;
    let mut sharp = Sharp::start()?;
    println!("{}, sharp {}\n", machine::describe(), sharp.version);
    decoding(&sources, &mut sharp)?;
    encoding(&sources, &mut sharp, folder.path())
}

fn sources(folder: &Path) -> Result<Sources> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    ensure!(
        python.exists(),
        ".venv/bin/python is missing: run `./dev bench codecs`, which makes it"
    );
    let output = Command::new(python).arg(root.join("benches/sources.py")).arg(folder).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("benches/sources.py printed no JSON")
}

fn decoding(sources: &Sources, sharp: &mut Sharp) -> Result<()> {
    println!(
        "| in | size | Darkroom, ms | sharp, ms | ratio |\n| --- | ---: | ---: | ---: | ---: |"
    );
    for (kind, file, width, height) in &sources.decode {
        let bytes = fs::read(file)?;
        let times = times(*width, *height);
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            mine.push(ours::decode(&bytes, times)?);
            let task = json!({ "decode": file, "times": times });
            theirs.extend(sharp.work(&task)?.map(|done| done.ms));
        }
        println!("| {kind} | {width}×{height} | {} |", compared(&mut mine, &mut theirs));
    }
    println!();
    Ok(())
}

fn encoding(sources: &Sources, sharp: &mut Sharp, folder: &Path) -> Result<()> {
    println!(
        "| out | size | Darkroom, ms | sharp, ms | ratio | Darkroom, kB | sharp, kB | Darkroom, points | \
         sharp, points |\n|{}",
        " --- |".repeat(2) + &" ---: |".repeat(7)
    );
    for (name, preset, format, options) in WAYS {
        let options: serde_json::Value = serde_json::from_str(options)?;
        for (width, height, file) in &sources.encode {
            let pixels = fs::read(file)?;
            let times = times(*width, *height);
            let (made, theirs_made) = (folder.join("ours"), folder.join("theirs"));
            let task = json!({
                "encode": file, "into": theirs_made, "width": width, "height": height,
                "format": format, "options": options, "times": times,
            });
            let (mut mine, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let (ms, bytes) = ours::encode(&pixels, (*width, *height), preset, times)?;
                fs::write(&made, bytes)?;
                mine.push(ms);
                theirs.extend(sharp.work(&task)?.map(|done| done.ms));
            }
            let kilobytes = |path: &Path| -> Result<String> {
                #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
                Ok(format!("{:.1}", fs::metadata(path)?.len() as f64 / 1000.0))
            };
            let mut points = |path: &Path| -> Result<String> {
                let into = folder.join("shown");
                sharp.work(&json!({ "pixels": path, "into": into }))?;
                let shown = fs::read(&into)?;
                Ok(format!("{:.1}", ours::score(&pixels, &shown, *width, *height)?))
            };
            println!(
                "| {name} | {width}×{height} | {} | {} | {} | {} | {} |",
                compared(&mut mine, &mut theirs),
                kilobytes(&made)?,
                kilobytes(&theirs_made)?,
                points(&made)?,
                points(&theirs_made)?,
            );
        }
    }
    Ok(())
}

/// How often a piece of work is done for one measurement: small pictures are over in no time.
fn times(width: u32, height: u32) -> u32 {
    (2_000_000 / (width * height)).clamp(1, 50)
}

/// The two medians and their ratio; a dash where sharp does not know the format.
fn compared(mine: &mut [f64], theirs: &mut [f64]) -> String {
    let ours = median(mine);
    if theirs.is_empty() {
        return format!("{ours:.1} | – | –");
    }
    let theirs = median(theirs);
    format!("{ours:.1} | {theirs:.1} | {:.2}", ours / theirs)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
