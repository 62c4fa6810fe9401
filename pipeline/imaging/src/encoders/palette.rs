//! A picture in 256 colours or fewer.

use std::collections::HashMap;

use quantette::deps::palette::Srgb;
use quantette::dither::FloydSteinberg;
use quantette::{ImageRef, PaletteSize, Pipeline};

use crate::canvas::Bitmap;
use crate::geometry::Size;

/// Bytes a pixel that choosing a palette needs: colours, those in Oklab, and indices.
pub(super) const MEMORY: u64 = 40;

/// Colours, and for each pixel the place of its own.
pub(super) struct Indexed {
    pub(super) colours: Vec<[u8; 3]>,
    /// One for each colour.
    pub(super) alphas: Vec<u8>,
    pub(super) indices: Vec<u8>,
    /// The colour of what is not seen.
    pub(super) clear: Option<u8>,
}

/// A palette of all its colours; `None` where there are more than 256. Opaque ones come last, so
/// that the list of alphas is short.
pub(super) fn exact(bitmap: &Bitmap) -> Option<Indexed> {
    let mut found: HashMap<[u8; 4], u8> = HashMap::new();
    let mut order = Vec::new();
    let mut indices = Vec::with_capacity(pixels(bitmap.size));
    for pixel in rgba(bitmap) {
        let next = order.len();
        let index = if let Some(index) = found.get(&pixel) {
            *index
        } else {
            let index = u8::try_from(next).ok()?;
            order.push(pixel);
            found.insert(pixel, index);
            index
        };
        indices.push(index);
    }
    let mut places: Vec<usize> = (0..order.len()).collect();
    places.sort_by_key(|place| (order[*place][3] == u8::MAX, order[*place]));
    let mut renamed = [0; 256];
    for (to, from) in (0_u8..=255).zip(&places) {
        renamed[*from] = to;
    }
    for index in &mut indices {
        *index = renamed[usize::from(*index)];
    }
    let colours = places.iter().map(|p| [order[*p][0], order[*p][1], order[*p][2]]).collect();
    let alphas: Vec<u8> = places.iter().map(|place| order[*place][3]).collect();
    let clear = alphas.iter().position(|a| *a == 0).and_then(|place| u8::try_from(place).ok());
    Some(Indexed { colours, alphas, indices, clear })
}

impl Indexed {
    /// With a colour of what is not seen; `None` where there is no room for it.
    pub(super) fn cleared(mut self) -> Option<Indexed> {
        if self.clear.is_none() {
            self.clear = Some(u8::try_from(self.colours.len()).ok()?);
            self.colours.push([0, 0, 0]);
            self.alphas.push(0);
        }
        Some(self)
    }
}

/// The best 256 colours (Wu 1992, in Oklab), errors spread by Floyd and Steinberg (1976), where
/// that looks the same; `None` where it does not, or where pixels are seen in part.
pub(super) fn close(bitmap: &Bitmap) -> Option<Indexed> {
    /// The largest mean difference in Oklab, in which 0.02 is just noticed side by side.
    const SAME: f64 = 0.008;
    let indexed = quantised(bitmap, false)?;
    let partly = bitmap.channels.has_alpha()
        && rgba(bitmap).any(|[.., alpha]| alpha != 0 && alpha != u8::MAX);
    (!partly && difference(bitmap, &indexed) <= SAME).then_some(indexed)
}

