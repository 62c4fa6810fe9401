//! Bounds on what is accepted, all checked on a header, before anything is allocated.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};
use crate::formats::Header;
use crate::plan::{Coding, Piece, Plan, Rendition, Work};

/// What is refused. Each bound is inclusive: a picture exactly at it is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the uploaded file.
    pub bytes: u64,
    /// Width times height of one frame, in pixels.
    pub pixels: u64,
    /// The longer side, in pixels.
    pub side: u32,
    /// Frames of an animation, counted as the header declares them.
    pub frames: u32,
    /// Pixels of all frames of an animation that are read and written, where variants show them all; those
    /// of lossless variants count four times.
    pub motion: u64,
    /// Predicted peak of decoding and running a plan, in bytes, the file itself not counted.
    pub memory: u64,
}

impl Default for Limits {
    /// - `bytes`: 100 MB, above every phone's and most cameras' JPEG; a larger upload goes by parts
    ///   and is a deployment's own decision.
    /// - `pixels`: 100 MP covers full-frame and medium-format cameras. The decompression bombs of
    ///   our corpus start at 268 MP in 33 kB.
    /// - `side`: 65,535 is the most that a JPEG can say.
    /// - `frames`: 1,000 is 40 s at 25 frames a second.
    /// - `motion`: 300 MP. On one core of an AMD EPYC, 100 frames of 800×600 become a GIF and a `WebP` of
    ///   that size, 144 MP, in 13 s; with blur and sharpening 9 MP take a second, so that 300 MP are done
    ///   in 34 s where a worker has 60. Lossless `WebP` takes four times as long and counts as four.
    /// - `memory`: 1 GiB holds nearly every accepted JPEG (100 MP progressive in three full-size
    ///   components needs 1 GB) and leaves half of a 2 GiB function to the file and the runtime.
    fn default() -> Limits {
        Limits {
            bytes: 100_000_000,
            pixels: 100_000_000,
            side: 65_535,
            frames: 1_000,
            motion: 300_000_000,
            memory: 1 << 30,
        }
    }
}

impl Limits {
    /// Under which a picture and what its work takes stay within so many bytes, and never more than usual.
    /// A file as large as is usual is refused where it would take most of them; a larger one was asked for.
    pub fn within(spare: u64, largest: u64) -> Limits {
        let usual = Limits::default();
        let bytes = if largest > usual.bytes { largest } else { largest.min(spare / 4) };
        Limits { bytes, memory: usual.memory.min(spare.saturating_sub(bytes)), ..usual }
    }

    /// Checks the size of the file: [`FaultCode::Empty`] or [`FaultCode::TooLarge`].
    pub fn check_bytes(&self, bytes: u64) -> Result<(), Fault> {
        if bytes == 0 {
            return Err(Fault::new(FaultCode::Empty, "The file has no bytes."));
        }
        if bytes > self.bytes {
            return Err(Fault::new(
                FaultCode::TooLarge,
                format!("The file has {bytes} bytes; the limit is {}.", self.bytes),
            ));
        }
        Ok(())
    }

    /// Checks what the header claims: [`FaultCode::SideTooLong`], [`FaultCode::TooManyPixels`] or
    /// [`FaultCode::TooManyFrames`].
    pub fn check(&self, header: &Header) -> Result<(), Fault> {
        let Header { width, height, .. } = *header;
        if width.max(height) > self.side {
            return Err(Fault::new(
                FaultCode::SideTooLong,
                format!(
                    "The picture is {width}×{height}; the longest side allowed is {}.",
                    self.side
                ),
            ));
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.pixels {
            return Err(Fault::new(
                FaultCode::TooManyPixels,
                format!(
                    "The picture is {width}×{height}, {pixels} pixels; the limit is {}.",
                    self.pixels
                ),
            ));
        }
        if header.frames > self.frames {
            return Err(Fault::new(
                FaultCode::TooManyFrames,
                format!("The picture has {} frames; the limit is {}.", header.frames, self.frames),
            ));
        }
        Ok(())
    }

    /// Checks the memory that [`Plan::memory`] predicts, and what an animation takes where a piece
    /// shows all of it: [`FaultCode::TooMuchMemory`], [`FaultCode::TooManyFrames`].
    pub fn check_plan(&self, header: &Header, plan: &Plan) -> Result<(), Fault> {
        let moving: Vec<&Piece> = plan.pieces.iter().filter(|piece| piece.moves()).collect();
        let written: u64 = moving.iter().map(|piece| effort(piece, header)).sum();
        let motion =
            header.size().pixels().saturating_add(written).saturating_mul(header.frames.into());
        if motion > self.motion && !moving.is_empty() {
            return Err(Fault::new(
                FaultCode::TooManyFrames,
                format!(
                    "The animation has {} frames of {}×{}; with {} variants of it this is as much \
                     work as {motion} pixels are, and the limit is {}.",
                    header.frames,
                    header.width,
                    header.height,
                    moving.len(),
                    self.motion
                ),
            ));
        }
        self.check_memory(header, plan.memory(header))
    }

    pub(crate) fn check_memory(&self, header: &Header, needed: u64) -> Result<(), Fault> {
        if needed > self.memory {
            return Err(Fault::new(
                FaultCode::TooMuchMemory,
                format!(
                    "The {}×{} {} would need {needed} bytes of memory; the limit is {}.",
                    header.width,
                    header.height,
                    header.format.name(),
                    self.memory
                ),
            ));
        }
        Ok(())
    }
}

/// The pixels of a frame of a moving piece, by what it takes to write them.
fn effort(piece: &Piece, header: &Header) -> u64 {
    let pixels = piece.lineage().form(header).size.pixels();
    match &piece.work {
        Work::Variant(Rendition { coding: Coding::Lossless, .. }) => pixels.saturating_mul(4),
        _ => pixels,
    }
}
