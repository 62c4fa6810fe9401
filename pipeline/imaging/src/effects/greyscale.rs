//! Grey of the same luminance: the Y of CIE XYZ by sRGB's primaries (IEC 61966-2-1), in linear
//! light.

use crate::canvas::Canvas;

/// Shares of red, green and blue in luminance, in 65,536ths; together 1.
const SHARES: [u32; 3] = [13_933, 46_871, 4_732];

pub(super) fn apply(canvas: &Canvas) -> Canvas {
    let mut out = canvas.clone();
    let channels = canvas.channels.count();
    if channels >= 3 {
        for pixel in out.samples.chunks_exact_mut(channels) {
            let sum: u32 = SHARES.iter().zip(&*pixel).map(|(s, v)| s * u32::from(*v)).sum();
            let grey = u16::try_from((sum + 32_768) >> 16).unwrap_or(u16::MAX);
            pixel[..3].fill(grey);
        }
    }
    out
}
