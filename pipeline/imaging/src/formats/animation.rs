//! Pictures that are composed on one canvas, one after the other: GIF, APNG, animated WebP.

use crate::colour::Colour;
use crate::fault::Fault;
use crate::rows::{Layout, Rows};

/// Composes the pictures of an animation.
pub(crate) trait Frames {
    /// Composes the next picture on `canvas`, which is as the last call left it, and answers how
    /// long it is shown, in milliseconds; `None` after the last.
    fn next(&mut self, canvas: &mut [u8]) -> Result<Option<u32>, Fault>;
}

/// An animation as rows of one picture after the other.
pub(crate) struct Animation<F> {
    frames: F,
    layout: Layout,
    colour: Colour,
    repeats: u32,
    canvas: Vec<u8>,
    next: usize,
    duration_ms: u32,
}

impl<F: Frames> Animation<F> {
    /// Composes the first picture. `canvas` is what it is composed on: the rows of `layout`.
    pub(crate) fn new(
        mut frames: F,
        layout: Layout,
        colour: Colour,
        repeats: u32,
    ) -> Result<Animation<F>, Fault> {
        let mut canvas = vec![0; layout.row_bytes() * layout.height as usize];
        let duration_ms = frames
            .next(&mut canvas)?
            .ok_or_else(|| Fault::truncated("The animation has no picture."))?;
        Ok(Animation { frames, layout, colour, repeats, canvas, next: 0, duration_ms })
    }
}

impl<F: Frames> Rows for Animation<F> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let row = self.layout.row_bytes();
        let rest = self.canvas.get(self.next..).unwrap_or_default();
        let rows = (rest.len() / row).min(into.len() / row);
        let bytes = rows * row;
        into[..bytes].copy_from_slice(&rest[..bytes]);
        self.next += bytes;
        Ok(rows)
    }

    fn colour(&self) -> &Colour {
        &self.colour
    }

    fn duration_ms(&self) -> u32 {
        self.duration_ms
    }

    fn advance(&mut self) -> Result<bool, Fault> {
        match self.frames.next(&mut self.canvas)? {
            Some(duration) => {
                self.duration_ms = duration;
                self.next = 0;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn repeats(&self) -> u32 {
        self.repeats
    }
}
