//! Gaussian blur: exact where it is narrow, by boxes where it is wide.

use crate::canvas::{Canvas, Form};
use crate::geometry::Orientation;

/// From this standard deviation on, in pixels, four extended boxes take the place of the Gaussian:
/// their cost does not grow with it, and is less from here on. A weight is off by 4 % of the largest at most.
const WIDE: f64 = 20.0;
/// No picture needs more.
const MOST: f64 = 2_000.0;
/// Boxes in a row: with three the mean ΔE2000 on a chart of hard colours is over 1.
const BOXES: usize = 4;

/// What [`blurred`] and [`convolved`] allocate beside their results, in bytes.
pub(super) fn memory(before: Form, sigma: f64) -> u64 {
    let row = u64::from(before.size.width) * before.channels.count() as u64 * 4;
    let column = u64::from(before.size.height) * before.channels.count() as u64 * 4;
    if sigma < WIDE {
        let reach = radius(sigma) as u64;
        row * (2 * reach + 4) + 8 * reach * before.channels.count() as u64
    } else {
        // Two rows with their margins, and the picture on its side.
        let margin =
            8 * (boxes(sigma).radius as u64 + 1) * BOXES as u64 * before.channels.count() as u64;
        before.samples() * 2 + 2 * (row.max(column) + margin)
    }
}

/// The picture blurred by a Gaussian filter of this standard deviation, in pixels, in linear light
/// and premultiplied by alpha. Outside the picture its border pixels go on.
pub(crate) fn blurred(canvas: &Canvas, sigma: f64) -> Canvas {
    let sigma = sigma.clamp(0.0, MOST);
    if sigma >= WIDE {
        let filter = boxes(sigma);
        let rows = filter.rows(canvas.clone());
        let columns = filter.rows(rows.turned(Orientation::Transposed));
        let mut out = columns.turned(Orientation::Transposed);
        out.extent = canvas.extent;
        return out;
    }
    let mut out = canvas.clone();
    let channels = canvas.channels.count();
    let row = canvas.size.width as usize * channels;
    let rows: Vec<&[u16]> = canvas.samples.chunks_exact(row).collect();
    let read = |y: usize, into: &mut [f32]| {
        for (value, sample) in into.iter_mut().zip(rows[y]) {
            *value = f32::from(*sample);
        }
    };
    let mut lines = out.samples.chunks_exact_mut(row);
    convolved(rows.len(), row, channels, sigma, read, |_, line| {
        let Some(out) = lines.next() else { return };
        for (sample, value) in out.iter_mut().zip(line) {
            *sample = rounded(*value);
        }
    });
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats are cut to the range"
)]
fn rounded(value: f32) -> u16 {
    (value + 0.5) as u16
}

/// Rows read one by one, convolved both ways with the Gaussian cut at three standard deviations, and
/// handed on in order. As many rows are held as the filter is high.
pub(super) fn convolved(
    height: usize,
    row: usize,
    channels: usize,
    sigma: f64,
    read: impl Fn(usize, &mut [f32]),
    mut write: impl FnMut(usize, &[f32]),
) {
    let weights = weights(sigma);
    let radius = weights.len() - 1;
    let held = 2 * radius + 1;
    let mut ring = vec![0.0_f32; held * row];
    let mut padded = vec![0.0_f32; row + 2 * radius * channels];
    let mut sums = vec![0.0_f32; row];
    let mut ready = 0;
    for y in 0..height {
        while ready < height && ready <= y + radius {
            let (before, rest) = padded.split_at_mut(radius * channels);
            let (inside, after) = rest.split_at_mut(row);
            read(ready, inside);
            for pixel in before.chunks_exact_mut(channels) {
                pixel.copy_from_slice(&inside[..channels]);
            }
            for pixel in after.chunks_exact_mut(channels) {
                pixel.copy_from_slice(&inside[row - channels..]);
            }
            let line = &mut ring[ready % held * row..][..row];
            let shifted = |steps: usize| &padded[steps * channels..][..row];
            weigh(line, &weights, |k| (shifted(radius - k), shifted(radius + k)));
            ready += 1;
        }
        let line = |at: usize| &ring[at % held * row..][..row];
        weigh(&mut sums, &weights, |k| (line(y.saturating_sub(k)), line((y + k).min(height - 1))));
        write(y, &sums);
    }
}

