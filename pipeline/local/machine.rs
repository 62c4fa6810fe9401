//! What this machine has, as far as it says so.

use std::fs;

/// What is assumed of a machine that does not say.
const ASSUMED: u64 = 4 << 30;

/// Bytes of memory that this process may hope for: the machine's, or its container's share.
///
/// Linux says both in files; elsewhere [`ASSUMED`] is taken, and `--memory` says better.
pub(crate) fn memory() -> u64 {
    let machine = status_field("/proc/meminfo", "MemTotal:");
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    [machine, container].into_iter().flatten().min().unwrap_or(ASSUMED)
}

/// Bytes of this process that are in memory now; none where the system does not say.
pub(crate) fn resident() -> Option<u64> {
    status_field("/proc/self/status", "VmRSS:")
}

/// Lets this process hold so many handles at a time, as far as the system allows: many systems begin
/// with a thousand and allow more to whoever asks.
pub(crate) fn allow_handles(wanted: u64) {
    match rlimit::increase_nofile_limit(wanted) {
        Ok(allowed) if allowed >= wanted => {}
        Ok(allowed) => tracing::warn!(
            allowed,
            wanted,
            "the system allows fewer handles than all connections may need: raise `ulimit -n`, or \
             lower --connections"
        ),
        Err(error) => tracing::warn!(%error, "the system's bound of handles stays as it is"),
    }
}

/// A line of `/proc` in kilobytes, as bytes.
fn status_field(file: &str, field: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
