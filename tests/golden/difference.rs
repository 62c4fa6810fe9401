//! How far two pictures are apart, as people see it: CIEDE2000 (CIE 142-2001), with the equations
//! and the test data of Sharma, Wu and Dalal (2005).

use std::fmt;

use image::RgbaImage;

/// The difference of two pictures, in CIEDE2000.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Difference {
    /// Of all pixels.
    pub(crate) mean: f64,
    /// Of the pixel that differs most.
    pub(crate) most: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mean {:.3}, most {:.2}", self.mean, self.most)
    }
}

/// Compares what is seen on white and on black: alpha counts by what shows through. An error says
/// that the sizes differ.
pub(crate) fn between(ours: &RgbaImage, reference: &RgbaImage) -> Result<Difference, String> {
    if ours.dimensions() != reference.dimensions() {
        return Err(format!("{:?} instead of {:?}", ours.dimensions(), reference.dimensions()));
    }
    let (mut sum, mut most) = (0.0, 0.0_f64);
    for (a, b) in ours.pixels().zip(reference.pixels()) {
        for paper in [0.0, 255.0] {
            let difference = ciede2000(lab(on(a.0, paper)), lab(on(b.0, paper)));
            sum += difference / 2.0;
            most = most.max(difference);
        }
    }
    Ok(Difference { mean: sum / f64::from(ours.width() * ours.height()), most })
}

/// Laid on paper, 0–255.
fn on([r, g, b, alpha]: [u8; 4], paper: f64) -> [f64; 3] {
    let alpha = f64::from(alpha) / 255.0;
    [r, g, b].map(|value| f64::from(value) * alpha + paper * (1.0 - alpha))
}

/// CIE L*a*b* under D65 of sRGB, 0–255.
fn lab(rgb: [f64; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|value| imaging::colour::to_linear(value / 255.0));
    let x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047;
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883;
    let [x, y, z] = [x, y, z].map(|t| {
        if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn ciede2000([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let seventh = |c: f64| (c.powi(7) / (c.powi(7) + 25.0_f64.powi(7))).sqrt();
    let mean_chroma = f64::midpoint(a1.hypot(b1), a2.hypot(b2));
    let stretch = 1.0 + 0.5 * (1.0 - seventh(mean_chroma));
    let (a1, a2) = (a1 * stretch, a2 * stretch);
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| {
        if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) }
    };
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let turn = match h2 - h1 {
        _ if grey => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let mean_hue = match h1 + h2 {
        sum if grey => sum,
        sum if (h1 - h2).abs() <= 180.0 => sum / 2.0,
        sum if sum < 360.0 => sum / 2.0 + 180.0,
        sum => sum / 2.0 - 180.0,
    };
    let (dl, dc) = (l2 - l1, c2 - c1);
    let dh = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();
    let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let cosine = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cosine(mean_hue - 30.0)
        + 0.24 * cosine(2.0 * mean_hue)
        + 0.32 * cosine(3.0 * mean_hue + 6.0)
        - 0.20 * cosine(4.0 * mean_hue - 63.0);
    let from_middle = (l - 50.0).powi(2);
    let sl = 1.0 + 0.015 * from_middle / (20.0 + from_middle).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let angle = 60.0 * (-((mean_hue - 275.0) / 25.0).powi(2)).exp();
    let rotation = -angle.to_radians().sin() * 2.0 * seventh(c);
    let (dl, dc, dh) = (dl / sl, dc / sc, dh / sh);
    (dl * dl + dc * dc + dh * dh + rotation * dc * dh).sqrt()
}

#[test]
fn the_measure_gives_what_was_published() {
    // From table 1 of Sharma, Wu and Dalal: pairs 1, 4, 7, 10, 14, 17, 20, 25, 29, 34.
    for (a, b, wanted) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, -1.3802, -84.2814], [50.0, 0.0, -82.7485], 1.0000),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0010], 7.1792),
        ([50.0, -0.001, 2.49], [50.0, 0.0011, -2.49], 4.7461),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([50.0, 2.5, 0.0], [58.0, 24.0, 15.0], 19.4535),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ([22.7233, 20.0904, -46.694], [23.0331, 14.9730, -42.5619], 2.0373),
        ([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082),
    ] {
        let found = ciede2000(a, b);
        assert!((found - wanted).abs() < 1e-4, "{a:?} and {b:?}: {found} instead of {wanted}");
    }
}
