//! Rows into linear light, and their average in front of the resampler: the only stage that sees
//! the whole source, a band at a time. Alpha is premultiplied here, in linear light, so that what
//! is transparent has no colour to bleed.

use crate::canvas::{Canvas, times};
use crate::colour::{Colour, Conversion, Reading, Space};
use crate::fault::Fault;
use crate::formats::Channels;
use crate::plan::Shrink;
use crate::rows::Layout;

/// What one [`Reducer`] or [`Lines`] needs beside the canvas, in bytes.
pub(crate) fn memory(width: u32, channels: u64) -> u64 {
    u64::from(width) * channels * 16 + (1 << 20)
}

/// Makes linear, premultiplied rows of decoded ones.
pub(crate) struct Lines {
    layout: Layout,
    reading: Reading,
    line: Vec<u16>,
}

impl Lines {
    /// For rows of this form and meaning.
    pub(crate) fn new(layout: Layout, colour: &Colour, space: Space) -> Lines {
        let reading = Conversion::of(colour, layout.channels, layout.depth, space);
        let samples = layout.width as usize * layout.channels.decoded().count();
        Lines { layout, reading, line: vec![0; samples] }
    }

    /// What is made of the colours.
    pub(crate) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// One decoded row in linear light.
    pub(crate) fn line(&mut self, row: &[u8]) -> Result<&[u16], Fault> {
        let Layout { channels, depth, .. } = self.layout;
        self.reading.conversion.convert(row, channels, depth, &mut self.line)?;
        match channels {
            Channels::GreyAlpha => premultiply::<2>(&mut self.line),
            Channels::Rgba => premultiply::<4>(&mut self.line),
            Channels::Grey | Channels::Rgb | Channels::Cmyk => {}
        }
        Ok(&self.line)
    }
}

fn premultiply<const N: usize>(line: &mut [u16]) {
    let (pixels, _) = line.as_chunks_mut::<N>();
    for pixel in pixels {
        let alpha = pixel[N - 1];
        if alpha != u16::MAX {
            for out in &mut pixel[..N - 1] {
                *out = times(*out, alpha);
            }
        }
    }
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
        let canvas = Canvas::averaged(layout.size(), shrink, layout.channels.decoded());
        Reducer {
            shrink,
            sums: vec![0; canvas.size.width as usize * canvas.channels.count()],
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
