//! The HTTP API, over real sockets and the reference adapters. Every JSON answer that a test gets
//! is held against `/openapi.json` on the way (see [`schema`]), and every refusal is checked to be
//! a complete problem with a code of the table (see [`client`]).

mod access;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod client;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod dead_letters;
mod delivery;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod events;
mod full;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod hanging_up;
mod home;
mod images;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod on_request;
mod page;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod parts;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod receive;
mod schema;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod server;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod trace;
mod uploads;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod variants;