/// The sum of pairs of lines at each distance, by their weights.
fn weigh<'a>(out: &mut [f32], weights: &[f32], pair: impl Fn(usize) -> (&'a [f32], &'a [f32])) {
    let (middle, _) = pair(0);
    for (sum, value) in out.iter_mut().zip(middle) {
        *sum = weights[0] * value;
    }
    for (distance, weight) in weights.iter().enumerate().skip(1) {
        let (one, two) = pair(distance);
        for ((sum, a), b) in out.iter_mut().zip(one).zip(two) {
            *sum += weight * (a + b);
        }
    }
}

/// How far the exact filter reaches.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most three times the widest"
)]
pub(super) fn radius(sigma: f64) -> usize {
    (sigma.clamp(0.0, MOST) * 3.0).ceil() as usize
}

/// The weights at distances 0, 1, 2 …; the first once and the others twice are 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small distances, and 24 bits are enough for a weight"
)]
fn weights(sigma: f64) -> Vec<f32> {
    let bell = |distance: usize| {
        let share = distance as f64 / sigma.max(1e-3);
        libm::exp(-share * share / 2.0)
    };
    let bells: Vec<f64> = (0..=radius(sigma)).map(bell).collect();
    let sum = 2.0 * bells.iter().sum::<f64>() - 1.0;
    bells.iter().map(|bell| (bell / sum) as f32).collect()
}

/// An extended box filter (Gwosdek et al., 2011): a box whose two outermost weights are partial, so
/// that several in a row have exactly the standard deviation that is wanted.
struct Boxes {
    radius: usize,
    inner: f32,
    outer: f32,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a radius below the widest sigma"
)]
fn boxes(sigma: f64) -> Boxes {
    let variance = sigma.clamp(0.0, MOST).powi(2) / BOXES as f64;
    let radius = ((12.0 * variance + 1.0).sqrt() / 2.0 - 0.5).floor();
    let share = (2.0 * radius + 1.0) * (radius * (radius + 1.0) - 3.0 * variance)
        / (6.0 * (variance - (radius + 1.0).powi(2)));
    let inner = 1.0 / (2.0 * radius + 1.0 + 2.0 * share);
    Boxes { radius: radius as usize, inner: inner as f32, outer: (inner * share) as f32 }
}

impl Boxes {
    /// Every row filtered by all boxes.
    fn rows(&self, mut canvas: Canvas) -> Canvas {
        match canvas.channels.count() {
            1 => self.filter::<1>(&mut canvas),
            2 => self.filter::<2>(&mut canvas),
            3 => self.filter::<3>(&mut canvas),
            _ => self.filter::<4>(&mut canvas),
        }
        canvas
    }

    fn filter<const N: usize>(&self, canvas: &mut Canvas) {
        let width = canvas.size.width as usize;
        // The margin is laid out once for all boxes, so that the border goes on as it was, not as
        // the box before left it.
        let margin = BOXES * (self.radius + 1);
        let mut one = vec![[0_u16; N]; width + 2 * margin];
        let mut two = one.clone();
        let (pixels, _) = canvas.samples.as_chunks_mut::<N>();
        for row in pixels.chunks_exact_mut(width) {
            let (Some(&first), Some(&last)) = (row.first(), row.last()) else { continue };
            one[..margin].fill(first);
            one[margin..margin + width].copy_from_slice(row);
            one[margin + width..].fill(last);
            let mut length = one.len();
            for _ in 0..BOXES {
                let made = self.pass(&one[..length], &mut two);
                length = made;
                std::mem::swap(&mut one, &mut two);
            }
            row.copy_from_slice(&one[..width]);
        }
    }

    /// One box along a row; the result is shorter by a box's reach at both ends.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "sums are below 2²⁸, and their last bits are less than a step of the average"
    )]
    fn pass<const N: usize>(&self, from: &[[u16; N]], to: &mut [[u16; N]]) -> usize {
        let reach = self.radius + 1;
        let length = from.len() - 2 * reach;
        let mut sums = [0_i32; N];
        for pixel in &from[1..2 * reach] {
            for (sum, sample) in sums.iter_mut().zip(pixel) {
                *sum += i32::from(*sample);
            }
        }
        let windows = from.iter().zip(&from[1..]).zip(&from[2 * reach..]);
        for (out, ((before, leaving), entering)) in to[..length].iter_mut().zip(windows) {
            for channel in 0..N {
                let ends = i32::from(before[channel]) + i32::from(entering[channel]);
                let value = sums[channel] as f32 * self.inner + ends as f32 * self.outer;
                out[channel] = (value + 0.5) as u16;
                sums[channel] += i32::from(entering[channel]) - i32::from(leaving[channel]);
            }
        }
        length
    }
}
