//! Differences of colours as people see them: CIEDE2000 (Sharma, Wu and Dalal 2005).

use super::reference::{Plane, linear};

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
    let mut found = Difference { mean: 0.0, most: 0.0, alpha: 0.0 };
    for ground in [0.0, 1.0] {
        let mut sum = 0.0;
        for (a, b) in one.pixels.iter().zip(&two.pixels) {
            let delta = delta_e(lab(on(a, ground)), lab(on(b, ground)));
            sum += delta;
            found.most = found.most.max(delta);
            found.alpha = found.alpha.max((a[3] - b[3]).abs() * 255.0);
        }
        found.mean = found.mean.max(sum / one.pixels.len() as f64);
    }
    found
}

/// A pixel in linear light, laid on grey of so much light.
fn on(pixel: &[f64; 4], ground: f64) -> [f64; 3] {
    let [r, g, b, alpha] = *pixel;
    [r, g, b].map(|value| linear(value) * alpha + ground * (1.0 - alpha))
}

pub fn lab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let bent = |t: f64| {
        if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 }
    };
    let x = bent((0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47);
    let y = bent(0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b);
    let z = bent((0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

pub fn delta_e([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let c_mean = f64::midpoint(a1.hypot(b1), a2.hypot(b2));
    let seventh = |c: f64| (c.powi(7) / (c.powi(7) + 25.0_f64.powi(7))).sqrt();
    let g = 0.5 * (1.0 - seventh(c_mean));
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| {
        if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) }
    };
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let mut turn = if grey { 0.0 } else { h2 - h1 };
    if turn > 180.0 {
        turn -= 360.0;
    } else if turn < -180.0 {
        turn += 360.0;
    }
    let (dl, dc) = (l2 - l1, c2 - c1);
    let dh = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();
    let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let h = if grey {
        h1 + h2
    } else if (h1 - h2).abs() <= 180.0 {
        f64::midpoint(h1, h2)
    } else if h1 + h2 < 360.0 {
        (h1 + h2 + 360.0) / 2.0
    } else {
        (h1 + h2 - 360.0) / 2.0
    };
    let cosine = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cosine(h - 30.0) + 0.24 * cosine(2.0 * h) + 0.32 * cosine(3.0 * h + 6.0)
        - 0.20 * cosine(4.0 * h - 63.0);
    let away = (l - 50.0).powi(2);
    let (sl, sc) = (1.0 + 0.015 * away / (20.0 + away).sqrt(), 1.0 + 0.045 * c);
    let sh = 1.0 + 0.015 * c * t;
    let theta = 30.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let rt = -(2.0 * theta).to_radians().sin() * 2.0 * seventh(c);
    let (l, c, h) = (dl / sl, dc / sc, dh / sh);
    (l * l + c * c + h * h + rt * c * h).sqrt()
}

/// Pairs of Sharma, Wu and Dalal's table 1, which each try another branch.
#[test]
fn the_measure_is_that_of_its_authors() {
    for (one, two, wanted) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, -1.3802, -84.2814], [50.0, 0.0, -82.7485], 1.0),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0011], 7.2195),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ([22.7233, 20.0904, -46.6940], [23.0331, 14.9730, -42.5619], 2.0373),
        ([2.0776, 0.0795, -1.1350], [0.9033, -0.0636, -0.5514], 0.9082),
    ] {
        assert!((delta_e(one, two) - wanted).abs() < 1e-4, "{one:?} {two:?}");
    }
}
