//! sharp in a process of its own, which answers line by line: benches/peers/sharp.mjs.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

pub(crate) struct Sharp {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    pub(crate) version: String,
}

/// What a piece of work took.
pub(crate) struct Done {
    pub(crate) ms: f64,
}

impl Sharp {
    pub(crate) fn start() -> Result<Sharp> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/sharp.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node cannot be started")?;
        let to = child.stdin.take().context("its input")?;
        let from = BufReader::new(child.stdout.take().context("its output")?);
        let mut sharp = Sharp { child, to, from, version: String::new() };
        let versions = sharp.line()?;
        sharp.version =
            format!("{} with libvips {}", versions["sharp"], versions["vips"]).replace('"', "");
        Ok(sharp)
    }

    /// `None` where sharp cannot do it.
    pub(crate) fn work(&mut self, task: &Value) -> Result<Option<Done>> {
        writeln!(self.to, "{task}")?;
        let answer = self.line()?;
        Ok(answer["ms"].as_f64().map(|ms| Done { ms }))
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        serde_json::from_str(&line)
            .context("sharp does not answer: run `./dev bench codecs`, which installs it")
    }
}

impl Drop for Sharp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
