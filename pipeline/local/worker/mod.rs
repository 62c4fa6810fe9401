//! Stages that touch foreign bytes run in worker processes of this same binary, one message at a
//! time each, so that a crash, a hang or a memory overrun costs one start of one message.
//!
//! A worker is handed a message over its standard input, no other descriptor and no environment, and
//! calls back over its standard output for every object and every record. What it may call for is
//! decided by the message it was handed ([`grant`]), and how much of it ([`allowance`]), so a worker
//! that lies gets no other image from the server and fills no disk through it.
//!
//! What holds: crashes, hangs, memory and abuse of this protocol are contained. What does not hold
//! yet: foreign *code* in a worker runs as the server's user. It can close a descriptor and open a
//! file or a connection under its number, until seccomp and Landlock forbid it (issue 6).
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
