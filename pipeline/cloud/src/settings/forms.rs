//! The forms that values have.

use std::{fs, time::Duration};

pub(super) fn arn(text: &str) -> Result<String, &'static str> {
    if text.starts_with("arn:") { Ok(text.to_owned()) } else { Err("it begins otherwise") }
}

/// A file, or an object.
pub(super) fn place(text: &str) -> Result<String, &'static str> {
    match text.strip_prefix("s3://").map(|rest| rest.split_once('/')) {
        None => Ok(text.to_owned()),
        Some(Some((bucket, key))) if !bucket.is_empty() && !key.is_empty() => Ok(text.to_owned()),
        Some(_) => Err("it names no object"),
    }
}

/// Reads `45s`, `2m` or `1h`.
pub(super) fn time(text: &str) -> Option<Duration> {
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    measure(text, &units).map(Duration::from_secs)
}

/// Reads `800MiB`, `2GiB`, `800MB` or `2GB`.
pub(super) fn size(text: &str) -> Option<u64> {
    measure(text, &[("MiB", 1 << 20), ("GiB", 1 << 30), ("MB", 1_000_000), ("GB", 1_000_000_000)])
}

/// Reads a number with one of these units behind it.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, factor) = units.iter().find(|(unit, _)| *unit == &text[digits.len()..])?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Bytes of memory that this process may hope for: the machine's, or its container's share. Linux says
/// both in files; of what does not say, two gigabytes are assumed.
pub(super) fn memory() -> u64 {
    let machine = || {
        let text = fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
    };
    let container = || fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok();
    [machine(), container()].into_iter().flatten().min().unwrap_or(2 << 30)
}
