//! From what the samples of a source mean to linear light with sRGB's primaries.
//!
//! The common cases (sRGB, a matrix and three curves, a curve for grey) are table lookups and one
//! matrix in 32-bit floats, which every machine rounds alike. Profiles made of tables go through
//! moxcms, built without its SIMD paths for the same reason.

use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout as Samples, RenderingIntent, ToneReprCurve,
    Transform16BitExecutor, TransformOptions,
};

use super::hdr::{Hdr, Transfer};
use super::{Colour, Space, linear_of_8, linear_of_16};
use crate::fault::Fault;
use crate::formats::Channels;
use crate::rows::Depth;

/// How samples become light.
pub(crate) enum Conversion {
    /// sRGB's curve for every colour: also that of a source whose own colours are kept, because
    /// the way back is the same curve, so that no value changes.
    Srgb,
    /// One curve, for grey.
    Grey(Box<[u16]>),
    /// A curve for each colour, then a matrix.
    Matrix {
        /// Light of each sample value, 0–1.
        curves: [Arc<[f32]>; 3],
        /// From the source's primaries to sRGB's.
        matrix: [[f32; 3]; 3],
    },
    /// As [`Conversion::Matrix`], brighter than white, and brought into range.
    Hdr(Box<Hdr>),
    /// A profile made of tables, to 16-bit sRGB.
    Tables {
        /// What moxcms has made of it.
        transform: Arc<Transform16BitExecutor>,
        /// The row before and after, in 16 bits.
        rows: (Vec<u16>, Vec<u16>),
    },
    /// Ink without a profile: light is what each ink lets through, and black of all.
    Ink,
}

/// What is made of a source's colours.
pub(crate) struct Reading {
    pub(crate) conversion: Conversion,
    /// Whether the values are still those of the source's profile.
    pub(crate) kept: bool,
    /// Where a profile was ignored, why.
    pub(crate) note: Option<String>,
}

impl Conversion {
    /// The conversion that colours of a source need.
    pub(crate) fn of(colour: &Colour, channels: Channels, depth: Depth, space: Space) -> Reading {
        let plain = || match channels {
            Channels::Cmyk => Conversion::Ink,
            _ => Conversion::Srgb,
        };
        let (conversion, note) = match colour {
            Colour::Srgb => (plain(), None),
            Colour::Profile(bytes) => match by_profile(bytes, channels, depth) {
                Ok(Conversion::Hdr(hdr)) => (Conversion::Hdr(hdr), None),
                Ok(_) if space == Space::Source && channels != Channels::Cmyk => {
                    return Reading { conversion: plain(), kept: true, note: None };
                }
                Ok(conversion) => (conversion, None),
                Err(reason) => (plain(), Some(reason)),
            },
            &Colour::Coded { primaries, transfer } => {
                (coded(primaries, transfer, channels, depth).unwrap_or_else(plain), None)
            }
        };
        Reading { conversion, kept: false, note }
    }

    /// A row of `channels`, `depth` bits each, as light: straight alpha is left as it is, in 16
    /// bits, and ink becomes colour.
    pub(crate) fn convert(
        &mut self,
        row: &[u8],
        channels: Channels,
        depth: Depth,
        out: &mut [u16],
    ) -> Result<(), Fault> {
        match depth {
            Depth::Eight => self.samples(row.iter().copied(), channels, out),
            Depth::Sixteen => {
                let (pairs, _) = row.as_chunks::<2>();
                self.samples(pairs.iter().map(|pair| u16::from_ne_bytes(*pair)), channels, out)
            }
        }
    }

    fn samples<T: Sample>(
        &mut self,
        samples: impl Iterator<Item = T>,
        channels: Channels,
        out: &mut [u16],
    ) -> Result<(), Fault> {
        match self {
            Conversion::Srgb => plain(samples, channels, out, T::light),
            Conversion::Grey(curve) => plain(samples, channels, out, |v| curve[v.index()]),
            Conversion::Matrix { curves, matrix } => {
                mapped(samples, channels, out, |rgb: [T; 3]| {
                    let light = lit(rgb, curves);
                    times(matrix, light).map(sixteen)
                });
            }
            Conversion::Hdr(hdr) => {
                mapped(samples, channels, out, |rgb: [T; 3]| {
                    hdr.light(rgb.map(Sample::index)).map(sixteen)
                });
            }
            Conversion::Ink => {
                let (pixels, _) = out.as_chunks_mut::<3>();
                let mut samples = samples;
                for pixel in pixels {
                    let mut ink = [0_u32; 4];
                    for value in &mut ink {
                        *value = samples.next().map_or(0, |v| u32::from(u16::MAX - v.wide()));
                    }
                    let [cyan, magenta, yellow, black] = ink;
                    for (out, through) in pixel.iter_mut().zip([cyan, magenta, yellow]) {
                        let value = (through * black + 32_767) / 65_535;
                        *out = linear_of_16()[value as usize & 0xffff];
                    }
                }
            }
            Conversion::Tables { transform, rows: (before, after) } => {
                before.clear();
                before.extend(samples.map(Sample::wide));
                after.resize(out.len(), 0);
                // The two rows are made to fit each other, which is all that moxcms asks.
                transform.transform(before, after).map_err(|error| {
                    Fault::damaged(format!("The colours cannot be converted: {error:?}."))
                })?;
                plain(after.iter().copied(), channels.decoded(), out, Sample::light);
            }
        }
        Ok(())
    }
}

