//! Rows into linear light, and their average in front of the resampler: the only stage that sees
//! the whole source, a band at a time. Alpha is premultiplied here, in linear light, so that what
//! is transparent has no colour to bleed.

use crate::colour::{linear_of_8, linear_of_16};
use crate::plan::Shrink;
use crate::resample::Canvas;
use crate::rows::{Depth, Layout};

/// What one [`Reducer`] or [`Lines`] needs beside the canvas, in bytes.
pub(crate) fn memory(width: u32, channels: u64) -> u64 {
    u64::from(width) * channels * 10
}

/// Makes linear, premultiplied rows of decoded ones.
pub(crate) struct Lines {
    layout: Layout,
    line: Vec<u16>,
}

impl Lines {
    pub(crate) fn new(layout: Layout) -> Lines {
        Lines { layout, line: vec![0; layout.width as usize * layout.channels.count()] }
    }

    /// One decoded row in linear light.
    pub(crate) fn line(&mut self, row: &[u8]) -> &[u16] {
        match self.layout.depth {
            Depth::Eight => {
                let table = linear_of_8();
                self.fill(row.iter().copied(), |v| table[usize::from(v)], |v| u16::from(v) * 257);
            }
            Depth::Sixteen => {
                let table = linear_of_16();
                let (pairs, _) = row.as_chunks::<2>();
                let samples = pairs.iter().map(|pair| u16::from_ne_bytes(*pair));
                self.fill(samples, |v| table[usize::from(v)], |v| v);
            }
        }
        &self.line
    }

    /// `light` maps a colour sample, `cover` an alpha sample, to 16 bits.
    fn fill<T: Copy>(
        &mut self,
        samples: impl Iterator<Item = T>,
        light: impl Fn(T) -> u16,
        cover: impl Fn(T) -> u16,
    ) {
        match self.layout.channels.count() {
            2 => premultiplied::<T, 2>(samples, &mut self.line, light, cover),
            4 => premultiplied::<T, 4>(samples, &mut self.line, light, cover),
            _ => {
                for (out, sample) in self.line.iter_mut().zip(samples) {
                    *out = light(sample);
                }
            }
        }
    }
}

fn premultiplied<T: Copy, const N: usize>(
    mut samples: impl Iterator<Item = T>,
    line: &mut [u16],
    light: impl Fn(T) -> u16,
    cover: impl Fn(T) -> u16,
) {
    let (pixels, _) = line.as_chunks_mut::<N>();
    for pixel in pixels {
        for (out, sample) in pixel[..N - 1].iter_mut().zip(&mut samples) {
            *out = light(sample);
        }
        let alpha = samples.next().map_or(u16::MAX, &cover);
        pixel[N - 1] = alpha;
        if alpha != u16::MAX {
            for out in &mut pixel[..N - 1] {
                *out = times(*out, alpha);
            }
        }
    }
}

/// `value × alpha ÷ 65,535`, rounded.
fn times(value: u16, alpha: u16) -> u16 {
    let product = u32::from(value) * u32::from(alpha) + 32_767;
    u16::try_from(product / 65_535).unwrap_or(u16::MAX)
}

/// Averages blocks of linear pixels, row by row, into a [`Canvas`] as stored.
pub(crate) struct Reducer {
    shrink: Shrink,
    canvas: Canvas,
    /// Sums of the rows of the current block.
    sums: Vec<u64>,
    /// Rows in them.
    rows: u32,
}

impl Reducer {
    pub(crate) fn new(layout: Layout, shrink: Shrink) -> Reducer {
        let canvas = Canvas::averaged(layout.size(), shrink, layout.channels);
        Reducer {
            shrink,
            sums: vec![0; canvas.size.width as usize * layout.channels.count()],
            canvas,
            rows: 0,
        }
    }

    /// Takes the next row.
    pub(crate) fn feed(&mut self, line: &[u16]) {
        if self.shrink.across() == 1 && self.shrink.down() == 1 {
            self.canvas.samples.extend_from_slice(line);
            return;
        }
        let across = self.shrink.across() as usize;
        match self.canvas.channels.count() {
            1 => add::<1>(line, across, &mut self.sums),
            2 => add::<2>(line, across, &mut self.sums),
            3 => add::<3>(line, across, &mut self.sums),
            _ => add::<4>(line, across, &mut self.sums),
        }
        self.rows += 1;
        if self.rows == self.shrink.down() {
            self.finish_block(line.len());
        }
    }

    /// The canvas; a last, partial block of rows is averaged over the rows that it has.
    pub(crate) fn finish(mut self, samples_per_line: usize) -> Canvas {
        if self.rows > 0 {
            self.finish_block(samples_per_line);
        }
        self.canvas
    }

    fn finish_block(&mut self, samples_per_line: usize) {
        let channels = self.canvas.channels.count();
        let across = u64::from(self.shrink.across());
        let rows = u64::from(self.rows);
        let blocks = self.sums.len() / channels;
        let last = (samples_per_line / channels) as u64 - across * (blocks as u64 - 1);
        let (full, partial) = self.sums.split_at((blocks - 1) * channels);
        average(full, across * rows, &mut self.canvas.samples);
        average(partial, last * rows, &mut self.canvas.samples);
        self.sums.fill(0);
        self.rows = 0;
    }
}

/// Adds a line to the sums of its blocks of `across` pixels.
fn add<const N: usize>(line: &[u16], across: usize, sums: &mut [u64]) {
    let (pixels, _) = line.as_chunks::<N>();
    let (sums, _) = sums.as_chunks_mut::<N>();
    for (sum, block) in sums.iter_mut().zip(pixels.chunks(across)) {
        // At most 65,536 samples of 65,535: a block of one row fits 32 bits.
        let mut part = [0_u32; N];
        for pixel in block {
            for (total, sample) in part.iter_mut().zip(pixel) {
                *total += u32::from(*sample);
            }
        }
        for (total, part) in sum.iter_mut().zip(part) {
            *total += u64::from(part);
        }
    }
}

/// Divides the sums of `count` samples, rounded to nearest, and appends what comes out. The factor
/// is a reciprocal in 64-bit floating point: sums below 2⁵³ are exact in it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sums are below 2⁴⁸, averages within 16 bits"
)]
fn average(sums: &[u64], count: u64, out: &mut Vec<u16>) {
    let share = 1.0 / count as f64;
    out.extend(sums.iter().map(|&sum| (sum as f64 * share + 0.5) as u16));
}
