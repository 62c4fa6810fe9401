//! What can be wrong with a picture. A fault is a result that is recorded and shown to the owner of
//! the image; it is never retried, because the same bytes would fail the same way.

use serde::{Deserialize, Serialize};

/// Why a picture, or one piece of its plan, was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// The stable word that clients match on.
    pub code: FaultCode,
    /// One sentence for people, with the numbers that decided.
    pub detail: String,
}

impl Fault {
    /// A fault with its sentence.
    pub fn new(code: FaultCode, detail: impl Into<String>) -> Fault {
        Fault { code, detail: detail.into() }
    }

    pub(crate) fn damaged(detail: impl Into<String>) -> Fault {
        Fault::new(FaultCode::Damaged, detail)
    }

    pub(crate) fn truncated(detail: impl Into<String>) -> Fault {
        Fault::new(FaultCode::Truncated, detail)
    }

    pub(crate) fn unsupported(detail: impl Into<String>) -> Fault {
        Fault::new(FaultCode::UnsupportedFormat, detail)
    }
}

/// The kinds of [`Fault`]. The names are part of the HTTP API: they are added to, never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// There are no bytes.
    Empty,
    /// Not a format that is read here, or a kind of it that is not (arithmetic coding, 12 bits).
    UnsupportedFormat,
    /// The bytes contradict their own format.
    Damaged,
    /// The file ends before the picture does.
    Truncated,
    /// More bytes than [`Limits::bytes`](crate::limits::Limits).
    TooLarge,
    /// More pixels than [`Limits::pixels`](crate::limits::Limits), or than an output format can hold.
    TooManyPixels,
    /// A side longer than [`Limits::side`](crate::limits::Limits), or than an output format can hold.
    SideTooLong,
    /// More frames than [`Limits::frames`](crate::limits::Limits).
    TooManyFrames,
    /// More predicted memory than [`Limits::memory`](crate::limits::Limits).
    TooMuchMemory,
}

impl FaultCode {
    /// The code as records and problem details carry it, for example `too_many_pixels`.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultCode::Empty => "empty",
            FaultCode::UnsupportedFormat => "unsupported_format",
            FaultCode::Damaged => "damaged",
            FaultCode::Truncated => "truncated",
            FaultCode::TooLarge => "too_large",
            FaultCode::TooManyPixels => "too_many_pixels",
            FaultCode::SideTooLong => "side_too_long",
            FaultCode::TooManyFrames => "too_many_frames",
            FaultCode::TooMuchMemory => "too_much_memory",
        }
    }
}
