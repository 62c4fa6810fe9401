//! The forms that values have.

use std::fs;

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