/// The best 256 colours, whatever it looks like: half-transparent pixels are seen or not. Where it
/// is `cleared` one of them is of what is not seen, also where no pixel is.
pub(super) fn quantised(bitmap: &Bitmap, cleared: bool) -> Option<Indexed> {
    let clear =
        cleared || bitmap.channels.has_alpha() && rgba(bitmap).any(|[.., alpha]| alpha < 128);
    let colours: Vec<Srgb<u8>> = {
        // What is not seen takes the colour before it, so that no error is spread from it.
        let mut last = Srgb::new(0, 0, 0);
        rgba(bitmap)
            .map(|[red, green, blue, alpha]| {
                if alpha >= 128 {
                    last = Srgb::new(red, green, blue);
                }
                last
            })
            .collect()
    };
    let image = ImageRef::new(bitmap.size.width, bitmap.size.height, &colours[..]).ok()?;
    let most: u16 = if clear { 255 } else { 256 };
    let indexed = Pipeline::new()
        .palette_size(PaletteSize::try_from(most).ok()?)
        .ditherer(FloydSteinberg::new())
        .input_image(image)
        .output_srgb8_indexed_image();
    let mut colours: Vec<[u8; 3]> =
        indexed.palette().iter().map(|c| [c.red, c.green, c.blue]).collect();
    let mut alphas = vec![u8::MAX; colours.len()];
    let mut indices = indexed.indices().to_vec();
    let mut place = None;
    if clear {
        let index = u8::try_from(colours.len()).ok()?;
        colours.push([0, 0, 0]);
        alphas.push(0);
        for (out, [.., alpha]) in indices.iter_mut().zip(rgba(bitmap)) {
            if alpha < 128 {
                *out = index;
            }
        }
        place = Some(index);
    }
    Some(Indexed { colours, alphas, indices, clear: place })
}

/// The mean distance in Oklab (Ottosson 2020), each taken over 2×2 pixels, because the eye averages
/// what the spreading of errors has set side by side.
fn difference(bitmap: &Bitmap, indexed: &Indexed) -> f64 {
    let width = bitmap.size.width as usize;
    let mut sum = 0.0;
    let mut count = 0.0;
    let true_colours: Vec<[u8; 4]> = rgba(bitmap).collect();
    let rows = true_colours.chunks_exact(width).zip(indexed.indices.chunks_exact(width));
    let rows: Vec<_> = rows.collect();
    for pair in rows.chunks(2) {
        for left in (0..width).step_by(2) {
            let (mut wanted, mut given, mut pixels) = ([0.0; 3], [0.0; 3], 0.0);
            for (colours, indices) in pair {
                for at in left..(left + 2).min(width) {
                    let chosen = indexed.colours[usize::from(indices[at])];
                    for channel in 0..3 {
                        wanted[channel] += f64::from(colours[at][channel]);
                        given[channel] += f64::from(chosen[channel]);
                    }
                    pixels += 1.0;
                }
            }
            let [a, b] = [wanted, given].map(|rgb| oklab(rgb.map(|value| value / pixels)));
            let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
            sum += square.sqrt();
            count += 1.0;
        }
    }
    sum / count
}

/// Oklab of 8-bit sRGB.
fn oklab(rgb: [f64; 3]) -> [f64; 3] {
    const CONES: [[f64; 3]; 3] = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ];
    const LAB: [[f64; 3]; 3] = [
        [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
        [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
        [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
    ];
    let times =
        |matrix: [[f64; 3]; 3], [x, y, z]: [f64; 3]| matrix.map(|[a, b, c]| a * x + b * y + c * z);
    let light = rgb.map(|value| crate::colour::to_linear(value / 255.0));
    times(LAB, times(CONES, light).map(libm::cbrt))
}

fn pixels(size: Size) -> usize {
    size.width as usize * size.height as usize
}

/// Every pixel as red, green, blue and alpha.
pub(super) fn rgba(bitmap: &Bitmap) -> impl Iterator<Item = [u8; 4]> {
    bitmap.samples.chunks_exact(bitmap.channels.count()).map(|pixel| match *pixel {
        [grey] => [grey, grey, grey, u8::MAX],
        [grey, alpha] => [grey, grey, grey, alpha],
        [red, green, blue] => [red, green, blue, u8::MAX],
        [red, green, blue, alpha, ..] => [red, green, blue, alpha],
        [] => [0; 4],
    })
}
