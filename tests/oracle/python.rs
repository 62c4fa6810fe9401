//! The scripts beside this file, run by the Python that has libvips.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// `./dev test` makes it; the path is relative to the root of the repository.
const PYTHON: &str = ".venv/bin/python";

/// Runs a script with a JSON object on its standard input, and reads what it prints as JSON; null
/// where it prints nothing.
pub(crate) fn run(script: &str, arguments: &[&Path], input: &Value) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(interpreter(root))
        .arg(root.join("tests").join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{PYTHON}: {e}"));
    let input = serde_json::to_vec(input).unwrap_or_default();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&input).unwrap_or_else(|e| panic!("{script} does not read its input: {e}"));
    }
    let output = child.wait_with_output().unwrap_or_else(|e| panic!("{script}: {e}"));
    assert!(output.status.success(), "{script}: {}", output.status);
    if output.stdout.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{script} printed no JSON: {e}"))
}

fn interpreter(root: &Path) -> PathBuf {
    let python = root.join(PYTHON);
    assert!(
        python.exists(),
        "{PYTHON} is missing, which has the libvips that judges our pictures: run ./dev test, \
         which makes it, or: python3 -m venv .venv && .venv/bin/pip install -r \
         tests/oracle/requirements.txt"
    );
    python
}
