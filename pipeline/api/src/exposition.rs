//! Prometheus' text format, version 0.0.4.
//!
//! It is written here by hand: it is one line a number, and a registry crate would bring macros, a
//! derive and a second notion of labels for a dozen families.

use std::fmt::{Display, Write as _};

/// Families of numbers, as text. Labels are our own words: none needs escaping.
#[derive(Default)]
pub struct Exposition(String);

impl Exposition {
    /// Begins a family.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _always_ok = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A number of the family.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(key, text)| format!("{key}=\"{text}\"")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _always_ok = writeln!(self.0, "{name}{labels} {value}");
    }

    /// All numbers of a histogram.
    pub fn histogram(&mut self, name: &str, label: (&str, &str), histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        for (count, bound) in histogram.buckets.iter().zip(histogram.bounds) {
            self.sample(&bucket, &[label, ("le", &bound.to_string())], count);
        }
        self.sample(&bucket, &[label, ("le", "+Inf")], histogram.count);
        self.sample(&format!("{name}_sum"), &[label], histogram.sum);
        self.sample(&format!("{name}_count"), &[label], histogram.count);
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// How often something took how long.
pub struct Histogram {
    bounds: &'static [f64],
    buckets: Vec<u64>,
    sum: f64,
    count: u64,
}

impl Histogram {
    /// Empty, with these upper bounds of its buckets, in seconds.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, buckets: vec![0; bounds.len()], sum: 0.0, count: 0 }
    }

    /// Counts one.
    pub fn add(&mut self, seconds: f64) {
        for (bucket, bound) in self.buckets.iter_mut().zip(self.bounds) {
            *bucket += u64::from(seconds <= *bound);
        }
        self.sum += seconds;
        self.count += 1;
    }
}
