//! The memory that pictures share where they are worked on in one process, without workers whose
//! memory is bound one by one.
//!
//! A picture takes what its header says that it needs, and gives it back when it is done; what does
//! not fit now waits. So many small pictures are worked on at a time and few large ones, and how
//! many threads there are decides nothing about memory.

use std::{
    io::{self, Read, Seek},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use imaging::{Header, HeaderError, Limits, Presets, Whole, Work};

use crate::machine;

/// The least share that is of use: a photograph of twelve megapixels fits, though not every one.
pub const LEAST: u64 = 64 << 20;

/// What a header is looked for in at first.
const HEAD: u64 = 256 << 10;

/// Bytes that pictures take from.
#[derive(Debug)]
pub struct Share {
    all: u64,
    left: Mutex<u64>,
    /// Held by whoever looks for a header, of which the share knows nothing yet.
    looking: Mutex<()>,
    given_back: Condvar,
}

impl Share {
    /// This many bytes.
    pub fn of(all: u64) -> Self {
        Self { all, left: Mutex::new(all), looking: Mutex::default(), given_back: Condvar::new() }
    }

    /// Half of what the machine, or this process' container, has.
    pub fn of_this_machine() -> Self {
        Self::of(machine::memory() / 2)
    }

    /// The limits under which any one picture fits into it.
    pub fn limits(&self) -> Limits {
        imaging::Limits::within(self.all, imaging::Limits::default().bytes)
    }

    /// Takes as much, after waiting until it is there; what is more than everything gets everything.
    /// Each picture takes once, so none waits for another that waits for it.
    pub fn take(&self, bytes: u64) -> Portion<'_> {
        let bytes = bytes.min(self.all);
        let mut left = self.left();
        while *left < bytes {
            left = self.given_back.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
        *left -= bytes;
        Portion { share: self, bytes }
    }

    /// Bytes that work on a file takes: the file, what its header foretells, and what is made of it.
    /// One file at a time is looked at, and what was read of it is forgotten: `file` is at its beginning
    /// again.
    pub fn needed(
        &self,
        file: &mut (impl Read + Seek),
        size: u64,
        presets: &Presets,
    ) -> io::Result<u64> {
        let _alone = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = needed(file, size, presets)?;
        file.rewind()?;
        Ok(needed)
    }

    fn left(&self) -> MutexGuard<'_, u64> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a share, given back when it is dropped.
#[derive(Debug)]
pub struct Portion<'a> {
    share: &'a Share,
    bytes: u64,
}

impl Drop for Portion<'_> {
    fn drop(&mut self) {
        *self.share.left() += self.bytes;
        self.share.given_back.notify_all();
    }
}

/// Reads as much of the file as that takes: all of it where the header may lie behind the pixels.
fn needed(file: &mut impl Read, size: u64, presets: &Presets) -> io::Result<u64> {
    let (mut wanted, mut head) = (HEAD, Vec::new());
    loop {
        file.take(wanted - head.len() as u64).read_to_end(&mut head)?;
        let whole = if (head.len() as u64) < wanted { Whole::Yes } else { Whole::No };
        match Header::seek(&head, whole) {
            Ok(header) => {
                // One plan is carried out after the other; what comes of them is held to the end.
                let plans = presets.plans(&header);
                let memory = plans.iter().map(|plan| plan.memory(&header)).max().unwrap_or(0);
                let pieces = plans.iter().flat_map(|plan| &plan.pieces);
                let results = pieces.map(|piece| match &piece.work {
                    Work::Variant(made) => 4 * u64::from(made.width) * u64::from(made.height),
                    Work::Derived { .. } => 0,
                });
                return Ok(size + memory + results.sum::<u64>());
            }
            Err(HeaderError::NeedMore) => wanted *= 4,
            // Ingest refuses it before anything is decoded.
            Err(HeaderError::Fault(_)) => return Ok(size),
        }
    }
}
