//! Differences of what effects make from what they should.

use super::reference::Plane;
use crate::difference::{linear, over};

/// Of two pictures of one size.
#[derive(Debug)]
pub struct Difference {
    /// The mean ΔE2000.
    pub mean: f64,
    /// The largest.
    pub most: f64,
    /// The largest difference of alpha, in levels of 8 bits.
    pub alpha: f64,
}

/// The worse of the differences on black and on white.
pub fn difference(one: &Plane, two: &Plane) -> Difference {
    let pairs = || one.pixels.iter().zip(&two.pixels);
    let [black, white] =
        [0.0, 1.0].map(|ground| over(pairs().map(|(a, b)| (on(a, ground), on(b, ground)))));
    let alpha = pairs().map(|(a, b)| (a[3] - b[3]).abs() * 255.0).fold(0.0, f64::max);
    Difference { mean: black.mean.max(white.mean), most: black.most.max(white.most), alpha }
}

/// A pixel in linear light, laid on grey of so much light.
fn on(pixel: &[f64; 4], ground: f64) -> [f64; 3] {
    let [r, g, b, alpha] = *pixel;
    [r, g, b].map(|value| linear(value) * alpha + ground * (1.0 - alpha))
}
