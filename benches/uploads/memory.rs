//! What processes hold at most. Linux tells it in files; elsewhere it is zero.

use std::fs;

use crate::machine::field;

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
