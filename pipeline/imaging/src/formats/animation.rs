//! Pictures that are composed on one canvas, one after the other: GIF, APNG, animated WebP.

use std::ops::Range;

use crate::colour::Colour;
use crate::fault::Fault;
use crate::rows::{Layout, Rows};

/// Composes the pictures of an animation.
pub(crate) trait Frames {
    /// Composes the next picture on `canvas`, which is as the last call left it, and answers how
    /// long it is shown, in milliseconds; `None` after the last.
    fn next(&mut self, canvas: &mut [u8]) -> Result<Option<u32>, Fault>;
}

/// The part of a canvas that a picture covers, in pixels.
#[derive(Clone)]
pub(crate) struct Area {
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Area {
    /// What of a picture lies on the canvas.
    pub(crate) fn new(
        (left, top): (u32, u32),
        (width, height): (u32, u32),
        canvas: Layout,
    ) -> Area {
        let part = |from: u32, length: u32, most: u32| {
            let end = from.saturating_add(length).min(most) as usize;
            (from as usize).min(end)..end
        };
        Area { columns: part(left, width, canvas.width), rows: part(top, height, canvas.height) }
    }

    /// Its rows on the canvas.
    pub(crate) fn lines<'c>(
        &self,
        canvas: &'c mut [u8],
        layout: Layout,
    ) -> impl Iterator<Item = &'c mut [u8]> + use<'c> {
        let pixel = layout.pixel_bytes();
        let bytes = self.columns.start * pixel..self.columns.end * pixel;
        let rows = canvas.chunks_exact_mut(layout.row_bytes());
        let rows = rows.skip(self.rows.start).take(self.rows.len());
        rows.filter_map(move |row| row.get_mut(bytes.clone()))
    }
}

/// What is to be done with the last picture before the next is drawn.
pub(crate) enum Before {
    /// It stays.
    Nothing,
    /// Where it was is nothing.
    Clear(Area),
    /// The canvas is again what it was.
    Restore(Vec<u8>),
}

impl Before {
    /// Does it, once.
    pub(crate) fn apply(&mut self, canvas: &mut [u8], layout: Layout) {
        match std::mem::replace(self, Before::Nothing) {
            Before::Nothing => {}
            Before::Clear(area) => area.lines(canvas, layout).for_each(|line| line.fill(0)),
            Before::Restore(saved) => canvas.copy_from_slice(&saved),
        }
    }
}

/// A pixel over a pixel, each with straight alpha of 8 bits, which comes last.
pub(crate) fn blend(under: &mut [u8], line: &[u8]) {
    let wide = |pixel: &[u8]| [0, 1, 2, 3].map(|at| pixel.get(at).map_or(0, |v| u32::from(*v)));
    let (below, above, count) = (wide(under), wide(line), line.len().min(4));
    over(&below[..count], &above[..count], 255, |at, value| {
        under[at] = u8::try_from(value).unwrap_or(u8::MAX);
    });
}

/// The same in 16 bits.
pub(crate) fn blend_wide(under: &mut [u8], line: &[u8]) {
    let wide = |pixel: &[u8]| {
        let (pairs, _) = pixel.as_chunks::<2>();
        [0, 1, 2, 3].map(|at| pairs.get(at).map_or(0, |v| u32::from(u16::from_ne_bytes(*v))))
    };
    let (below, above, count) = (wide(under), wide(line), (line.len() / 2).min(4));
    over(&below[..count], &above[..count], 65_535, |at, value| {
        let value = u16::try_from(value).unwrap_or(u16::MAX);
        under[2 * at..2 * at + 2].copy_from_slice(&value.to_ne_bytes());
    });
}

/// Straight alpha over straight alpha (PNG, third edition, 13.16), alpha last.
fn over(under: &[u32], over: &[u32], most: u32, mut put: impl FnMut(usize, u32)) {
    let (Some(&a), Some(&b)) = (over.last(), under.last()) else { return };
    // Products of three 16-bit numbers.
    let (a, b, most) = (u64::from(a), u64::from(b), u64::from(most));
    let sum = a * most + b * (most - a);
    if sum == 0 {
        return;
    }
    for (index, (one, two)) in over.iter().zip(under).take(over.len() - 1).enumerate() {
        let value = (u64::from(*one) * a * most + u64::from(*two) * b * (most - a) + sum / 2) / sum;
        put(index, u32::try_from(value).unwrap_or(u32::MAX));
    }
    put(over.len() - 1, u32::try_from((sum + most / 2) / most).unwrap_or(u32::MAX));
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
