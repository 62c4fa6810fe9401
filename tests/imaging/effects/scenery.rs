//! A landscape like a photograph, drawn for the pictures of docs/presets.md: sky with clouds, hills in
//! haze, a lake that mirrors them, a house with a red roof, a meadow with flowers.

use image::{DynamicImage, Rgb, RgbImage, imageops};

/// Smooth noise of 0–1 (Perlin's fractal sum over a lattice of hashes).
fn noise(x: f64, y: f64, octaves: u32) -> f64 {
    let corner = |x: i64, y: i64| {
        let hash = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca6b);
        let hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
        let hash = (hash ^ (hash >> 12)).wrapping_mul(0x297a_2d39);
        f64::from((hash ^ (hash >> 15)) >> 8) / f64::from(1 << 24)
    };
    let smooth = |t: f64| t * t * (3.0 - 2.0 * t);
    let mut sum = 0.0;
    for octave in 0..octaves {
        let scale = f64::from(1 << octave);
        let (u, v) = (x * scale, y * scale);
        let (left, top) = (u.floor(), v.floor());
        let (a, b) = (smooth(u - left), smooth(v - top));
        let at = |dx: i64, dy: i64| corner(left as i64 + dx, top as i64 + dy);
        let above = at(0, 0) * (1.0 - a) + at(1, 0) * a;
        let below = at(0, 1) * (1.0 - a) + at(1, 1) * a;
        sum += (above * (1.0 - b) + below * b) / scale / 2.0;
    }
    sum
}

fn mixed(from: [f64; 3], to: [f64; 3], at: f64) -> [f64; 3] {
    let at = at.clamp(0.0, 1.0);
    [0, 1, 2].map(|c| from[c] * (1.0 - at) + to[c] * at)
}

/// The sky and the hills before it; `v` runs down to the shore at 0.58.
fn distance(u: f64, v: f64) -> [f64; 3] {
    let mut colour = mixed([70.0, 130.0, 205.0], [225.0, 220.0, 205.0], v / 0.5);
    let cloud = (noise(u * 3.0 + 7.0, v * 7.0, 5) - 0.46) * 4.5 * (1.0 - v);
    colour = mixed(colour, [252.0, 248.0, 242.0], cloud);
    let sun = ((u - 0.78).powi(2) + (v - 0.2).powi(2) / 2.2).sqrt();
    colour = mixed(colour, [255.0, 246.0, 214.0], (0.16 - sun) * 7.0);
    let ridges = [
        (0.34, 0.17, 2.6, [140.0, 160.0, 190.0]),
        (0.43, 0.13, 4.0, [96.0, 122.0, 140.0]),
        (0.51, 0.09, 7.0, [52.0, 84.0, 66.0]),
    ];
    for (base, height, width, tone) in ridges {
        let edge = base + height * (0.5 - noise(u * width + base * 40.0, 3.0, 5)) * 2.0;
        if v > edge {
            let rough = (noise(u * 40.0, v * 60.0, 3) - 0.45) * 50.0 * base;
            let lit = tone.map(|c: f64| c + rough);
            colour = mixed(colour, lit, (v - edge) * 160.0);
        }
    }
    colour
}

fn colour(u: f64, v: f64) -> [f64; 3] {
    let shore = 0.58;
    let meadow = 0.8 - 0.06 * (u * 4.0).sin() + 0.02 * noise(u * 30.0, 1.0, 3);
    let (hx, hy) = ((u - 0.27) / 0.07, (v - 0.57) / 0.1);
    if hx.abs() < 1.0 && (0.0..0.62).contains(&hy) {
        let window = ((hx.abs() - 0.5) / 0.18).abs() < 1.0 && (hy - 0.28).abs() < 0.13;
        return if window { [60.0, 66.0, 80.0] } else { [238.0, 226.0, 204.0 - 20.0 * hx] };
    }
    if hy < 0.0 && hy > -0.75 && hx.abs() < (hy + 0.75) * 1.6 {
        return [188.0 - 18.0 * hx, 58.0 + 30.0 * noise(u * 90.0, v * 200.0, 2), 44.0];
    }
    if v < shore {
        return distance(u, v);
    }
    if v < meadow {
        let wave = (noise(u * 12.0, v * 120.0, 3) - 0.45) * 0.05;
        let mirrored = distance(u + wave, (2.0 * shore - v + wave).max(0.0));
        return mixed(mirrored, [40.0, 70.0, 95.0], 0.25 + (v - shore) * 1.2);
    }
    let blade = noise(u * 160.0, v * 40.0, 3) - 0.45;
    let mut grass = mixed([86.0, 122.0, 44.0], [40.0, 74.0, 26.0], (v - meadow) * 4.0);
    grass = grass.map(|c| c + blade * 70.0);
    let (cell_x, cell_y) = ((u * 34.0).floor(), (v * 24.0).floor());
    let pick = noise(cell_x * 1.37 + 0.5, cell_y * 2.11 + 0.5, 1);
    let (fx, fy) = ((u * 34.0).fract() - 0.5, (v * 24.0).fract() - 0.5);
    if pick > 0.33 && fx.hypot(fy) < 0.3 {
        let petals = [[236.0, 190.0, 40.0], [214.0, 60.0, 90.0], [245.0, 240.0, 235.0]];
        return petals[(pick * 1000.0) as usize % 3];
    }
    grass
}

/// Drawn four times as large and reduced, so that edges are as soft as a lens makes them.
pub fn scenery(width: u32, height: u32) -> DynamicImage {
    let (w, h) = (width * 4, height * 4);
    let large = RgbImage::from_fn(w, h, |x, y| {
        let (u, v) = (f64::from(x) / f64::from(w), f64::from(y) / f64::from(h));
        let grain = (noise(f64::from(x) * 0.7, f64::from(y) * 0.7, 1) - 0.25) * 14.0;
        Rgb(colour(u, v).map(|c| (c + grain).clamp(0.0, 255.0) as u8))
    });
    imageops::resize(&large, width, height, imageops::FilterType::Triangle).into()
}
