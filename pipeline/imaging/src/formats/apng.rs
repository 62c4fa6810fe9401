//! Animated PNG (PNG, third edition, 11.3.4 and 12.3): its pictures on one canvas.

use std::io::Cursor;

use ::png::{BlendOp, DisposeOp, FrameControl, Reader};

use super::animation::Frames;
use super::png::{fault, native};
use crate::fault::Fault;
use crate::rows::{Depth, Layout};

/// The pictures of an animation, composed one after the other.
pub(crate) struct Pictures<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    layout: Layout,
    left: u32,
    first: bool,
    before: Before,
}

/// What is to be done with the last picture before the next is drawn.
enum Before {
    Nothing,
    Clear(FrameControl),
    Restore(Vec<u8>),
}

impl<'a> Pictures<'a> {
    pub(crate) fn new(reader: Reader<Cursor<&'a [u8]>>, layout: Layout, frames: u32) -> Self {
        Pictures { reader, layout, left: frames, first: true, before: Before::Nothing }
    }

    /// Bytes of a pixel.
    fn pixel(&self) -> usize {
        self.layout.row_bytes() / self.layout.width as usize
    }

    /// The next picture and where it goes. A default image without a frame control is not one of
    /// the animation, and is skipped.
    fn decode(&mut self) -> Result<(FrameControl, Vec<u8>), Fault> {
        loop {
            let mut samples = vec![0; self.layout.row_bytes() * self.layout.height as usize];
            let info = self.reader.next_frame(&mut samples).map_err(fault)?;
            samples.truncate(info.buffer_size());
            native(&mut samples, self.layout.depth);
            if let Some(control) = self.reader.info().frame_control {
                return Ok((control, samples));
            }
        }
    }
}

impl Frames for Pictures<'_> {
    fn next(&mut self, canvas: &mut [u8]) -> Result<Option<u32>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        let (stride, pixel) = (self.layout.row_bytes(), self.pixel());
        match std::mem::replace(&mut self.before, Before::Nothing) {
            Before::Nothing => {}
            Before::Clear(control) => each(canvas, stride, pixel, &control, |row, _| row.fill(0)),
            Before::Restore(saved) => canvas.copy_from_slice(&saved),
        }
        let (control, samples) = self.decode()?;
        self.left -= 1;
        self.before = match control.dispose_op {
            DisposeOp::None => Before::Nothing,
            DisposeOp::Previous if !self.first => Before::Restore(canvas.to_vec()),
            DisposeOp::Background | DisposeOp::Previous => Before::Clear(control),
        };
        self.first = false;
        let layout = self.layout;
        each(canvas, stride, pixel, &control, |row, y| {
            let line = samples.get(y * row.len()..(y + 1) * row.len()).unwrap_or_default();
            if control.blend_op == BlendOp::Source || !layout.channels.has_alpha() {
                row[..line.len()].copy_from_slice(line);
            } else {
                for (under, over) in row.chunks_exact_mut(pixel).zip(line.chunks_exact(pixel)) {
                    match layout.depth {
                        Depth::Eight => blend(under, over),
                        Depth::Sixteen => blend_wide(under, over),
                    }
                }
            }
        });
        // A denominator of 0 stands for hundredths (11.3.4.2).
        let parts = if control.delay_den == 0 { 100 } else { u32::from(control.delay_den) };
        Ok(Some(u32::from(control.delay_num) * 1000 / parts))
    }
}

/// Calls `edit` with each row of the canvas that a picture covers, and the row's number in it.
fn each(
    canvas: &mut [u8],
    stride: usize,
    pixel: usize,
    control: &FrameControl,
    mut edit: impl FnMut(&mut [u8], usize),
) {
    let (left, width) = (control.x_offset as usize * pixel, control.width as usize * pixel);
    let rows = canvas.chunks_exact_mut(stride).skip(control.y_offset as usize);
    for (y, row) in rows.take(control.height as usize).enumerate() {
        if let Some(part) = row.get_mut(left..left + width) {
            edit(part, y);
        }
    }
}

/// Straight alpha over straight alpha (13.16), alpha last.
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

fn blend(under: &mut [u8], line: &[u8]) {
    let wide = |pixel: &[u8]| [0, 1, 2, 3].map(|at| pixel.get(at).map_or(0, |v| u32::from(*v)));
    let (below, above, count) = (wide(under), wide(line), line.len().min(4));
    over(&below[..count], &above[..count], 255, |at, value| {
        under[at] = u8::try_from(value).unwrap_or(u8::MAX);
    });
}

fn blend_wide(under: &mut [u8], line: &[u8]) {
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
