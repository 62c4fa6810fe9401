//! Where the eye goes first: the part of a picture that a crop should keep.
//!
//! The picture is reduced to cells, at most 256 along its longer side, and each cell is weighed by
//! three things: how far its colour is from that of the whole picture (Achanta et al., "Frequency-tuned
//! Salient Region Detection", 2009), how much detail it has, and how much its colour is that of skin
//! (the latter two as `smartcrop.js` by Jonas Wagner defines them, skin with the heaviest weight, so
//! that a head is kept before a shirt). A crop of a given aspect can slide along one side only; it
//! is laid where the cells inside weigh most, those near its own edge counting less, and in the
//! middle where nothing weighs more than the rest. All of it is arithmetic without thread or chance.

use crate::canvas::{Canvas, Rectangle};
use crate::colour::srgb_of_linear;
use crate::effects::lab;
use crate::geometry::{Point, Size};

/// Cells along the longer side, at most.
const CELLS: u32 = 256;
/// Weights of a cell whose colour is as far from the mean as white from black, that is all detail,
/// or all skin. They were set on the drawn scenes of the tests and looked at on photographs.
const COLOUR: f32 = 1.0;
const DETAIL: f32 = 0.6;
const SKIN: f32 = 6.0;
/// How much more skin weighs at the top than at the bottom of a picture: a face is above its hands.
const UPPER: f32 = 0.8;
/// Colours further from the mean than this, in CIELAB, draw the eye no more.
const FAR: f32 = 50.0;
/// What the crop cuts through should be nothing: the weight of cells rises from 0 at its edge to 1
/// at this share of its length.
const EDGE: f64 = 0.15;
/// Offsets tried in each cell.
const STEPS: u32 = 4;

/// The largest part of the aspect of `size` that holds most of what draws the eye.
pub(crate) fn part(canvas: &Canvas, size: Size) -> Rectangle {
    let extent = canvas.extent;
    let middle = extent.around(Point::CENTRE, size);
    let (spare_x, spare_y) = (extent.width - middle.width, extent.height - middle.height);
    // Less than a pixel of room is none.
    if spare_x.max(spare_y) < 1.0 {
        return middle;
    }
    let cells = Cells::of(canvas);
    let weights = cells.weights();
    let width = cells.width;
    if spare_x > spare_y {
        let columns: Vec<f64> = (0..width)
            .map(|x| weights.iter().skip(x).step_by(width).map(|w| f64::from(*w)).sum())
            .collect();
        let offset = best(&columns, middle.width / cells.side, spare_x / cells.side);
        let left = (offset * cells.side).clamp(0.0, spare_x);
        Rectangle { left: extent.left + left, ..middle }
    } else {
        let rows: Vec<f64> = weights
            .chunks_exact(width)
            .map(|row| row.iter().map(|weight| f64::from(*weight)).sum())
            .collect();
        let offset = best(&rows, middle.height / cells.side, spare_y / cells.side);
        let top = (offset * cells.side).clamp(0.0, spare_y);
        Rectangle { top: extent.top + top, ..middle }
    }
}

/// Where a window of `length` lies best over a line of weights, with so much room: the offset with
/// the greatest sum, and of equals the one nearest the middle.
#[expect(clippy::cast_precision_loss, reason = "a few hundred cells")]
fn best(weights: &[f64], length: f64, room: f64) -> f64 {
    let middle = room / 2.0;
    let total: f64 = weights.iter().sum();
    let score = |offset: f64| -> f64 {
        let held = |(cell, weight): (usize, &f64)| {
            let at = (cell as f64 + 0.5 - offset) / length;
            weight * (at.min(1.0 - at) / EDGE).clamp(0.0, 1.0)
        };
        weights.iter().enumerate().map(held).sum()
    };
    // From the middle outwards, so that a further place has to be better by more than rounding.
    let mut found = (middle, score(middle));
    let mut step = 1;
    loop {
        let off = f64::from(step) / f64::from(STEPS);
        if off > middle {
            return found.0;
        }
        for offset in [middle - off, middle + off] {
            let score = score(offset);
            if score > found.1 + total * 1e-4 {
                found = (offset, score);
            }
        }
        step += 1;
    }
}

/// A picture reduced to squares.
struct Cells {
    width: usize,
    height: usize,
    /// The side of a cell in pixels of the picture.
    side: f64,
    /// Average linear light, premultiplied, and alpha.
    colours: Vec<[u16; 4]>,
}

