//! The server under test, as a process, and what it says of itself.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::memory;

pub(crate) struct Server {
    child: Child,
    url: String,
    peak: Arc<AtomicU64>,
    stopping: Arc<AtomicBool>,
    watch: JoinHandle<()>,
}

impl Server {
    /// Starts `darkroom serve` with its defaults on a free port.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_darkroom"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .context("the server does not start")?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().context("no standard output")?).read_line(&mut said)?;
        let url = said
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .with_context(|| format!("the server's first line names no URL: {said:?}"))?
            .to_owned();
        let (peak, stopping) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let watch = thread::spawn({
            let (peak, stopping, id) = (peak.clone(), stopping.clone(), child.id());
            move || {
                while !stopping.load(Ordering::Relaxed) {
                    peak.fetch_max(memory::peak_memory(id), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(100));
                }
            }
        });
        Ok(Self { child, url, peak, stopping, watch })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it as an operator would; answers the peak memory, where the system tells it.
    pub(crate) fn stop(mut self) -> Result<Option<u64>> {
        self.stopping.store(true, Ordering::Relaxed);
        let _joined = self.watch.join();
        let killed = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(killed.success(), "the server was gone before it was stopped");
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the server stopped with {ended}");
        Ok(Some(self.peak.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0))
    }
}

/// Milliseconds that a message spent in each stage, on average.
pub(crate) struct Stages {
    pub(crate) milliseconds: [f64; 4],
}

impl Stages {
    pub(crate) const NAMES: [&str; 4] = ["ingest", "fanout", "metadata", "resize"];

    /// From the histograms of `/metrics`.
    pub(crate) fn read(metrics: &str) -> Result<Self> {
        let number = |of: &str, stage: &str| -> Result<f64> {
            let name = format!("darkroom_message_duration_seconds_{of}{{stage=\"{stage}\"}} ");
            let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
            Ok(line.with_context(|| format!("/metrics has no {name}"))?.parse()?)
        };
        let mut milliseconds = [0.0; 4];
        for (mean, stage) in milliseconds.iter_mut().zip(Self::NAMES) {
            *mean = number("sum", stage)? * 1000.0 / number("count", stage)?;
        }
        Ok(Self { milliseconds })
    }
}
