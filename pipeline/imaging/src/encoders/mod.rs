//! The formats that are written, one file each.

mod avif;
mod gif;
mod jpeg;
mod palette;
mod png;
mod scale;
mod ultra_hdr;
mod webp;

use crate::canvas::{Bitmap, Form};
use crate::fault::{Fault, FaultCode};
use crate::formats::Format;
use crate::gain_map::Meaning;
use crate::geometry::Size;
use crate::plan::Rendition;

/// Encodes 8-bit pixels, with a profile where they are not sRGB. A picture that the format cannot
/// hold is [`FaultCode::SideTooLong`].
pub(crate) fn encode(
    bitmap: &Bitmap,
    rendition: &Rendition,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, Fault> {
    let Rendition { quality, coding, .. } = *rendition;
    match rendition.format {
        Format::Jpeg => jpeg::encode(bitmap, quality, profile),
        Format::Png => png::encode(bitmap, coding, profile),
        Format::WebP => webp::encode(bitmap, quality, coding, profile),
        Format::Avif => avif::encode(bitmap, quality),
        Format::Gif => {
            let mut film = gif::Film::new(bitmap.size, 1)?;
            film.add(bitmap, 0)?;
            film.finish()
        }
        Format::Bmp | Format::Tiff | Format::Jxl | Format::Svg | Format::Heic => {
            Err(unwritten(rendition.format))
        }
    }
}

/// The JPEG with a gain map, upright and in the picture's shape.
pub(crate) fn with_gain_map(jpeg: &[u8], map: &Bitmap, meaning: Meaning) -> Result<Vec<u8>, Fault> {
    /// Of the map's own file. What it loses is brightness far beyond white.
    const QUALITY: u8 = 85;
    ultra_hdr::join(jpeg, &jpeg::encode(map, QUALITY, None)?, meaning)
}

/// Presets name none of these: see [`Format::written`].
fn unwritten(format: Format) -> Fault {
    Fault::unsupported(format!("{} is read, not written.", format.name()))
}

/// An animation under way.
pub(crate) enum Film {
    /// As GIF.
    Gif(gif::Film),
    /// As WebP.
    WebP(webp::Film),
}

impl Film {
    /// Begins one of pictures of this size, in a format that [moves](Format::moves). `repeats` of
    /// 0 is for ever.
    pub(crate) fn new(rendition: &Rendition, size: Size, repeats: u32) -> Result<Film, Fault> {
        match rendition.format {
            Format::Gif => gif::Film::new(size, repeats).map(Film::Gif),
            Format::WebP => webp::Film::new(rendition, size, repeats).map(Film::WebP),
            other => Err(unwritten(other)),
        }
    }

    /// The next picture, shown for so long.
    pub(crate) fn add(&mut self, bitmap: &Bitmap, duration_ms: u32) -> Result<(), Fault> {
        match self {
            Film::Gif(film) => film.add(bitmap, duration_ms),
            Film::WebP(film) => film.add(bitmap, duration_ms),
        }
    }

    /// The file, with a profile where its colours are not sRGB; GIF takes none.
    pub(crate) fn finish(self, profile: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
        match self {
            Film::Gif(film) => film.finish(),
            Film::WebP(film) => film.finish(profile),
        }
    }
}

/// Upper bound of what an encoder allocates for a picture of this form, its output included.
pub(crate) fn memory(rendition: &Rendition, form: Form) -> u64 {
    let size = form.size;
    match rendition.format {
        Format::Jpeg => jpeg::memory(size),
        Format::Png => png::memory(size),
        Format::WebP => webp::memory(form, rendition.coding),
        Format::Avif => avif::memory(size),
        Format::Gif => gif::memory(size),
        Format::Bmp | Format::Tiff | Format::Jxl | Format::Svg | Format::Heic => 0,
    }
}

/// Upper bound of what a [`Film`] of so many pictures keeps of them.
pub(crate) fn film_memory(rendition: &Rendition, form: Form, pictures: u32) -> u64 {
    let each = match rendition.format {
        Format::WebP => webp::kept(rendition.coding),
        _ => gif::KEPT,
    };
    form.size.pixels().saturating_mul(each).saturating_mul(pictures.into())
}

/// A picture with a side longer than a format's header can say.
fn side_too_long(format: Format, size: Size, most: u32) -> Fault {
    Fault::new(
        FaultCode::SideTooLong,
        format!(
            "The variant is {}×{}; the longest side of a {} is {most}.",
            size.width,
            size.height,
            format.name()
        ),
    )
}