impl Cells {
    fn of(canvas: &Canvas) -> Cells {
        let Size { width, height } = canvas.size;
        let side = width.max(height).div_ceil(CELLS).max(1);
        let (across, down) = (width.div_ceil(side) as usize, height.div_ceil(side) as usize);
        let channels = canvas.channels.count();
        let alpha = canvas.channels.has_alpha();
        let mut colours = Vec::with_capacity(across * down);
        let row = width as usize * channels;
        for band in canvas.samples.chunks(row * side as usize) {
            let mut sums = vec![[0_u64; 5]; across];
            for line in band.chunks_exact(row) {
                let pixels = line.chunks(channels * side as usize);
                for (sum, pixels) in sums.iter_mut().zip(pixels) {
                    for pixel in pixels.chunks_exact(channels) {
                        let colour = if channels < 3 {
                            [pixel[0]; 3]
                        } else {
                            [pixel[0], pixel[1], pixel[2]]
                        };
                        for (sum, sample) in sum.iter_mut().zip(colour) {
                            *sum += u64::from(sample);
                        }
                        let cover = if alpha { pixel[channels - 1] } else { u16::MAX };
                        sum[3] += u64::from(cover);
                        sum[4] += 1;
                    }
                }
            }
            colours.extend(sums.iter().map(|[red, green, blue, cover, count]| {
                [red, green, blue, cover]
                    .map(|sum| u16::try_from(sum / (*count).max(1)).unwrap_or(u16::MAX))
            }));
        }
        Cells { width: across, height: down, side: f64::from(side), colours }
    }

    /// What draws the eye in each cell.
    #[expect(clippy::cast_precision_loss, reason = "at most 65,536 cells, and places among them")]
    fn weights(&self) -> Vec<f32> {
        let light = |cell: &[u16; 4]| [cell[0], cell[1], cell[2]];
        let labs: Vec<[f32; 3]> = self.colours.iter().map(|cell| lab::lab(light(cell))).collect();
        let mut mean = [0.0_f32; 3];
        for lab in &labs {
            for (mean, value) in mean.iter_mut().zip(lab) {
                *mean += value / labs.len() as f32;
            }
        }
        let skins: Vec<f32> = self.colours.iter().map(|cell| skin(light(cell))).collect();
        // A wall of wood is no skin, nor is anything that is all over the picture.
        let usual = skins.iter().sum::<f32>() / skins.len() as f32;
        (0..labs.len())
            .map(|at| {
                let away: f32 = labs[at].iter().zip(mean).map(|(v, m)| (v - m) * (v - m)).sum();
                let colour = away.sqrt().min(FAR) / 100.0;
                let height = 1.0 - (at / self.width) as f32 / self.height as f32;
                let skin = (skins[at] - usual).max(0.0) * (1.0 + UPPER * (height - 0.5));
                let cover = f32::from(self.colours[at][3]) / 65_535.0;
                (COLOUR * colour + DETAIL * self.detail(&labs, at) + SKIN * skin) * cover
            })
            .collect()
    }

    /// How far the lightness of a cell is from that of its four neighbours: the Laplacian, 0–1.
    fn detail(&self, labs: &[[f32; 3]], at: usize) -> f32 {
        let (x, y) = (at % self.width, at / self.width);
        let beside = [
            at - usize::from(x > 0),
            at + usize::from(x + 1 < self.width),
            if y > 0 { at - self.width } else { at },
            if y + 1 < self.height { at + self.width } else { at },
        ];
        let around: f32 = beside.iter().map(|near| labs[*near][0]).sum();
        (4.0 * labs[at][0] - around).abs().min(100.0) / 100.0
    }
}

/// How much a colour is that of skin, 0–1: near in direction to the one that `smartcrop.js` was
/// tuned to, neither black nor white. Tones differ in light more than in direction.
fn skin(light: [u16; 3]) -> f32 {
    /// Red, green and blue of the tone, of length 1.
    const TONE: [f32; 3] = [0.735, 0.537, 0.415];
    /// Directions further from it than this are no skin.
    const FURTHEST: f32 = 0.13;
    let srgb = srgb_of_linear();
    let [red, green, blue] = light.map(|sample| f32::from(srgb[usize::from(sample)]) / 255.0);
    let length = (red * red + green * green + blue * blue).sqrt();
    let luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    if !(0.15..=0.95).contains(&luma) {
        return 0.0;
    }
    let [red, green, blue] = [red, green, blue].map(|value| value / length);
    let away = [red - TONE[0], green - TONE[1], blue - TONE[2]];
    let away = away.iter().map(|value| value * value).sum::<f32>().sqrt();
    (1.0 - away / FURTHEST).max(0.0)
}
