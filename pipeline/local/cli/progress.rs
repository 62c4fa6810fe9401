//! The bar that people see while many files are on their way.

use std::{
    fmt,
    io::{IsTerminal as _, stderr},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::say;

/// A bar on standard error, where that is a terminal and there is more than one file.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Over so many files.
    pub(super) fn over(files: usize) -> Self {
        Self((files > 1 && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(files as u64);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} {msg}") {
                bar.set_style(style);
            }
            bar
        }))
    }

    /// A line on standard output, which does not tear the bar.
    pub(super) fn say(&self, line: impl fmt::Display) {
        self.aside(|| say(line));
    }

    /// A line on standard error, which does not either.
    pub(super) fn complain(&self, what: impl fmt::Display) {
        self.aside(|| eprintln!("darkroom: {what}"));
    }

    /// One more is done.
    pub(super) fn step(&self, file: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(file.to_owned());
            bar.inc(1);
        }
    }

    fn aside(&self, what: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(what),
            None => what(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
