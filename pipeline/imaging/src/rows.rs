//! A picture as rows from top to bottom: how the source of a plan is read. A decoder that works row
//! by row never holds the whole picture. An animation is one picture after the other.

use crate::colour::Colour;
use crate::fault::Fault;
use crate::formats::{Channels, guarded};
pub use crate::gain_map::GainMap;
use crate::geometry::{Orientation, Size};

/// The form of the rows of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns, as stored.
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// Samples of a pixel; alpha is straight, not premultiplied. Of [`Channels::Cmyk`] 0 is no ink
    /// and the most is full ink, whatever the file's own convention.
    pub channels: Channels,
    /// Width of a sample.
    pub depth: Depth,
    /// How to turn the picture upright.
    pub orientation: Orientation,
}

/// Width of a decoded sample, encoded as the source's [`Colour`] says.
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
        self.width as usize * self.pixel_bytes()
    }

    pub(crate) fn pixel_bytes(&self) -> usize {
        let sample = match self.depth {
            Depth::Eight => 1,
            Depth::Sixteen => 2,
        };
        self.channels.count() * sample
    }

    pub(crate) fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    pub(crate) fn upright(&self) -> Size {
        self.size().turned(self.orientation)
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

    /// What the samples mean; constant.
    fn colour(&self) -> &Colour {
        &Colour::Srgb
    }

    /// How much brighter it is on a screen that can show it, where the file says so; given once.
    fn gain_map(&mut self) -> Option<GainMap> {
        None
    }

    /// How long the picture that is being read is shown, in milliseconds; 0 where it is no animation.
    fn duration_ms(&self) -> u32 {
        0
    }

    /// Goes on to the next picture of an animation, with the same layout, composed as it is seen;
    /// `false` where there is none. What was not read of the picture before it is skipped.
    fn advance(&mut self) -> Result<bool, Fault> {
        Ok(false)
    }

    /// How often an animation is shown; 0 is for ever.
    fn repeats(&self) -> u32 {
        0
    }
}

/// A picture decoded as a whole, handed out as rows and freed with the last one.
#[derive(Debug)]
pub struct Picture {
    layout: Layout,
    colour: Colour,
    gain_map: Option<GainMap>,
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
        Ok(Picture { layout, colour: Colour::Srgb, gain_map: None, samples, next: 0 })
    }

    /// The same samples with another meaning.
    #[must_use]
    pub fn coloured(self, colour: Colour) -> Picture {
        Picture { colour, ..self }
    }

    /// With a map of how much brighter it can be shown.
    pub(crate) fn mapped(self, gain_map: Option<GainMap>) -> Picture {
        Picture { gain_map, ..self }
    }
}

impl Rows for Picture {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn gain_map(&mut self) -> Option<GainMap> {
        self.gain_map.take()
    }

    fn colour(&self) -> &Colour {
        &self.colour
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

#[deny(clippy::missing_trait_methods)]
impl<R: Rows> Rows for Guarded<R> {
    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn gain_map(&mut self) -> Option<GainMap> {
        self.inner.gain_map()
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        if let Some(fault) = &self.broken {
            return Err(fault.clone());
        }
        let inner = &mut self.inner;
        guarded(|| inner.read(into)).inspect_err(|fault| self.broken = Some(fault.clone()))
    }

    fn colour(&self) -> &Colour {
        self.inner.colour()
    }

    fn duration_ms(&self) -> u32 {
        self.inner.duration_ms()
    }

    fn advance(&mut self) -> Result<bool, Fault> {
        if let Some(fault) = &self.broken {
            return Err(fault.clone());
        }
        let inner = &mut self.inner;
        guarded(|| inner.advance()).inspect_err(|fault| self.broken = Some(fault.clone()))
    }

    fn repeats(&self) -> u32 {
        self.inner.repeats()
    }
}
