//! The rare kinds of JPEG, by libjpeg: arithmetic coding (T.81, annex D), and sequential frames with a
//! scan for each component. libjpeg reports errors by unwinding; warnings are made errors where
//! pixels are lost.
#![expect(unsafe_code, reason = "libjpeg's error manager is a C structure, set up by C")]

use std::io;
use std::os::raw::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mozjpeg::{ColorSpace, Decompress};
use mozjpeg_sys as c;

use super::{Stored, profile};
use crate::fault::Fault;
use crate::formats::Channels;
use crate::rows::Layout;

/// Most scans of a file. Encoders write ten.
const SCANS: usize = 100;
/// Most pixels of all scans together: each goes over all coefficients again.
const PASSES: u64 = 1_000_000_000;

/// Decodes the whole picture. Memory was bounded from the header.
pub(super) fn decode(bytes: &[u8], layout: Layout, scans: usize) -> Result<Stored, Fault> {
    let passes = layout.size().pixels().saturating_mul(scans as u64);
    if scans > SCANS || passes > PASSES {
        return Err(Fault::unsupported(format!(
            "The JPEG has {scans} scans; at most {SCANS} are read, and a thousand million pixels in all."
        )));
    }
    // What unwinds is dropped here: nothing of it is used again.
    match catch_unwind(AssertUnwindSafe(|| read(bytes, layout))) {
        Ok(read) => read.map_err(|error| Fault::damaged(format!("The JPEG is damaged: {error}."))),
        Err(thrown) => Err(match thrown.downcast::<Lost>() {
            Ok(lost) if lost.ends() => Fault::truncated("The JPEG ends before its picture does."),
            Ok(lost) => {
                Fault::damaged(format!("The JPEG is damaged: libjpeg's message {}.", lost.0))
            }
            Err(_) => Fault::damaged("The JPEG is damaged."),
        }),
    }
}

fn read(bytes: &[u8], layout: Layout) -> io::Result<Stored> {
    let decoder = Decompress::with_err(strict()).from_mem(bytes)?;
    let space = match layout.channels {
        Channels::Grey => ColorSpace::JCS_GRAYSCALE,
        Channels::Cmyk => decoder.color_space(),
        _ => ColorSpace::JCS_RGB,
    };
    let ycck = space == ColorSpace::JCS_YCCK;
    let mut started = decoder.to_colorspace(space)?;
    let wanted = (layout.width as usize, layout.height as usize);
    let samples = if (started.width(), started.height()) == wanted {
        started.read_scanlines::<u8>()?
    } else {
        Vec::new()
    };
    if samples.len() != layout.row_bytes() * wanted.1 {
        return Err(io::Error::other("its headers contradict each other"));
    }
    started.finish()?;
    Ok(Stored { samples, ycck, profile: profile(bytes) })
}

/// Thrown with libjpeg's number of a message.
struct Lost(c_int);

impl Lost {
    fn ends(&self) -> bool {
        matches!(self.0, c::JWRN_HIT_MARKER | c::JWRN_JPEG_EOF)
    }
}

/// An error manager that throws at errors, and at warnings after which pixels are made up.
fn strict() -> c::jpeg_error_mgr {
    // SAFETY: the structure holds numbers, pointers that may be null and optional functions, for all
    // of which zeros are a value; the call fills in the rest.
    let mut errors: c::jpeg_error_mgr = unsafe { std::mem::zeroed() };
    unsafe { c::jpeg_std_error(&mut errors) };
    errors.error_exit = Some(throw);
    errors.emit_message = Some(weigh);
    errors
}

fn number(of: &c::jpeg_common_struct) -> c_int {
    // SAFETY: libjpeg calls with the structure that it was given, whose manager is the one of
    // `strict`, alive as long as the decoder.
    unsafe { of.err.as_ref() }.map_or(0, |errors| errors.msg_code)
}

extern "C-unwind" fn throw(of: &mut c::jpeg_common_struct) {
    resume_unwind(Box::new(Lost(number(of))));
}

extern "C-unwind" fn weigh(of: &mut c::jpeg_common_struct, level: c_int) {
    let harmless = matches!(
        number(of),
        c::JWRN_ADOBE_XFORM
            | c::JWRN_EXTRANEOUS_DATA
            | c::JWRN_JFIF_MAJOR
            | c::JWRN_NOT_SEQUENTIAL
            | c::JWRN_TOO_MUCH_DATA
    );
    if level < 0 && !harmless {
        throw(of);
    }
}
