//! A picture as rows from top to bottom: how the source of a plan is read. A decoder that works row
//! by row never holds the whole picture.

use crate::fault::Fault;
use crate::formats::{Channels, guarded};
use crate::geometry::{Orientation, Size};

/// The form of the rows of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns, as stored.
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// Samples of a pixel, never [`Channels::Cmyk`]; alpha is straight, not premultiplied.
    pub channels: Channels,
    /// Width of a sample.
    pub depth: Depth,
    /// How to turn the picture upright.
    pub orientation: Orientation,
}

/// Width of a decoded sample, sRGB-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One byte, 0–255.
    Eight,
    /// Two bytes in the machine's order, 0–65,535.
    Sixteen,
}

impl Layout {
    /// Bytes of one row: no padding.
    pub fn row_bytes(&self) -> usize {
        let sample = match self.depth {
            Depth::Eight => 1,
            Depth::Sixteen => 2,
        };
        self.width as usize * self.channels.count() * sample
    }

    pub(crate) fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

/// A source of rows, each of which is read once.
pub trait Rows {
    /// The form of the rows; constant.
    fn layout(&self) -> Layout;

    /// Fills `into`, whose length is a multiple of [`Layout::row_bytes`], with the next whole rows,
    /// and answers how many there were: at least one, or 0 after the last row. A source that ends
    /// or breaks before its last row is [`Truncated`](crate::fault::FaultCode::Truncated) or
    /// [`Damaged`](crate::fault::FaultCode::Damaged).
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault>;
}

/// A picture decoded as a whole, handed out as rows and freed with the last one.
#[derive(Debug)]
pub struct Picture {
    layout: Layout,
    samples: Vec<u8>,
    next: usize,
}

impl Picture {
    /// A picture of `samples`, which must be exactly the rows that `layout` describes: otherwise
    /// it is [`Damaged`](crate::fault::FaultCode::Damaged).
    pub fn new(layout: Layout, samples: Vec<u8>) -> Result<Picture, Fault> {
        let wanted = layout.row_bytes() as u64 * u64::from(layout.height);
        if samples.len() as u64 != wanted || wanted == 0 {
            return Err(Fault::damaged(format!(
                "The picture has {} bytes of samples where {wanted} belong.",
                samples.len()
            )));
        }
        Ok(Picture { layout, samples, next: 0 })
    }
}

impl Rows for Picture {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let row = self.layout.row_bytes();
        let rest = self.samples.get(self.next..).unwrap_or_default();
        let rows = (rest.len() / row).min(into.len() / row);
        let bytes = rows * row;
        into[..bytes].copy_from_slice(&rest[..bytes]);
        self.next += bytes;
        if self.next == self.samples.len() {
            self.samples = Vec::new();
            self.next = 0;
        }
        Ok(rows)
    }
}

/// Rows whose decoder may panic: a panic is a damaged picture, and nothing is read after it.
pub(crate) struct Guarded<R> {
    inner: R,
    broken: Option<Fault>,
}

impl<R: Rows> Guarded<R> {
    pub(crate) fn new(inner: R) -> Guarded<R> {
        Guarded { inner, broken: None }
    }
}

impl<R: Rows> Rows for Guarded<R> {
    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        if let Some(fault) = &self.broken {
            return Err(fault.clone());
        }
        let inner = &mut self.inner;
        guarded(|| inner.read(into)).inspect_err(|fault| self.broken = Some(fault.clone()))
    }
}
