//! Writing WebP, lossy, by libwebp. The one module of this crate with foreign code: only pixels
//! of our own making reach it, never uploaded bytes.
#![expect(
    unsafe_code,
    reason = "libwebp is C; no Rust encoder of lossy WebP with a permissive licence is released"
)]

use std::ptr;

use libwebp_sys as c;

use crate::fault::Fault;
use crate::formats::{Channels, Format, side_too_long};
use crate::geometry::Size;
use crate::resample::Bitmap;

/// The longest side that a frame header can say.
const SIDE: u32 = 16_383;

/// How hard libwebp searches, 0–6: a function of the size alone.
fn method(size: Size) -> i32 {
    match size.pixels() {
        0..=90_000 => 4,
        90_001..=4_000_000 => 2,
        _ => 1,
    }
}

/// Encodes with alpha where there is any.
pub(crate) fn encode(bitmap: &Bitmap, quality: u8) -> Result<Vec<u8>, Fault> {
    if bitmap.size.width.max(bitmap.size.height) > SIDE {
        return Err(side_too_long(Format::WebP, bitmap.size, SIDE));
    }
    let coloured = in_colour(bitmap);
    let samples = coloured.as_deref().unwrap_or(&bitmap.samples);
    let mut work = Work::new(bitmap.size, quality).ok_or_else(failed)?;
    if bitmap.channels.has_alpha() {
        work.import(samples, 4, c::WebPPictureImportRGBA)?;
    } else {
        work.import(samples, 3, c::WebPPictureImportRGB)?;
    }
    work.finish()
}

/// Planes and macroblocks of 1.5 (with alpha 2.5) bytes a pixel, RGB of grey, and the output twice.
pub(crate) fn encoder_memory(size: Size) -> u64 {
    size.pixels() * 16 + (1 << 20)
}

/// Grey as three equal samples; `None` when there is colour already.
fn in_colour(bitmap: &Bitmap) -> Option<Vec<u8>> {
    match bitmap.channels {
        Channels::Grey => Some(bitmap.samples.iter().flat_map(|&v| [v, v, v]).collect()),
        Channels::GreyAlpha => {
            let (pixels, _) = bitmap.samples.as_chunks::<2>();
            Some(pixels.iter().flat_map(|&[v, a]| [v, v, v, a]).collect())
        }
        Channels::Rgb | Channels::Rgba | Channels::Cmyk => None,
    }
}

fn failed() -> Fault {
    Fault::damaged("The WebP encoder could not be set up.")
}

/// libwebp's function for copying packed pixels into a picture.
type Import = unsafe extern "C" fn(*mut c::WebPPicture, *const u8, i32) -> i32;

/// A picture and its output, both freed when dropped.
struct Work {
    config: c::WebPConfig,
    picture: c::WebPPicture,
    output: Box<c::WebPMemoryWriter>,
}

impl Work {
    fn new(size: Size, quality: u8) -> Option<Work> {
        let mut config = c::WebPConfig::new().ok()?;
        config.quality = f32::from(quality.clamp(1, 100));
        config.method = method(size);
        config.thread_level = 0;
        let mut picture = c::WebPPicture::new().ok()?;
        picture.use_argb = 0;
        picture.width = i32::try_from(size.width).ok()?;
        picture.height = i32::try_from(size.height).ok()?;
        let output =
            Box::new(c::WebPMemoryWriter { mem: ptr::null_mut(), size: 0, max_size: 0, pad: [0] });
        Some(Work { config, picture, output })
    }

    fn import(&mut self, samples: &[u8], channels: i32, import: Import) -> Result<(), Fault> {
        let stride = self.picture.width * channels;
        let needed =
            u64::from(stride.unsigned_abs()) * u64::from(self.picture.height.unsigned_abs());
        if (samples.len() as u64) < needed {
            return Err(failed());
        }
        // SAFETY: `picture` was initialised by libwebp and has its size set; `samples` holds
        // `height` rows of `stride` bytes, checked above, which the call only reads; the planes it
        // allocates belong to `picture` and are freed when `self` is dropped.
        let fine = unsafe { import(&raw mut self.picture, samples.as_ptr(), stride) };
        if fine == 0 { Err(self.error()) } else { Ok(()) }
    }

    fn finish(mut self) -> Result<Vec<u8>, Fault> {
        self.picture.writer = Some(c::WebPMemoryWrite);
        self.picture.custom_ptr = (&raw mut *self.output).cast();
        // SAFETY: `config` was initialised by libwebp and is validated by the call; `picture` has
        // its planes; `custom_ptr` is a memory writer, boxed so that it outlives the call at this
        // address, and `WebPMemoryWrite` is the function that expects one.
        let fine = unsafe { c::WebPEncode(&raw const self.config, &raw mut self.picture) };
        if fine == 0 || self.output.mem.is_null() {
            return Err(self.error());
        }
        // SAFETY: a memory writer holds `size` initialised bytes at `mem`, not null as checked
        // above, which nothing changes while they are copied.
        Ok(unsafe { std::slice::from_raw_parts(self.output.mem, self.output.size) }.to_vec())
    }

    fn error(&self) -> Fault {
        Fault::damaged(format!("The WebP cannot be written: {:?}.", self.picture.error_code))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // SAFETY: both were initialised, are owned by `self`, and are freed once; freeing what was
        // never allocated is allowed for both.
        unsafe {
            c::WebPPictureFree(&raw mut self.picture);
            c::WebPMemoryWriterClear(&raw mut *self.output);
        }
    }
}
