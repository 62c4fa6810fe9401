//! The home on one machine, with the real program: started, used, killed, stopped and started again
//! from outside, as its owner does.

mod capacity;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod command_line;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod connections;
mod drain;
mod durability;
#[expect(clippy::expect_used, reason = "a helper that cannot go on ends its test")]
mod estimate;
mod following;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that cannot go on ends its test"
)]
mod full_disk;
mod grants;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that cannot go on ends its test"
)]
mod kill;
mod lent_again;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that cannot go on ends its test"
)]
mod liars;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod on_request;
#[expect(clippy::expect_used, reason = "a helper that cannot go on ends its test")]
mod pictures;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that cannot go on ends its test"
)]
mod poison;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod presets;
mod processing;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod quick_start;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod refusals;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that cannot go on ends its test"
)]
pub(crate) mod server;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod trace;
mod upload;
