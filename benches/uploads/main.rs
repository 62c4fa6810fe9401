//! Uploads end to end: the release binary serves, clients upload two-megapixel photographs over
//! HTTP and wait until each is ready. Prints the table of benches/README.md.
//!
//! `./dev bench [NUMBER…]`, or `cargo bench --bench uploads -- 100 1000`.

mod client;
#[path = "../shared/machine.rs"]
mod machine;
mod memory;
mod server;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    client::{Client, Ready},
    server::{Server, Stages},
};

/// Uploads that are under way at a time: enough that two cores never wait for a client.
const CLIENTS: usize = 16;

/// Different photographs; they are uploaded in turns.
const PHOTOGRAPHS: usize = 48;

/// What one run showed.
struct Measured {
    images: usize,
    took: Duration,
    to_ready: Vec<Duration>,
    peak: Option<u64>,
    stages: Stages,
}

fn main() -> Result<()> {
    let numbers = numbers()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (photographs, kind) = photographs(folder.path())?;
    println!("{}\n", machine::describe());
    println!("{kind}; {CLIENTS} clients on the same machine, each creates, PUTs and follows.\n");
    println!(
        "| images | uploads a second | ready after the PUT, p50 | p95 | peak memory | {} |",
        Stages::NAMES.map(|stage| format!("{stage}, ms")).join(" | ")
    );
    println!("|{}", " ---: |".repeat(5 + Stages::NAMES.len()));
    for images in numbers {
        let data = folder.path().join(format!("data-{images}"));
        let measured = measure(images, &photographs, &data)?;
        println!("{}", row(&measured));
        fs::remove_dir_all(data)?;
    }
    Ok(())
}

fn numbers() -> Result<Vec<usize>> {
    // Cargo adds a flag of its own.
    let given: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if given.is_empty() {
        return Ok(vec![100, 1000, 10_000]);
    }
    given
        .iter()
        .map(|n| n.parse().with_context(|| format!("{n:?} is no number of images")))
        .collect()
}

fn photographs(folder: &Path) -> Result<(Vec<PathBuf>, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    ensure!(python.exists(), ".venv/bin/python is missing: run `./dev bench`, which makes it");
    let output = Command::new(python)
        .arg(root.join("benches/photographs.py"))
        .arg(folder)
        .arg(PHOTOGRAPHS.to_string())
        .output()?;
    if !output.status.success() {
        bail!("photographs.py: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        files.extend(path.extension().is_some_and(|e| e == "jpg").then_some(path));
    }
    files.sort();
    Ok((files, String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

fn measure(images: usize, photographs: &[PathBuf], data: &Path) -> Result<Measured> {
    let server = Server::start(data)?;
    let bytes = photographs.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let clients = || -> Result<Vec<Ready>> {
        let client = Client::new(server.url());
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= images {
                return Ok(done);
            }
            done.push(client.upload(&bytes[number % bytes.len()])?);
        }
    };
    let done = thread::scope(|scope| {
        let running: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(clients)).collect();
        running
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Result<Vec<_>>>()
    })?;
    let took = begun.elapsed();
    let mut to_ready: Vec<Duration> = done.into_iter().flatten().map(|ready| ready.after).collect();
    to_ready.sort();
    ensure!(to_ready.len() == images, "{} of {images} are ready", to_ready.len());
    let stages = Stages::read(&Client::new(server.url()).metrics()?)?;
    Ok(Measured { images, took, to_ready, peak: server.stop()?, stages })
}

#[expect(clippy::cast_precision_loss, reason = "numbers of images, and bytes shown as MiB")]
fn row(measured: &Measured) -> String {
    let part = |share: usize| measured.to_ready[(measured.images - 1) * share / 100].as_millis();
    let stages = measured.stages.milliseconds.map(|ms| format!("{ms:.1}")).join(" | ");
    format!(
        "| {} | {:.1} | {} ms | {} ms | {} | {stages} |",
        measured.images,
        measured.images as f64 / measured.took.as_secs_f64(),
        part(50),
        part(95),
        measured.peak.map_or_else(
            || "–".to_owned(),
            |bytes| format!("{:.0} MiB", bytes as f64 / 1_048_576.0)
        ),
    )
}
