//! Every test of the repository, as one binary: one link, one run.
//! `cargo test --test suite AREA` runs one area.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed, and says where"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    reason = "drawn pictures are arithmetic on small numbers"
)]
#![expect(unreachable_pub, reason = "a test binary has no public part")]

mod api;
mod architecture;
mod contract;
mod difference;
#[path = "../fuzz/mod.rs"]
mod fuzz;
mod golden;
mod home;
mod imaging;
mod messages;
mod metadata;
mod model;
mod oracle;
mod page;
mod pipeline;
mod recovery;
mod report;
mod storage;
