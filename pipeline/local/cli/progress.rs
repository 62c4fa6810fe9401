//! The bar that people see while many files are on their way.

use std::{
    fmt,
    io::{IsTerminal as _, stderr},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::say;

/// A bar on standard error, where that is a terminal and there is something to wait for.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Over so many files.
    pub(super) fn over(files: usize) -> Self {
        Self::shown(files > 1, files as u64, "{bar:30} {pos}/{len} {eta} {msg}")
    }

    /// Over so many bytes of files; one small file needs no bar.
    pub(super) fn of_bytes(files: usize, bytes: u64) -> Self {
        const LARGE: u64 = 20_000_000;
        let form = "{bar:30} {decimal_bytes}/{decimal_total_bytes} {eta} {msg}";
        Self::shown(files > 1 || bytes > LARGE, bytes, form)
    }

    fn shown(wanted: bool, length: u64, form: &str) -> Self {
        Self((wanted && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(length);
            if let Ok(style) = ProgressStyle::with_template(form) {
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
        self.at(file);
        self.more(1);
    }

    /// This file is worked on.
    pub(super) fn at(&self, file: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(file.to_owned());
        }
    }

    /// So much more is done.
    pub(super) fn more(&self, count: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(count);
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
