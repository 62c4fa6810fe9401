//! How people write sizes and times, in flags and in variables of either home.

use std::time::Duration;

/// Reads `45s`, `10m`, `2h` or `1d`.
pub fn time(text: &str) -> Option<Duration> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    measure(text, &units).map(Duration::from_secs)
}

/// Reads `800MiB`, `2GiB`, `2GB` or a number of bytes.
pub fn size(text: &str) -> Option<u64> {
    let units = [
        ("", 1),
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("M", 1 << 20),
        ("GiB", 1 << 30),
        ("G", 1 << 30),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
    ];
    measure(text, &units)
}

/// Reads a number with one of these units behind it.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, factor) = units.iter().find(|(unit, _)| *unit == &text[digits.len()..])?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}
