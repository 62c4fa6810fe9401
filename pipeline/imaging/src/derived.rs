//! What the record says about the pixels, read from a picture of at most 100×100.

use crate::canvas::{Alpha, Canvas, divided};
use crate::colour::srgb_of_linear;
use crate::geometry::Size;
use crate::plan::Made;

/// The largest picture that `ThumbHash` takes.
pub(crate) const BOX: Size = Size { width: 100, height: 100 };

/// Placeholder and average colour.
pub(crate) fn derive(canvas: &Canvas) -> Made {
    let bitmap = canvas.bitmap(Alpha::Keep);
    let rgba: Vec<u8> = match bitmap.channels.count() {
        1 => bitmap.samples.iter().flat_map(|&v| [v, v, v, 255]).collect(),
        2 => {
            let (pixels, _) = bitmap.samples.as_chunks::<2>();
            pixels.iter().flat_map(|&[v, a]| [v, v, v, a]).collect()
        }
        3 => {
            let (pixels, _) = bitmap.samples.as_chunks::<3>();
            pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
        }
        _ => bitmap.samples,
    };
    let (width, height) = (bitmap.size.width as usize, bitmap.size.height as usize);
    Made::Derived {
        thumbhash: thumbhash::rgba_to_thumb_hash(width, height, &rgba),
        color: average(canvas),
    }
}

/// The mean of the light over the mean of alpha, which weighs each pixel by its alpha because the
/// canvas is premultiplied; black when nothing is visible.
fn average(canvas: &Canvas) -> [u8; 3] {
    let channels = canvas.channels.count();
    let count = canvas.size.pixels().max(1);
    let mean = |channel: usize| {
        let samples = canvas.samples.iter().skip(channel).step_by(channels);
        let sum: u64 = samples.map(|&sample| u64::from(sample)).sum();
        u16::try_from((sum + count / 2) / count).unwrap_or(u16::MAX)
    };
    let alpha = if canvas.channels.has_alpha() { mean(channels - 1) } else { u16::MAX };
    let srgb = srgb_of_linear();
    let colours = if channels < 3 { [0, 0, 0] } else { [0, 1, 2] };
    colours.map(|channel| srgb[usize::from(divided(mean(channel), alpha))])
}
