//! What the numbers were measured on. Linux tells it in files; elsewhere it is left out.

use std::{fs, num::NonZero, thread};

/// One line for the table's head.
pub(crate) fn describe() -> String {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let facts = [
        format!("{cores} cores"),
        processor,
        format!("{memory} of memory"),
        format!("{} {}", std::env::consts::OS, kernel.trim()),
        format!("Darkroom {}", env!("CARGO_PKG_VERSION")),
    ];
    facts.join(", ")
}

/// A field of a file of lines `name: value`, as Linux writes them.
pub(crate) fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start().strip_prefix(':')?.trim().to_owned())
}
