//! A picture of boxes as it is filled, tile by tile, from planes of brightness and colour.

use super::Channels;
use super::heif::Heif;
use super::yuv::{Matrix, Planes};
use crate::rows::{Depth, Layout};

/// The part of the picture that is shown, as it is filled.
pub(crate) struct Canvas {
    layout: Layout,
    /// Where the shown part begins in the coded picture.
    left: u32,
    top: u32,
    pub(crate) samples: Vec<u8>,
}

impl Canvas {
    pub(crate) fn new(heif: &Heif<'_>, layout: Layout) -> Canvas {
        let (left, top) = heif.clap.map_or((0, 0), |clap| (clap.left, clap.top));
        Canvas { layout, left, top, samples: vec![0; layout.row_bytes() * layout.height as usize] }
    }

    /// Calls `put` for each pixel of a tile at `left`, `top` that is shown: column and row in the
    /// tile, and where it goes.
    fn each(
        &mut self,
        planes: &Planes,
        left: u32,
        top: u32,
        mut put: impl FnMut(usize, usize, &mut [u8]),
    ) {
        let pixel = self.layout.row_bytes() / self.layout.width as usize;
        for (y, row) in (0_u32..).zip(self.samples.chunks_exact_mut(self.layout.row_bytes())) {
            let Some(from_y) = (self.top + y).checked_sub(top).filter(|y| *y < planes.height)
            else {
                continue;
            };
            for (x, out) in (0_u32..).zip(row.chunks_exact_mut(pixel)) {
                let Some(from_x) = (self.left + x).checked_sub(left).filter(|x| *x < planes.width)
                else {
                    continue;
                };
                put(from_x as usize, from_y as usize, out);
            }
        }
    }

    pub(crate) fn colour(&mut self, planes: &Planes, matrix: Matrix, left: u32, top: u32) {
        let grey = matches!(self.layout.channels, Channels::Grey | Channels::GreyAlpha);
        let deep = self.layout.depth == Depth::Sixteen;
        let convert = matrix.of(planes);
        self.each(planes, left, top, |x, y, out| {
            let rgb = convert.pixel(x, y);
            let used = if grey { &rgb[..1] } else { &rgb[..] };
            store(out, 0, used, deep);
        });
    }

    /// The last sample of each pixel.
    pub(crate) fn alpha(&mut self, planes: &Planes, full: bool, left: u32, top: u32) {
        let deep = self.layout.depth == Depth::Sixteen;
        let at = self.layout.channels.count() - 1;
        self.each(planes, left, top, |x, y, out| {
            store(out, at, &[planes.brightness(x, y, full)], deep);
        });
    }

    /// Straight colours of premultiplied ones.
    pub(crate) fn divide(&mut self) {
        let count = self.layout.channels.count();
        let divide = |value: u32, alpha: u32, most: u32| {
            ((value * most + alpha / 2) / alpha.max(1)).min(most)
        };
        match self.layout.depth {
            Depth::Eight => {
                for pixel in self.samples.chunks_exact_mut(count) {
                    let alpha = u32::from(pixel[count - 1]);
                    for value in &mut pixel[..count - 1] {
                        *value = u8::try_from(divide(u32::from(*value), alpha, 255)).unwrap_or(255);
                    }
                }
            }
            Depth::Sixteen => {
                for pixel in self.samples.chunks_exact_mut(2 * count) {
                    let (pairs, _) = pixel.as_chunks_mut::<2>();
                    let alpha = u32::from(u16::from_ne_bytes(pairs[count - 1]));
                    for pair in &mut pairs[..count - 1] {
                        let value = divide(u32::from(u16::from_ne_bytes(*pair)), alpha, 65_535);
                        *pair = u16::try_from(value).unwrap_or(u16::MAX).to_ne_bytes();
                    }
                }
            }
        }
    }
}

/// Stores values of 0–1 from sample `at` of a pixel on.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range")]
fn store(pixel: &mut [u8], at: usize, values: &[f32], deep: bool) {
    for (index, value) in values.iter().enumerate() {
        let value = value.clamp(0.0, 1.0);
        if deep {
            let at = 2 * (at + index);
            pixel[at..at + 2].copy_from_slice(&((value * 65_535.0 + 0.5) as u16).to_ne_bytes());
        } else {
            pixel[at + index] = (value * 255.0 + 0.5) as u8;
        }
    }
}
