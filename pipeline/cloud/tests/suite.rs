//! The cloud home's tests: the second and last test binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a home that cannot be set up ends its test"
)]

mod behaviour;
mod contract;
mod harness;
mod uploads;
