//! The cloud home's tests: the second and last test binary.

#![expect(unreachable_pub, reason = "a test binary has no public part")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a home that cannot be set up ends its test"
)]

mod behaviour;
mod contract;
mod harness;
#[path = "../../../tests/report.rs"]
#[expect(dead_code, reason = "what only the other test binary asks for")]
mod report;
mod settings;
mod uploads;
