//! Turning by any angle.

use crate::canvas::Canvas;
use crate::colour::Rgba;
use crate::steps::with;

/// The picture turned clockwise around its middle, on a canvas that holds all of it. Each pixel of
/// the result is read from its place in the picture by cubic convolution (Keys 1981, a = −½);
/// what lies outside is the background.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples are cut to 16 bits, places to the picture"
)]
pub(super) fn rotated(canvas: &Canvas, degrees: f64, background: Rgba) -> Canvas {
    let from = canvas.widened(with(canvas.channels, background));
    let mut out = Canvas::empty(from.size.rotated(degrees), from.channels);
    let channels = from.channels.count();
    let fill = from.channels.of(background);
    let (sine, cosine) = libm::sincos(degrees.to_radians());
    let middle = |side: u32| (f64::from(side) - 1.0) / 2.0;
    let (to_x, to_y) = (middle(out.size.width), middle(out.size.height));
    let (from_x, from_y) = (middle(from.size.width), middle(from.size.height));
    let width = out.size.width as usize;
    for (y, row) in (0_u32..).zip(out.samples.chunks_exact_mut(width * channels)) {
        for (x, pixel) in (0_u32..).zip(row.chunks_exact_mut(channels)) {
            let (dx, dy) = (f64::from(x) - to_x, f64::from(y) - to_y);
            let u = dx * cosine + dy * sine + from_x;
            let v = dy * cosine - dx * sine + from_y;
            let mut sums = [0.0; 4];
            let (left, top) = (u.floor(), v.floor());
            let (across, down) = (weights(u - left), weights(v - top));
            for (line, wy) in (top as i64 - 1..).zip(down) {
                for (column, wx) in (left as i64 - 1..).zip(across) {
                    let inside = (0..i64::from(from.size.width)).contains(&column)
                        && (0..i64::from(from.size.height)).contains(&line);
                    let sample = if inside {
                        let at =
                            (line as usize * from.size.width as usize + column as usize) * channels;
                        &from.samples[at..at + channels]
                    } else {
                        &fill[..channels]
                    };
                    for (sum, value) in sums.iter_mut().zip(sample) {
                        *sum += wx * wy * f64::from(*value);
                    }
                }
            }
            // At an edge alpha overshoots with the colour: cut alone, it would leave that too light.
            let alpha = if from.channels.has_alpha() { sums[channels - 1] } else { 0.0 };
            let over = (alpha / 65_535.0).max(1.0);
            for (out, sum) in pixel.iter_mut().zip(sums) {
                *out = (sum / over + 0.5).clamp(0.0, 65_535.0) as u16;
            }
        }
    }
    out
}

/// The weights of the pixels at −1, 0, 1 and 2 for a place between 0 and 1.
fn weights(at: f64) -> [f64; 4] {
    let (a, b, c) = (at, at * at, at * at * at);
    [
        -0.5 * a + b - 0.5 * c,
        1.0 - 2.5 * b + 1.5 * c,
        0.5 * a + 2.0 * b - 1.5 * c,
        -0.5 * b + 0.5 * c,
    ]
}
