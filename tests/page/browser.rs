//! Scripts for Node that drive Chromium.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::pictures;
use crate::report::{self, Lack};

/// Longer than any walk takes, so that one that hangs is ended and not waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// What Chromium is called where it is on the PATH, and where macOS has it.
const CHROMIUM: &[&str] = &["chromium", "chromium-browser"];
const CHROMIUM_OF_MACOS: &str = "/Applications/Chromium.app/Contents/MacOS/Chromium";

pub(super) fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

/// Whether Node and the packages of `web` are there; otherwise the test is said not to run.
pub(super) fn has_node(test: &str) -> bool {
    if on_path("node").is_none() {
        report::not_run(test, Lack::Tool("node", "nodejs npm"));
        return false;
    }
    if !web().join("node_modules/playwright-core").exists() {
        report::not_run(test, Lack::Tool("web/node_modules", "nodejs npm, then npm ci in web"));
        return false;
    }
    true
}

fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|f| f.join(program)).find(|p| p.is_file())
}

fn chromium() -> Option<PathBuf> {
    let installed = || Some(PathBuf::from(CHROMIUM_OF_MACOS)).filter(|path| path.is_file());
    CHROMIUM.iter().find_map(|name| on_path(name)).or_else(installed)
}

/// A script, and all that it needs.
pub(super) struct Walk {
    script: String,
    chromium: PathBuf,
}

impl Walk {
    /// None where something is missing, which has been said.
    pub(super) fn new(script: &str) -> Option<Self> {
        let test = format!("web/tests/{script}");
        if !has_node(&test) {
            return None;
        }
        let Some(chromium) = chromium() else {
            report::not_run(&test, Lack::Tool("chromium", "chromium"));
            return None;
        };
        Some(Self { script: script.to_owned(), chromium })
    }

    /// Runs it to its end, with pictures drawn in a folder.
    pub(super) fn run(&self, folder: &Path, environment: &[(&str, &str)]) {
        let pictures = folder.join("pictures");
        pictures::draw(&pictures);
        let began = Instant::now();
        let mut child = Command::new("node")
            .arg(web().join("tests").join(&self.script))
            .envs(environment.iter().copied())
            .env("PAGE_PICTURES", &pictures)
            .env("PAGE_CHROMIUM", &self.chromium)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}"));
        let status = loop {
            if let Some(status) = child.try_wait().unwrap_or_else(|error| panic!("node: {error}")) {
                break status;
            }
            if began.elapsed() > PATIENCE {
                child.kill().ok();
                child.wait().ok();
                panic!("{} did not end within {PATIENCE:?}", self.script);
            }
            thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{} failed ({status}): see what it said", self.script);
    }
}
