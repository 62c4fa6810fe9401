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

/// The sum of the peaks of a process and of its children, in bytes; what they share is counted more
/// than once, so the true peak is lower. Zero where the system does not tell.
pub(crate) fn peak_memory(parent: u32) -> u64 {
    let children = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let ppid = field(&format!("/proc/{id}/status"), "PPid")?;
        (ppid == parent.to_string()).then_some(id)
    });
    children.chain([parent]).filter_map(peak_of).sum()
}

fn peak_of(id: u32) -> Option<u64> {
    let kilobytes = field(&format!("/proc/{id}/status"), "VmHWM")?;
    kilobytes.strip_suffix(" kB")?.parse::<u64>().ok().map(|kb| kb * 1024)
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start().strip_prefix(':')?.trim().to_owned())
}
