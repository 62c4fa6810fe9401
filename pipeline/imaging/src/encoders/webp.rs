//! WebP (RFC 9649), lossy, lossless and moving, by libwebp. Only pixels of our own making
//! reach its C, never uploaded bytes.
#![expect(
    unsafe_code,
    reason = "libwebp is C; no Rust encoder of lossy WebP with a permissive licence is released"
)]

use std::ptr;

use bytes::Bytes;
use img_parts::{ImageICC, webp::WebP};
use libwebp_sys as c;

use super::scale::{self, Scale};
use super::side_too_long;
use crate::canvas::{Bitmap, Form};
use crate::fault::Fault;
use crate::formats::{Channels, Format};
use crate::geometry::Size;
use crate::plan::{Coding, Rendition};

/// The longest side that a frame header can say.
const SIDE: u32 = 16_383;

/// The longest that libwebp lets a picture be shown, in milliseconds: a header has 24 bits for it
/// (RFC 9649, 2.7.1.1).
const LONGEST: u32 = (1 << 24) - 2;

/// The interface of the animation encoder that this module was written for.
const ABI: i32 = c::WEBP_MUX_ABI_VERSION.cast_signed();

/// At which of libwebp's qualities photographs score as JPEGs of libjpeg's do: measured by
/// `benches/quality`, 30 to 90, from where on JPEG keeps colour at full resolution and WebP cannot.
const LOOKS: &Scale = &[
    (1, 1.0),
    (30, 26.0),
    (40, 39.0),
    (50, 50.0),
    (60, 61.0),
    (70, 75.0),
    (80, 83.0),
    (90, 97.0),
    (100, 100.0),
];

/// How hard libwebp searches, 0–6: a function of the size alone.
fn method(size: Size) -> i32 {
    match size.pixels() {
        0..=90_000 => 4,
        90_001..=4_000_000 => 2,
        _ => 1,
    }
}

