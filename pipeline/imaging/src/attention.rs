//! Where the eye goes first: the part of a picture that a crop should keep.
//!
//! The picture is reduced to cells, at most 256 along its longer side, and each cell is weighed by
//! three things: how far the colour around it is from that further out, at several sizes (Itti, Koch
//! and Niebur 1998; with averages over squares as Achanta et al., "Salient Region Detection and
//! Segmentation", 2008), how steep its lightness is, and how much its colour is that of skin (as
//! `smartcrop.js` by Jonas Wagner defines it). Each counts as a share of what all cells have of it, so
//! that a picture full of one thing is decided by the others. A crop of a given aspect can slide along
//! one side only; it is laid where the cells inside weigh most, those near its own edge counting less,
//! and in the middle where nothing weighs more than the rest. All of it is arithmetic without thread or
//! chance.

use crate::canvas::{Canvas, Rectangle};
use crate::colour::srgb_of_linear;
use crate::effects::lab;
use crate::geometry::{Point, Size};

/// Cells along the longer side, at most.
const CELLS: u32 = 256;
/// Weights of all contrast, all detail and all skin of a picture. Of 19 crops of photographs, marked by
/// hand before, these keep 0.79 of what matters and the middle 0.65 (`tests/imaging/photographs.rs`); they
/// were chosen on these very crops, so on others they may be worth less.
/// Detail counts little: from none to twice as much they keep 0.78 and more. Half of the skin loses the
/// dark portrait that `tests/imaging/attention.rs` draws; half as much again keeps 0.69 of what matters.
const CONTRAST: f32 = 1.0;
const DETAIL: f32 = 0.3;
const SKIN: f32 = 0.4;
/// Of less than this in a cell on average there is nothing to be seen: in CIELAB, and shares of skin.
const LEAST: f32 = 1.0;
const LEAST_SKIN: f32 = 0.02;
/// What is compared: squares that reach so far from a cell, as shares of the longer side, with
/// squares that reach twice as far.
const REACH: [f64; 4] = [0.02, 0.04, 0.08, 0.15];
/// How much more skin weighs at the top than at the bottom of a picture: a face is above its hands.
const UPPER: f32 = 0.8;
/// What the crop cuts through should be nothing: the weight of cells rises from 0 at its edge to 1
/// at this share of its length.
const EDGE: f64 = 0.3;
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
    #[expect(clippy::cast_precision_loss, reason = "at most 256 rows")]
    fn weights(&self) -> Vec<f32> {
        let light = |cell: &[u16; 4]| [cell[0], cell[1], cell[2]];
        let labs: Vec<[f32; 3]> = self.colours.iter().map(|cell| lab::lab(light(cell))).collect();
        let mut skins: Vec<f32> = self.colours.iter().map(|cell| skin(light(cell))).collect();
        // A wall of wood is no skin, nor is anything that is all over the picture.
        let usual = mean(&skins);
        for (at, skin) in skins.iter_mut().enumerate() {
            let height = 1.0 - (at / self.width) as f32 / self.height as f32;
            *skin = (*skin - usual).max(0.0) * (1.0 + UPPER * (height - 0.5));
        }
        let details: Vec<f32> = (0..labs.len()).map(|at| self.detail(&labs, at)).collect();
        let contrasts = self.contrasts(&labs);
        let shares = [
            (CONTRAST / mean(&contrasts).max(LEAST), contrasts),
            (DETAIL / mean(&details).max(LEAST), details),
            (SKIN / mean(&skins).max(LEAST_SKIN), skins),
        ];
        let weight = |at: usize| -> f32 {
            let cover = f32::from(self.colours[at][3]) / 65_535.0;
            shares.iter().map(|(share, values)| share * values[at]).sum::<f32>() * cover
        };
        (0..labs.len()).map(weight).collect()
    }

    /// How far the colour around each cell is from that further out, summed over [`REACH`].
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "shares of at most 256 cells"
    )]
    fn contrasts(&self, labs: &[[f32; 3]]) -> Vec<f32> {
        let sums = Integral::of(labs, self.width);
        let longer = self.width.max(self.height) as f64;
        let reaches = REACH.map(|share| ((share * longer).round() as usize).max(1));
        let contrast = |at: usize| -> f32 {
            let place = (at % self.width, at / self.width);
            let apart = |reach: usize| {
                let (near, far) = (sums.mean(place, reach), sums.mean(place, 2 * reach));
                near.iter().zip(far).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
            };
            reaches.into_iter().map(apart).sum::<f64>() as f32
        };
        (0..labs.len()).map(contrast).collect()
    }

    /// How steep the lightness is at a cell: the length of the gradient, by central differences.
    fn detail(&self, labs: &[[f32; 3]], at: usize) -> f32 {
        let (x, y) = (at % self.width, at / self.width);
        let lightness = |at: usize| labs[at][0];
        let inside = |at: usize, most: usize| at > 0 && at + 1 < most;
        let across =
            if inside(x, self.width) { lightness(at + 1) - lightness(at - 1) } else { 0.0 };
        let down = if inside(y, self.height) {
            lightness(at + self.width) - lightness(at - self.width)
        } else {
            0.0
        };
        (across * across + down * down).sqrt()
    }
}

/// An integral image (Crow 1984): sums over rectangles from the top left, four of which give any other.
struct Integral {
    width: usize,
    height: usize,
    /// One more of each than there are columns and rows.
    sums: Vec<[f64; 3]>,
}

impl Integral {
    fn of(labs: &[[f32; 3]], width: usize) -> Integral {
        let height = labs.len() / width.max(1);
        let mut sums = vec![[0.0; 3]; (width + 1) * (height + 1)];
        for y in 0..height {
            let mut row = [0.0_f64; 3];
            for x in 0..width {
                for (sum, value) in row.iter_mut().zip(labs[y * width + x]) {
                    *sum += f64::from(value);
                }
                let above = sums[y * (width + 1) + x + 1];
                let sum = &mut sums[(y + 1) * (width + 1) + x + 1];
                *sum = [row[0] + above[0], row[1] + above[1], row[2] + above[2]];
            }
        }
        Integral { width, height, sums }
    }

    /// The average over a square around a cell, as far as it is in the picture.
    #[expect(clippy::cast_precision_loss, reason = "at most 65,536 cells")]
    fn mean(&self, (x, y): (usize, usize), reach: usize) -> [f64; 3] {
        let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(self.width));
        let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(self.height));
        let at = |x: usize, y: usize| self.sums[y * (self.width + 1) + x];
        let corners = [at(right, bottom), at(left, top), at(right, top), at(left, bottom)];
        let count = ((right - left) * (bottom - top)) as f64;
        [0, 1, 2].map(|c| (corners[0][c] + corners[1][c] - corners[2][c] - corners[3][c]) / count)
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most 65,536 cells")]
fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
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
