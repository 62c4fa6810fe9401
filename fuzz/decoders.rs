//! Headers of all formats, and a target for each decoder.

use imaging::{Depth, Fault, Format, Header, HeaderError, Limits, Rows, Whole, open};

use super::{Verdict, fixtures, fuzz};

/// Small, so that inputs are many.
fn limits() -> Limits {
    Limits { pixels: 1 << 19, frames: 50, memory: 128 << 20, ..Limits::default() }
}

fn header(bytes: &[u8]) -> Option<Header> {
    let header = match Header::parse(bytes, Whole::Yes) {
        Ok(header) => header,
        Err(HeaderError::Fault(fault)) => {
            told(&fault);
            return None;
        }
        Err(HeaderError::NeedMore) => panic!("all of the file was given"),
    };
    assert!(header.width > 0 && header.height > 0 && header.frames > 0, "{header:?}");
    assert!((1..=16).contains(&header.depth), "{header:?}");
    Some(header)
}

/// A fault says something, in a length that a record holds.
fn told(fault: &Fault) {
    assert!(!fault.detail.is_empty() && fault.detail.len() < 2_000, "{fault:?}");
}

fn parsed(bytes: &[u8]) -> Verdict {
    let whole = header(bytes);
    // A beginning says what the whole file says, unless that ends too early or turns out damaged.
    for end in [bytes.len() / 4, bytes.len() / 2, bytes.len()] {
        let early = Header::parse(&bytes[..end], Whole::No).ok();
        if let (Some(early), Some(whole)) = (early, &whole) {
            assert_eq!(early, *whole, "the first {end} bytes");
        }
    }
    Verdict::from(whole.is_some())
}

fn decoded(bytes: &[u8]) -> Verdict {
    let Some(header) = header(bytes) else { return Verdict::Refused };
    let limits = limits();
    let within = limits.check(&header).is_ok();
    let end = open(bytes, &header, &limits).and_then(|mut rows| {
        assert!(within, "{header:?} is beyond the limits");
        read(&mut *rows, &header)
    });
    match end {
        Ok(()) => Verdict::Taken,
        Err(fault) => {
            told(&fault);
            Verdict::Refused
        }
    }
}

/// Reads all pictures; there are no more of them than the header says, each of its size.
fn read(rows: &mut dyn Rows, header: &Header) -> Result<(), Fault> {
    let mut pictures = 0;
    loop {
        let layout = rows.layout();
        assert_eq!((layout.width, layout.height), (header.width, header.height));
        let bytes = layout.channels.count() * if layout.depth == Depth::Eight { 1 } else { 2 };
        assert_eq!(layout.row_bytes(), layout.width as usize * bytes);
        let mut band = vec![0; layout.row_bytes() * 7];
        let mut seen = 0;
        loop {
            let more = rows.read(&mut band)?;
            assert!(more <= 7, "{more} rows in the room for seven");
            seen += more;
            if more == 0 {
                break;
            }
        }
        assert!(seen <= layout.height as usize, "{seen} rows of {}", layout.height);
        pictures += 1;
        assert!(pictures <= header.frames, "{pictures} pictures of {}", header.frames);
        if !rows.advance()? {
            return Ok(());
        }
    }
}

#[test]
fn headers() {
    let seeds = fixtures(&[
        ".jpg", ".png", ".gif", ".webp", ".bmp", ".tif", ".avif", ".jxl", ".svg", ".heic",
    ]);
    for format in Format::ALL {
        assert!(seeds.iter().any(|seed| Format::sniff(seed) == Some(*format)), "{format:?}");
    }
    fuzz("headers", &seeds, parsed);
}

macro_rules! decoders {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let name = stringify!($name);
            let suffix = match name {
                "jpeg" => ".jpg",
                "tiff" => ".tif",
                other => &format!(".{other}"),
            };
            let mut seeds = fixtures(&[suffix]);
            // Without a picture in it, a file of the metadata's fixtures has little to decode.
            seeds.retain(|seed| header(seed).is_some());
            fuzz(name, &seeds, decoded);
        })*
    };
}

decoders! { jpeg png gif webp bmp tiff avif jxl svg }

#[cfg(feature = "heic")]
decoders! { heic }
