//! Work on the values that files carry: sRGB's encoding of light (IEC 61966-2-1), where CSS and SVG
//! define their effects, and colour without alpha.

use std::sync::LazyLock;

use crate::canvas::{Canvas, divided, times};
use crate::colour::{Rgba, linear_of_16, to_srgb};
use crate::formats::Channels;

/// Red, green and blue as sRGB encodes them, 0–1.
pub(super) type Encoded = [f32; 3];

static SRGB: LazyLock<Box<[f32]>> = LazyLock::new(|| {
    #[expect(clippy::cast_possible_truncation, reason = "values of 0–1 as 32-bit floats")]
    (0..=u16::MAX).map(|light| to_srgb(f64::from(light) / 65_535.0) as f32).collect()
});

/// The sRGB value, 0–1, of each linear light of 16 bits.
pub(super) fn srgb() -> &'static [f32; 65_536] {
    match SRGB.as_array() {
        Some(array) => array,
        None => unreachable!("the table has one entry for every index"),
    }
}

/// The linear light of an sRGB value; values outside 0–1 are cut.
pub(super) fn light(value: f32) -> u16 {
    linear_of_16()[usize::from(sixteen(value))]
}

/// A share as 16 bits, rounded; what is outside 0–1 is cut.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats are cut to the range"
)]
pub(super) fn sixteen(share: f32) -> u16 {
    (share * 65_535.0 + 0.5) as u16
}

/// The colour of presets as sRGB encodes it, alpha aside.
pub(super) fn encoded(colour: Rgba) -> Encoded {
    [colour.r, colour.g, colour.b].map(|value| f32::from(value) / 255.0)
}

/// Shares of red, green and blue in CSS's luminance (Filter Effects Level 1).
pub(super) const LUMA: Encoded = [0.2126, 0.7152, 0.0722];

/// What CSS calls luminance: the weighted sum of the encoded values.
pub(super) fn luma(colour: Encoded) -> f32 {
    LUMA[0] * colour[0] + LUMA[1] * colour[1] + LUMA[2] * colour[2]
}

/// Maps every colour sample, alpha aside, by a function of its linear light without alpha.
pub(super) fn each_sample(canvas: &Canvas, map: impl Fn(u16) -> u16) -> Canvas {
    let mut out = canvas.clone();
    let channels = canvas.channels.count();
    if canvas.channels.has_alpha() {
        for pixel in out.samples.chunks_exact_mut(channels) {
            let Some((&mut alpha, colours)) = pixel.split_last_mut() else { continue };
            for sample in colours {
                *sample = times(map(divided(*sample, alpha)), alpha);
            }
        }
    } else {
        for sample in &mut out.samples {
            *sample = map(*sample);
        }
    }
    out
}

/// Maps every colour to another, in linear light without alpha. The result has `channels`: colour
/// where the map gives colours, and alpha as before.
pub(super) fn each_light(
    canvas: &Canvas,
    channels: Channels,
    map: impl Fn([u16; 3]) -> [u16; 3],
) -> Canvas {
    let mut out = Canvas::empty(canvas.size, channels);
    out.extent = canvas.extent;
    let (from, to) = (canvas.channels.count(), channels.count());
    let alpha_at = canvas.channels.has_alpha().then(|| from - 1);
    for (pixel, made) in canvas.samples.chunks_exact(from).zip(out.samples.chunks_exact_mut(to)) {
        let alpha = alpha_at.map_or(u16::MAX, |at| pixel[at]);
        let seen = if from < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        let mapped = if alpha == u16::MAX {
            map(seen)
        } else {
            map(seen.map(|sample| divided(sample, alpha))).map(|sample| times(sample, alpha))
        };
        for (sample, value) in made.iter_mut().zip(mapped) {
            *sample = value;
        }
        if channels.has_alpha() {
            made[to - 1] = alpha;
        }
    }
    out
}

/// Maps every colour to another, in encoded values without alpha.
pub(super) fn each_colour(
    canvas: &Canvas,
    channels: Channels,
    map: impl Fn(Encoded) -> Encoded,
) -> Canvas {
    let table = srgb();
    each_light(canvas, channels, |seen| {
        map(seen.map(|sample| table[usize::from(sample)])).map(light)
    })
}

/// The same channels without colours.
pub(super) fn grey(channels: Channels) -> Channels {
    if channels.has_alpha() { Channels::GreyAlpha } else { Channels::Grey }
}

/// The same channels with colours.
pub(super) fn coloured(channels: Channels) -> Channels {
    if channels.has_alpha() { Channels::Rgba } else { Channels::Rgb }
}

/// The same channels with alpha.
pub(super) fn covered(channels: Channels) -> Channels {
    if channels.count() < 3 { Channels::GreyAlpha } else { Channels::Rgba }
}
