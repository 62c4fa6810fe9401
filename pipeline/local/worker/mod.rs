//! Stages that touch foreign bytes run in worker processes of this same binary, one message at a
//! time each, so that a crash, a hang or a memory overrun costs one start of one message.
//!
//! A worker has no file, no network, no database and no environment: it is handed a message over
//! its standard input and calls back over its standard output for every object and every record.
//! What it may call for is decided by the message it was handed ([`grant`]), and how much of it
//! ([`allowance`]), so bytes that take a worker over reach no other image and fill no disk.
//!
//! ```text
//! supervisor                                   worker
//!     │ ◄───────────────────────── Ready ──────── │   limits are set, stages stand
//!     │ ── Handle { message, time, limits } ────► │
//!     │ ◄───────── Call { operation } + bytes ─── │   any number of times, one at a time
//!     │ ── Answer { reply } + bytes ────────────► │
//!     │ ◄──────────────────────── Done { … } ──── │   or it dies, or runs out of time
//! ```

pub mod allowance;
pub mod conversation;
pub mod grant;
pub mod ports;
pub mod process;
pub mod supervisor;
pub mod wire;