/// Encodes with alpha where there is any.
pub(super) fn encode(
    bitmap: &Bitmap,
    quality: u8,
    coding: Coding,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, Fault> {
    let mut work = Work::new(bitmap.size, quality, coding)?;
    work.import(bitmap)?;
    with_profile(work.finish()?, profile)
}

/// The file, with an `ICCP` chunk (RFC 9649, 2.7.1.4) where there is a profile.
fn with_profile(file: Vec<u8>, profile: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
    let Some(profile) = profile else { return Ok(file) };
    let unwritten = |error| Fault::damaged(format!("The WebP cannot take its profile: {error}."));
    let mut parts = WebP::from_bytes(Bytes::from(file)).map_err(unwritten)?;
    parts.set_icc_profile(Some(Bytes::copy_from_slice(profile)));
    Ok(parts.encoder().bytes().to_vec())
}

/// Planes and macroblocks of 1.5 bytes a pixel, RGB of grey, and the output twice. Where something is
/// without loss, which alpha always is: two copies of 4 bytes, chains of hashes of 4, up to four lists of
/// 8 for what is repeated, and the output.
pub(super) fn memory(form: Form, coding: Coding) -> u64 {
    let lossless = coding == Coding::Lossless || form.channels.has_alpha();
    form.size.pixels() * if lossless { 56 } else { 16 } + (1 << 20)
}

/// Bytes that are kept of each pixel of an animation: what a noisy picture comes to, as it is muxed,
/// assembled, copied, and copied with a profile.
pub(super) fn kept(coding: Coding) -> u64 {
    if coding == Coding::Lossless { 5 * 3 } else { 5 }
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
    fn new(size: Size, quality: u8, coding: Coding) -> Result<Work, Fault> {
        if size.width.max(size.height) > SIDE {
            return Err(side_too_long(Format::WebP, size, SIDE));
        }
        Work::set_up(size, quality, coding).ok_or_else(failed)
    }

    fn set_up(size: Size, quality: u8, coding: Coding) -> Option<Work> {
        let mut config = c::WebPConfig::new().ok()?;
        config.quality = scale::own(LOOKS, quality);
        config.method = method(size);
        config.thread_level = 0;
        if coding == Coding::Lossless {
            config.lossless = 1;
            // What is not seen keeps no colour: it would only cost bytes.
            config.exact = 0;
            // Of a lossless file, quality is effort: more than this costs time and saves little.
            config.quality = 50.0;
        }
        let mut picture = c::WebPPicture::new().ok()?;
        picture.use_argb = i32::from(coding == Coding::Lossless);
        picture.width = i32::try_from(size.width).ok()?;
        picture.height = i32::try_from(size.height).ok()?;
        let output =
            Box::new(c::WebPMemoryWriter { mem: ptr::null_mut(), size: 0, max_size: 0, pad: [0] });
        Some(Work { config, picture, output })
    }

    fn import(&mut self, bitmap: &Bitmap) -> Result<(), Fault> {
        let coloured = in_colour(bitmap);
        let samples = coloured.as_deref().unwrap_or(&bitmap.samples);
        let (channels, import): (i32, Import) = if bitmap.channels.has_alpha() {
            (4, c::WebPPictureImportRGBA)
        } else {
            (3, c::WebPPictureImportRGB)
        };
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

/// An animation under way. libwebp itself finds what of a picture has changed.
pub(crate) struct Film {
    encoder: *mut c::WebPAnimEncoder,
    size: Size,
    quality: u8,
    coding: Coding,
    /// When the next picture begins.
    time_ms: i32,
}

impl Film {
    /// `repeats` of 0 is for ever.
    pub(super) fn new(rendition: &Rendition, size: Size, repeats: u32) -> Result<Film, Fault> {
        if size.width.max(size.height) > SIDE {
            return Err(side_too_long(Format::WebP, size, SIDE));
        }
        let side = |side| i32::try_from(side).map_err(|_| failed());
        let (width, height) = (side(size.width)?, side(size.height)?);
        // SAFETY: the options are plain numbers, for which zeros are a value; the call overwrites
        // them with its defaults and refuses a library of another version.
        let mut options: c::WebPAnimEncoderOptions = unsafe { std::mem::zeroed() };
        let fine = unsafe { c::WebPAnimEncoderOptionsInitInternal(&raw mut options, ABI) };
        if fine == 0 {
            return Err(failed());
        }
        // Shown for ever is 0 in the file as well (RFC 9649, 2.7.1.1).
        options.anim_params.loop_count = i32::try_from(repeats.min(65_535)).unwrap_or(0);
        // SAFETY: the call copies the options; the encoder it gives is owned by `Film` alone.
        let encoder =
            unsafe { c::WebPAnimEncoderNewInternal(width, height, &raw const options, ABI) };
        if encoder.is_null() {
            return Err(failed());
        }
        let Rendition { quality, coding, .. } = *rendition;
        Ok(Film { encoder, size, quality, coding, time_ms: 0 })
    }

    /// The next picture, shown for so long.
    pub(super) fn add(&mut self, bitmap: &Bitmap, duration_ms: u32) -> Result<(), Fault> {
        if bitmap.size != self.size {
            return Err(failed());
        }
        let mut work = Work::new(bitmap.size, self.quality, self.coding)?;
        // The encoder compares pictures, for which it wants colours rather than planes.
        work.picture.use_argb = 1;
        work.import(bitmap)?;
        // SAFETY: `encoder` is alive; picture and configuration were initialised by libwebp and
        // are only used during the call.
        let fine = unsafe {
            c::WebPAnimEncoderAdd(
                self.encoder,
                &raw mut work.picture,
                self.time_ms,
                &raw const work.config,
            )
        };
        if fine == 0 {
            return Err(work.error());
        }
        // Only differences count, so that the sum may wrap.
        self.time_ms = self.time_ms.wrapping_add(duration_ms.min(LONGEST).cast_signed());
        Ok(())
    }

    /// The file.
    pub(super) fn finish(self, profile: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
        let mut data = c::WebPData { bytes: ptr::null(), size: 0 };
        // SAFETY: `encoder` is alive; a null picture says when the last one ends; `data` takes the
        // file, which is copied and freed below.
        let fine = unsafe {
            c::WebPAnimEncoderAdd(self.encoder, ptr::null_mut(), self.time_ms, ptr::null())
        };
        let fine =
            fine != 0 && unsafe { c::WebPAnimEncoderAssemble(self.encoder, &raw mut data) } != 0;
        if !fine || data.bytes.is_null() {
            return Err(failed());
        }
        // SAFETY: libwebp has filled `data` with `size` bytes of its own, freed once by the call.
        let file = unsafe { std::slice::from_raw_parts(data.bytes, data.size) }.to_vec();
        unsafe { c::WebPDataClear(&mut data) };
        with_profile(file, profile)
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        // SAFETY: the encoder is owned by `self` and freed once.
        unsafe { c::WebPAnimEncoderDelete(self.encoder) };
    }
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