/// A sample of 8 or 16 bits.
pub(super) trait Sample: Copy {
    /// Its place in a table with an entry for each value.
    fn index(self) -> usize;
    /// In 16 bits, the same share of the most.
    fn wide(self) -> u16;
    /// By sRGB's curve.
    fn light(self) -> u16;
}

impl Sample for u8 {
    fn index(self) -> usize {
        usize::from(self)
    }

    fn wide(self) -> u16 {
        u16::from(self) * 257
    }

    fn light(self) -> u16 {
        linear_of_8()[usize::from(self)]
    }
}

impl Sample for u16 {
    fn index(self) -> usize {
        usize::from(self)
    }

    fn wide(self) -> u16 {
        self
    }

    fn light(self) -> u16 {
        linear_of_16()[usize::from(self)]
    }
}

/// Each colour for itself.
fn plain<T: Sample>(
    mut samples: impl Iterator<Item = T>,
    channels: Channels,
    out: &mut [u16],
    light: impl Fn(T) -> u16,
) {
    if !channels.has_alpha() {
        for (out, sample) in out.iter_mut().zip(samples) {
            *out = light(sample);
        }
        return;
    }
    for pixel in out.chunks_exact_mut(channels.count()) {
        let (alpha, colours) = match pixel {
            [grey, alpha] => (alpha, std::slice::from_mut(grey)),
            [colours @ .., alpha] => (alpha, colours),
            [] => continue,
        };
        for (out, sample) in colours.iter_mut().zip(&mut samples) {
            *out = light(sample);
        }
        *alpha = samples.next().map_or(u16::MAX, Sample::wide);
    }
}

/// The three colours of a pixel together; grey has three equal ones, and the first counts.
fn mapped<T: Sample>(
    mut samples: impl Iterator<Item = T>,
    channels: Channels,
    out: &mut [u16],
    light: impl Fn([T; 3]) -> [u16; 3],
) {
    let grey = channels.count() < 3;
    for pixel in out.chunks_exact_mut(channels.count()) {
        let Some(first) = samples.next() else { return };
        let mut rgb = [first; 3];
        if !grey {
            for value in &mut rgb[1..] {
                *value = samples.next().unwrap_or(first);
            }
        }
        let rgb = light(rgb);
        let colours = if grey { 1 } else { 3 };
        pixel[..colours].copy_from_slice(&rgb[..colours]);
        if channels.has_alpha() {
            pixel[colours] = samples.next().map_or(u16::MAX, Sample::wide);
        }
    }
}

fn lit<T: Sample>(rgb: [T; 3], curves: &[Arc<[f32]>; 3]) -> [f32; 3] {
    [curves[0][rgb[0].index()], curves[1][rgb[1].index()], curves[2][rgb[2].index()]]
}

/// Matrix times vector.
pub(super) fn times(matrix: &[[f32; 3]; 3], [x, y, z]: [f32; 3]) -> [f32; 3] {
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}

/// 0–1 in 16 bits; what is out of sRGB's range is cut.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cut to the range, and floats are cut when cast"
)]
fn sixteen(light: f32) -> u16 {
    (light * 65_535.0 + 0.5) as u16
}

/// How many values a sample can have.
pub(super) fn values(depth: Depth) -> u32 {
    match depth {
        Depth::Eight => 256,
        Depth::Sixteen => 65_536,
    }
}

/// A table of a curve, one entry for each value of a sample.
pub(super) fn table(depth: Depth, curve: impl Fn(f64) -> f64) -> Arc<[f32]> {
    let count = values(depth);
    let most = f64::from(count - 1);
    #[expect(clippy::cast_possible_truncation, reason = "a table of floats for speed")]
    (0..count).map(|value| curve(f64::from(value) / most) as f32).collect()
}

/// A profile that fits the channels, or why it is ignored.
fn profile(bytes: &[u8], channels: Channels) -> Result<ColorProfile, String> {
    let profile = ColorProfile::new_from_slice(bytes)
        .map_err(|error| format!("the colour profile is broken and was ignored: {error:?}"))?;
    let fits = match channels {
        Channels::Grey | Channels::GreyAlpha => profile.color_space == DataColorSpace::Gray,
        Channels::Rgb | Channels::Rgba => profile.color_space == DataColorSpace::Rgb,
        Channels::Cmyk => profile.color_space == DataColorSpace::Cmyk,
    };
    if fits {
        return Ok(profile);
    }
    Err(format!(
        "the colour profile is for {:?}, the picture is {channels:?}: the profile was ignored",
        profile.color_space
    ))
}

