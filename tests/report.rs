//! What a run says beside passed and failed: its counts, and what was not run. libtest keeps to
//! itself what a passing test prints, so this goes past it, straight to standard error.

use std::{env, ffi::OsStr, fmt, io::Write as _, path::PathBuf};

/// What a test may find missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack<'a> {
    /// Photographs. Public machines have none, so this never fails.
    Corpus,
    /// A program that `./dev test` installs, and the package that has it on Debian.
    Tool(&'a str, &'a str),
    /// What this machine does not have or does not allow, and how another does.
    Machine(&'a str, &'a str),
}

impl fmt::Display for Lack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corpus => f.write_str(
                "DARKROOM_CORPUS names no folder of photographs: ./dev help says which it may be",
            ),
            Self::Tool(tool, package) => {
                write!(f, "{tool} is missing: ./dev test installs it, or apt-get install {package}")
            }
            Self::Machine(what, how) => write!(f, "{what}: {how}"),
        }
    }
}

/// Says a count, or what was found, under a subject.
pub fn say(subject: &str, what: impl fmt::Display) {
    // One write a line, so that lines of tests that run beside each other stay whole.
    let line = format!("{subject}: {what}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error can be written");
}

/// Says that a test, or a part of it, was not run. Where CI is set, `./dev test` has installed every
/// tool that it knows, so one that is missing fails.
pub fn not_run(test: &str, lack: Lack<'_>) {
    assert!(!is_failure(lack, env::var_os("CI").as_deref()), "{test} cannot run: {lack}");
    say("NOT RUN", format_args!("{test}: {lack}"));
}

/// The folder of photographs, or says that the test was not run without.
pub fn corpus(test: &str) -> Option<PathBuf> {
    let Some(folder) = env::var_os("DARKROOM_CORPUS").filter(|folder| !folder.is_empty()) else {
        not_run(test, Lack::Corpus);
        return None;
    };
    let folder = PathBuf::from(folder);
    assert!(folder.is_dir(), "DARKROOM_CORPUS names {}, which is no folder", folder.display());
    Some(folder)
}

fn is_failure(lack: Lack<'_>, ci: Option<&OsStr>) -> bool {
    matches!(lack, Lack::Tool(..)) && ci.is_some_and(|value| !value.is_empty())
}

const LINE: &str = "a line of a test that passes";

#[test]
fn speaks_while_passing() {
    say("report", LINE);
}

#[test]
fn what_is_said_gets_past_the_test_harness() {
    let suite = env::current_exe().expect("the program of these tests");
    let run = std::process::Command::new(suite)
        .args(["--exact", "report::speaks_while_passing"])
        .output()
        .expect("it can be run again");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(text(&run.stdout).contains("1 passed"), "{}", text(&run.stdout));
    assert!(text(&run.stderr).contains(&format!("report: {LINE}\n")), "{}", text(&run.stderr));
}

#[test]
fn only_a_missing_tool_fails_and_only_on_ci() {
    let (set, empty) = (Some(OsStr::new("true")), Some(OsStr::new("")));
    let tool = Lack::Tool("strace", "strace");
    assert!(is_failure(tool, set));
    assert!(!is_failure(tool, None) && !is_failure(tool, empty));
    assert!(!is_failure(Lack::Corpus, set));
    assert!(!is_failure(Lack::Machine("tmpfs cannot be mounted", "run as root"), set));
    let line = tool.to_string();
    assert!(line.contains("strace is missing") && line.contains("apt-get install"), "{line}");
}
