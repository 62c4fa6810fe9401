//! Animated PNG (PNG, third edition, 11.3.4 and 12.3): its pictures on one canvas.

use std::io::Cursor;

use ::png::{BlendOp, DisposeOp, FrameControl, Reader};

use super::animation::{Area, Before, Frames, blend, blend_wide};
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

impl<'a> Pictures<'a> {
    pub(crate) fn new(reader: Reader<Cursor<&'a [u8]>>, layout: Layout, frames: u32) -> Self {
        Pictures { reader, layout, left: frames, first: true, before: Before::Nothing }
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
        let layout = self.layout;
        self.before.apply(canvas, layout);
        let (control, samples) = self.decode()?;
        self.left -= 1;
        let area = Area::new(
            (control.x_offset, control.y_offset),
            (control.width, control.height),
            layout,
        );
        self.before = match control.dispose_op {
            DisposeOp::None => Before::Nothing,
            DisposeOp::Previous if !self.first => Before::Restore(canvas.to_vec()),
            DisposeOp::Background | DisposeOp::Previous => Before::Clear(area.clone()),
        };
        self.first = false;
        let pixel = layout.pixel_bytes();
        let lines = samples.chunks_exact((control.width as usize * pixel).max(1));
        for (row, line) in area.lines(canvas, layout).zip(lines) {
            if control.blend_op == BlendOp::Source || !layout.channels.has_alpha() {
                row.copy_from_slice(&line[..row.len()]);
            } else {
                for (under, over) in row.chunks_exact_mut(pixel).zip(line.chunks_exact(pixel)) {
                    match layout.depth {
                        Depth::Eight => blend(under, over),
                        Depth::Sixteen => blend_wide(under, over),
                    }
                }
            }
        }
        // A denominator of 0 stands for hundredths (11.3.4.2).
        let parts = if control.delay_den == 0 { 100 } else { u32::from(control.delay_den) };
        Ok(Some(u32::from(control.delay_num) * 1000 / parts))
    }
}