/// The conversion by a profile, or why it is ignored.
fn by_profile(bytes: &[u8], channels: Channels, depth: Depth) -> Result<Conversion, String> {
    let profile = profile(bytes, channels)?;
    match Transfer::of_profile(&profile) {
        Some(transfer) => Hdr::new(&profile, transfer, depth)
            .map(|hdr| Conversion::Hdr(Box::new(hdr)))
            .ok_or_else(|| {
                "the colour profile has an impossible matrix and was ignored".to_owned()
            }),
        None => converted(&profile, channels, depth),
    }
}

fn converted(
    profile: &ColorProfile,
    channels: Channels,
    depth: Depth,
) -> Result<Conversion, String> {
    let unusable = |what: &str| format!("the colour profile {what} and was ignored");
    let srgb = ColorProfile::new_srgb();
    let tables = profile.lut_a_to_b_perceptual.is_some()
        || profile.lut_a_to_b_colorimetric.is_some()
        || profile.lut_a_to_b_saturation.is_some();
    if let (false, Some(curve)) = (tables, &profile.gray_trc)
        && profile.color_space == DataColorSpace::Gray
    {
        let curve = evaluated(curve, depth).ok_or_else(|| unusable("has an impossible curve"))?;
        return Ok(Conversion::Grey(curve.iter().map(|light| sixteen(*light)).collect()));
    }
    if let (false, Some(red), Some(green), Some(blue)) =
        (tables, &profile.red_trc, &profile.green_trc, &profile.blue_trc)
    {
        let curve = |curve| evaluated(curve, depth);
        let (Some(red), Some(green), Some(blue)) = (curve(red), curve(green), curve(blue)) else {
            return Err(unusable("has an impossible curve"));
        };
        let matrix = narrow(profile.transform_matrix(&srgb).v);
        if !matrix.iter().flatten().all(|share| share.is_finite()) {
            return Err(unusable("has an impossible matrix"));
        }
        return Ok(Conversion::Matrix { curves: [red, green, blue], matrix });
    }
    let (from, to) = match channels {
        Channels::Grey => (Samples::Gray, Samples::Gray),
        Channels::GreyAlpha => (Samples::GrayAlpha, Samples::GrayAlpha),
        Channels::Rgb => (Samples::Rgb, Samples::Rgb),
        Channels::Rgba => (Samples::Rgba, Samples::Rgba),
        Channels::Cmyk => (Samples::Rgba, Samples::Rgb),
    };
    let options = TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..TransformOptions::default()
    };
    let transform = profile
        .create_transform_16bit(from, &srgb, to, options)
        .map_err(|error| unusable(&format!("cannot be used ({error:?})")))?;
    Ok(Conversion::Tables { transform, rows: (Vec::new(), Vec::new()) })
}

/// The light of each value, by a curve of a profile.
pub(super) fn evaluated(curve: &ToneReprCurve, depth: Depth) -> Option<Arc<[f32]>> {
    let curve = curve.make_linear_evaluator().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "what the evaluator takes")]
    let table = table(depth, |value| f64::from(curve.evaluate_value(value as f32)));
    table.iter().all(|light| light.is_finite()).then_some(table)
}

/// By code points; `None` where they say sRGB, or nothing that is known.
fn coded(primaries: u8, transfer: u8, channels: Channels, depth: Depth) -> Option<Conversion> {
    if channels == Channels::Cmyk {
        return None;
    }
    let primaries = primaries_of(primaries);
    if let Some(transfer) = Transfer::of_code(transfer) {
        return Hdr::new(&primaries, transfer, depth).map(|hdr| Conversion::Hdr(Box::new(hdr)));
    }
    let curve: fn(f64) -> f64 = match transfer {
        4 => |value| libm::pow(value, 2.2),
        5 => |value| libm::pow(value, 2.8),
        8 => |value| value,
        // 13 is sRGB. 1, 6, 14 and 15 are what cameras record for televisions; a browser shows
        // them by sRGB's curve, and so does every viewer that looks at files.
        _ => super::to_linear,
    };
    let srgb = ColorProfile::new_srgb();
    let matrix = narrow(primaries.transform_matrix(&srgb).v);
    let curve = table(depth, curve);
    Some(Conversion::Matrix { curves: [curve.clone(), curve.clone(), curve], matrix })
}

/// A profile with the primaries of H.273's table 2 that pictures are made in; others are sRGB's.
fn primaries_of(code: u8) -> ColorProfile {
    match code {
        9 => ColorProfile::new_bt2020(),
        11 => ColorProfile::new_dci_p3(),
        12 => ColorProfile::new_display_p3(),
        _ => ColorProfile::new_srgb(),
    }
}

/// In the floats that rows are worked on.
#[expect(clippy::cast_possible_truncation, reason = "seven digits are more than 16 bits need")]
pub(super) fn narrow(matrix: [[f64; 3]; 3]) -> [[f32; 3]; 3] {
    matrix.map(|row| row.map(|share| share as f32))
}
