//! How many workers a machine carries, and how large a picture each can take.
//!
//! Memory comes first: fewer workers that take every picture are worth more than many of which none
//! does. Whoever says `--workers` decides otherwise, and is told what it costs.

use std::{fmt, num::NonZeroUsize};

use imaging::{Channels, Format, Header, Limits, Orientation, Presets};

/// The address space that a worker takes before any picture: the program, its stacks and its heap.
const WORKER_BASE: u64 = 128 << 20;

/// The least that a worker is given: a photograph of twelve megapixels fits, though not every one
/// of four.
pub const WORKER_LEAST: u64 = WORKER_BASE + (64 << 20);

/// The most that a worker is given unasked.
const WORKER_MOST: u64 = 3 << 29;

/// What a worker needs for the largest picture that the usual limits allow, in a file of so many bytes.
fn enough(upload: u64) -> u64 {
    let usual = Limits::default();
    WORKER_BASE + usual.bytes.max(upload) + usual.memory
}

/// What decided how many workers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The flag.
    Asked,
    /// The cores are busy with no more.
    Cores(usize),
    /// There is no memory for as many as the cores could keep busy.
    Memory(usize),
}

/// Bytes of all workers together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// As somebody asked for: all of it is shared out.
    Asked(u64),
    /// As this much seems fair: no more is taken than is of use, and no less than is needed.
    Spare(u64),
}

/// How many workers, and how much memory each has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Processes.
    pub workers: NonZeroUsize,
    /// Bytes of address space of each.
    pub each: u64,
    /// What decided it.
    pub reason: Reason,
    /// Bytes of the largest upload.
    pub upload: u64,
}

impl Capacity {
    /// One worker a core and one more, as far as the memory holds the largest picture for each; at
    /// least one. `upload` is what the largest file may have. The one more has a core while another waits for its disk or its next message:
    /// `benches/README.md` says what that is worth.
    pub fn of(
        asked: Option<NonZeroUsize>,
        cores: NonZeroUsize,
        memory: Memory,
        upload: u64,
    ) -> Self {
        let (Memory::Asked(all) | Memory::Spare(all)) = memory;
        let affordable = usize::try_from(all / enough(upload)).unwrap_or(usize::MAX);
        let affordable = NonZeroUsize::new(affordable).unwrap_or(NonZeroUsize::MIN);
        let busy = cores.saturating_add(1);
        let (workers, reason) = match asked {
            Some(asked) => (asked, Reason::Asked),
            None if affordable < busy => (affordable, Reason::Memory(cores.get())),
            None => (busy, Reason::Cores(cores.get())),
        };
        let each = all / workers.get() as u64;
        let each = match memory {
            Memory::Asked(_) => each,
            Memory::Spare(_) => {
                let more = upload.saturating_sub(Limits::default().bytes);
                each.clamp(WORKER_LEAST, WORKER_MOST + more)
            }
        };
        Self { workers, each, reason, upload }
    }

    /// The limits that keep a picture below the memory of one worker: the file is held once, and
    /// what decoding it takes is predicted before it is begun.
    pub fn limits(&self) -> Limits {
        Limits::within(self.each.saturating_sub(WORKER_BASE), self.upload)
    }

    /// Whether a worker holds the largest upload, and the least of a picture besides.
    pub fn holds_uploads(&self) -> bool {
        self.upload <= Limits::default().bytes || self.each >= WORKER_LEAST + self.upload
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = self.workers.get();
        let plural = if workers == 1 { "" } else { "s" };
        write!(f, "{workers} worker{plural} of {} MiB each", self.each >> 20)?;
        match self.reason {
            Reason::Asked => f.write_str(", as asked for"),
            Reason::Cores(_) => f.write_str(", one a core and one more"),
            Reason::Memory(cores) => {
                write!(f, ", as many as the memory holds the largest picture for, on {cores} cores")
            }
        }
    }
}

/// The largest JPEG photographs that fit, as every smaller one does, in whole megapixels, with all
/// variants, also those on request: those that are read line by line, and progressive ones, which are held
/// whole. What a picture needs does not grow evenly with it, because larger ones are reduced while they
/// are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Largest {
    /// Read line by line.
    pub baseline: u64,
    /// Held whole.
    pub progressive: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl Largest {
    /// As the presets and the limits have it.
    pub fn within(presets: &Presets, limits: &Limits) -> Self {
        let largest = |progressive| {
            let fits = |megapixels: &u64| {
                let header = photograph(*megapixels, progressive);
                let plans = presets.plans(&header);
                let fit = |plan| limits.check_plan(&header, plan).is_ok();
                limits.check(&header).is_ok() && plans.iter().all(fit)
            };
            (1..=limits.pixels / 1_000_000).take_while(fits).last().unwrap_or(0)
        };
        Self { baseline: largest(false), progressive: largest(true), bytes: limits.bytes }
    }
}

impl fmt::Display for Largest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { baseline, progressive, bytes } = self;
        write!(f, "JPEG of up to {baseline} megapixels")?;
        if progressive != baseline {
            write!(f, " ({progressive} where it is progressive)")?;
        }
        write!(f, " and {} MB", bytes / 1_000_000)
    }
}

/// A photograph of three to two in colour.
fn photograph(megapixels: u64, progressive: bool) -> Header {
    let height = (megapixels * 1_000_000 * 2 / 3).isqrt();
    Header {
        format: Format::Jpeg,
        width: u32::try_from(height * 3 / 2).unwrap_or(u32::MAX),
        height: u32::try_from(height).unwrap_or(u32::MAX),
        orientation: Orientation::Upright,
        frames: 1,
        channels: Channels::Rgb,
        depth: 8,
        progressive,
    }
}
