//! Brightness and colour differences to RGB (ITU-T H.273, 8.3).

/// Samples of colour for those of brightness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampling {
    /// No colour.
    Mono,
    /// 4:2:0.
    Quarter,
    /// 4:2:2.
    Half,
    /// 4:4:4.
    Full,
}

/// A picture as it was coded. Each plane comes with the samples from one row to the next.
pub(crate) struct Planes {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Bits of a sample: 8, 10 or 12.
    pub(crate) bits: u32,
    pub(crate) sampling: Sampling,
    pub(crate) y: (Vec<u16>, usize),
    pub(crate) u: (Vec<u16>, usize),
    pub(crate) v: (Vec<u16>, usize),
}

impl Planes {
    /// Brightness of a pixel, 0–1.
    pub(crate) fn brightness(&self, x: usize, y: usize, full: bool) -> f32 {
        let (offset, scale) = luma(self.bits, full);
        (at(&self.y, x, y) - offset) * scale
    }
}

/// What is subtracted from brightness, and what it is then multiplied by (H.273, 8.3, equations
/// 20–25).
fn luma(bits: u32, full: bool) -> (f32, f32) {
    let unit = most(bits - 8) + 1.0;
    if full { (0.0, 1.0 / most(bits)) } else { (16.0 * unit, 1.0 / (219.0 * unit)) }
}

#[expect(clippy::cast_precision_loss, reason = "at most 16 bits")]
fn most(bits: u32) -> f32 {
    ((1_u32 << bits) - 1) as f32
}

fn at((samples, stride): &(Vec<u16>, usize), x: usize, y: usize) -> f32 {
    samples.get(y * stride + x).map_or(0.0, |value| f32::from(*value))
}

/// How brightness and differences make colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix {
    kind: Kind,
    full: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Green, blue, red.
    Identity,
    YCgCo,
    /// By the weights of red and blue.
    Weights(f32, f32),
}

impl Matrix {
    /// Of H.273, table 4; `None` for what is not known here. What is unspecified is BT.601, as
    /// libavif has it.
    pub(crate) fn new(number: u8, full: bool) -> Option<Matrix> {
        let kind = match number {
            0 => Kind::Identity,
            1 => Kind::Weights(0.2126, 0.0722),
            4 => Kind::Weights(0.30, 0.11),
            2 | 5 | 6 => Kind::Weights(0.299, 0.114),
            7 => Kind::Weights(0.212, 0.087),
            8 => Kind::YCgCo,
            9 => Kind::Weights(0.2627, 0.0593),
            _ => return None,
        };
        Some(Matrix { kind, full })
    }

    pub(crate) fn of(self, planes: &Planes) -> Conversion<'_> {
        Conversion { planes, matrix: self, luma: luma(planes.bits, self.full) }
    }
}

pub(crate) struct Conversion<'a> {
    planes: &'a Planes,
    matrix: Matrix,
    luma: (f32, f32),
}

impl Conversion<'_> {
    /// Red, green and blue of a pixel, 0–1 or a little beyond.
    #[expect(clippy::many_single_char_names, reason = "the components as H.273 names them")]
    pub(crate) fn pixel(&self, x: usize, y: usize) -> [f32; 3] {
        let bright = (at(&self.planes.y, x, y) - self.luma.0) * self.luma.1;
        if self.planes.sampling == Sampling::Mono {
            return [bright; 3];
        }
        let (u, v) = self.differences(x, y);
        if let Kind::Identity = self.matrix.kind {
            let part = |value| (value - self.luma.0) * self.luma.1;
            return [part(v), bright, part(u)];
        }
        let bits = self.planes.bits;
        let middle = 0.5 * most(bits) + 0.5;
        let scale = if self.matrix.full {
            1.0 / most(bits)
        } else {
            1.0 / (224.0 * (most(bits - 8) + 1.0))
        };
        let (u, v) = ((u - middle) * scale, (v - middle) * scale);
        match self.matrix.kind {
            Kind::Weights(red, blue) => {
                let r = bright + 2.0 * (1.0 - red) * v;
                let b = bright + 2.0 * (1.0 - blue) * u;
                [r, (bright - red * r - blue * b) / (1.0 - red - blue), b]
            }
            Kind::YCgCo | Kind::Identity => [bright - u + v, bright + u, bright - u - v],
        }
    }

    /// Colour differences at a pixel of brightness: those around it, weighted by how near they are.
    /// Samples lie in the middle of what they stand for.
    fn differences(&self, x: usize, y: usize) -> (f32, f32) {
        let planes = self.planes;
        let (across, down) = match planes.sampling {
            Sampling::Full | Sampling::Mono => return (at(&planes.u, x, y), at(&planes.v, x, y)),
            Sampling::Half => (true, false),
            Sampling::Quarter => (true, true),
        };
        let (x0, x1) = near(x, planes.width, across);
        let (y0, y1) = near(y, planes.height, down);
        let mix = |plane| {
            let row = |y| at(plane, x0, y) * 0.75 + at(plane, x1, y) * 0.25;
            if down { row(y0) * 0.75 + row(y1) * 0.25 } else { row(y0) }
        };
        (mix(&planes.u), mix(&planes.v))
    }
}

/// The nearest sample of colour, and the next nearest.
fn near(place: usize, side: u32, halved: bool) -> (usize, usize) {
    if !halved {
        return (place, place);
    }
    let last = (side as usize).div_ceil(2) - 1;
    let nearest = (place / 2).min(last);
    let next =
        if place.is_multiple_of(2) { nearest.saturating_sub(1) } else { (nearest + 1).min(last) };
    (nearest, next)
}
