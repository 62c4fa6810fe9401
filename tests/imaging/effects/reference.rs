//! The definitions in 64-bit floats, as plainly as they can be written: no table, no rounding, no
//! shortcut. Nothing here is shared with the crate.

#![expect(clippy::cast_possible_wrap, reason = "places in small pictures, and beside them")]

use image::DynamicImage;

use crate::difference::{lab, linear};

/// A picture in values of 0–1 as sRGB encodes them, alpha straight.
#[derive(Clone)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[f64; 4]>,
}

pub fn encoded(light: f64) -> f64 {
    let light = light.clamp(0.0, 1.0);
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// A colour written `#rrggbb` or `#rrggbbaa`.
pub fn colour(text: &str) -> [f64; 4] {
    let byte = |at: usize| {
        text.get(at..at + 2).map_or(1.0, |d| f64::from(u8::from_str_radix(d, 16).unwrap()) / 255.0)
    };
    [byte(1), byte(3), byte(5), byte(7)]
}

impl Plane {
    pub fn of(picture: &DynamicImage) -> Plane {
        let rgba = picture.to_rgba8();
        let pixels = rgba.pixels().map(|p| p.0.map(|value| f64::from(value) / 255.0)).collect();
        Plane { width: rgba.width() as usize, height: rgba.height() as usize, pixels }
    }

    pub fn at(&self, x: usize, y: usize) -> [f64; 4] {
        self.pixels[y * self.width + x]
    }

    /// Each pixel from its place and itself; results are cut to 0–1.
    pub fn mapped(&self, map: impl Fn(usize, usize, [f64; 4]) -> [f64; 4]) -> Plane {
        let places = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        let pixels = places.map(|(x, y)| map(x, y, self.at(x, y)).map(|v| v.clamp(0.0, 1.0)));
        Plane { pixels: pixels.collect(), ..*self }
    }

    /// Red, green and blue of each pixel; alpha stays.
    pub fn colours(&self, map: impl Fn([f64; 3]) -> [f64; 3]) -> Plane {
        self.mapped(|_, _, [r, g, b, alpha]| {
            let [r, g, b] = map([r, g, b]);
            [r, g, b, alpha]
        })
    }

    pub fn mixed(&self, matrix: [[f64; 3]; 3]) -> Plane {
        self.colours(|seen| {
            matrix.map(|row| row[0] * seen[0] + row[1] * seen[1] + row[2] * seen[2])
        })
    }

    /// Premultiplied, in linear light or as encoded.
    fn multiplied(&self, of: impl Fn(f64) -> f64) -> Vec<[f64; 4]> {
        let pixel = |&[r, g, b, alpha]: &[f64; 4]| {
            let [r, g, b] = [r, g, b].map(|value| of(value) * alpha);
            [r, g, b, alpha]
        };
        self.pixels.iter().map(pixel).collect()
    }

    fn divided(&self, pixels: &[[f64; 4]], of: impl Fn(f64) -> f64) -> Plane {
        let pixel = |&[r, g, b, alpha]: &[f64; 4]| {
            let [r, g, b] =
                [r, g, b].map(|value| if alpha > 0.0 { of(value / alpha) } else { 0.0 });
            [r, g, b, alpha]
        };
        Plane { pixels: pixels.iter().map(pixel).collect(), ..*self }
    }

    /// A Gaussian of six standard deviations each way, with the border going on.
    pub fn blurred(&self, sigma: f64) -> Plane {
        let light = self.multiplied(linear);
        self.divided(&convolved(&light, self.width, self.height, sigma), encoded)
    }

    /// The mistake that everyone makes: the same on encoded values.
    pub fn blurred_without_light(&self, sigma: f64) -> Plane {
        let values = self.multiplied(|value| value);
        self.divided(&convolved(&values, self.width, self.height, sigma), |value| value)
    }

    /// Each pixel from the average, in light, of some of the picture.
    pub fn averaged(
        &self,
        columns: std::ops::Range<usize>,
        rows: std::ops::Range<usize>,
    ) -> [f64; 4] {
        let mut sums = [0.0; 4];
        for y in rows.clone() {
            for x in columns.clone() {
                let [r, g, b, alpha] = self.at(x, y);
                let [r, g, b] = [r, g, b].map(|value| linear(value) * alpha);
                for (sum, value) in sums.iter_mut().zip([r, g, b, alpha]) {
                    *sum += value;
                }
            }
        }
        sums.map(|sum| sum / (columns.len() * rows.len()) as f64)
    }

    /// An average as a pixel.
    pub fn seen([r, g, b, alpha]: [f64; 4]) -> [f64; 4] {
        let [r, g, b] =
            [r, g, b].map(|value| if alpha > 0.0 { encoded(value / alpha) } else { 0.0 });
        [r, g, b, alpha]
    }

    /// The difference of a measure of each pixel from the same blurred, blind to what is
    /// transparent.
    pub fn differences(&self, sigma: f64, measure: impl Fn([f64; 3]) -> f64) -> Vec<f64> {
        let measures: Vec<[f64; 4]> = self
            .pixels
            .iter()
            .map(|&[r, g, b, alpha]| [measure([r, g, b]) * alpha, 0.0, 0.0, alpha])
            .collect();
        let around = convolved(&measures, self.width, self.height, sigma);
        let pairs = self.pixels.iter().zip(around);
        pairs.map(|(&[r, g, b, _], m)| measure([r, g, b]) - m[0] / m[3].max(1e-9)).collect()
    }

    /// Another picture laid over this one.
    pub fn under(&self, over: &Plane, left: isize, top: isize, opacity: f64) -> Plane {
        let marks = over.multiplied(linear);
        let under = self.multiplied(linear);
        let mut out = under.clone();
        for y in 0..self.height {
            for x in 0..self.width {
                let (u, v) = (x as isize - left, y as isize - top);
                let inside =
                    (0..over.width as isize).contains(&u) && (0..over.height as isize).contains(&v);
                if !inside {
                    continue;
                }
                let mark = marks[v as usize * over.width + u as usize].map(|m| m * opacity);
                let pixel = &mut out[y * self.width + x];
                for (value, above) in pixel.iter_mut().zip(mark) {
                    *value = above + *value * (1.0 - mark[3]);
                }
            }
        }
        self.divided(&out, encoded)
    }
}

fn convolved(pixels: &[[f64; 4]], width: usize, height: usize, sigma: f64) -> Vec<[f64; 4]> {
    let reach = (6.0 * sigma).ceil() as isize;
    let bell = |at: isize| (-(at as f64 / sigma).powi(2) / 2.0).exp();
    let sum: f64 = (-reach..=reach).map(bell).sum();
    let weights: Vec<(isize, f64)> = (-reach..=reach).map(|at| (at, bell(at) / sum)).collect();
    let along = |pixels: &[[f64; 4]], step: fn(usize, usize, isize) -> (isize, isize)| {
        let mut out = Vec::with_capacity(pixels.len());
        for y in 0..height {
            for x in 0..width {
                let mut sums = [0.0; 4];
                for (at, weight) in &weights {
                    let (u, v) = step(x, y, *at);
                    let u = u.clamp(0, width as isize - 1) as usize;
                    let v = v.clamp(0, height as isize - 1) as usize;
                    for (sum, value) in sums.iter_mut().zip(pixels[v * width + u]) {
                        *sum += weight * value;
                    }
                }
                out.push(sums);
            }
        }
        out
    };
    let across = along(pixels, |x, y, at| (x as isize + at, y as isize));
    along(&across, |x, y, at| (x as isize, y as isize + at))
}

pub fn lab_of(seen: [f64; 3]) -> [f64; 3] {
    lab(seen.map(linear))
}

/// Back from CIELAB; what sRGB does not have is cut.
pub fn of_lab([lightness, a, b]: [f64; 3]) -> [f64; 3] {
    let y = (lightness + 16.0) / 116.0;
    let unbent =
        |t: f64| if t > 6.0 / 29.0 { t.powi(3) } else { (116.0 * t - 16.0) * 27.0 / 24_389.0 };
    let (x, y, z) = (unbent(y + a / 500.0) * 0.950_47, unbent(y), unbent(y - b / 200.0) * 1.088_83);
    [
        3.240_454_2 * x - 1.537_138_5 * y - 0.498_531_4 * z,
        -0.969_266 * x + 1.876_010_8 * y + 0.041_556 * z,
        0.055_643_4 * x - 0.204_025_9 * y + 1.057_225_2 * z,
    ]
    .map(encoded)
}
