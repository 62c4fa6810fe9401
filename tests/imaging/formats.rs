//! Every kind of file, made by other people's encoders (fixtures/make.py), comes out as drawn.

mod broken;

use imaging::colour::Colour;
use imaging::{Channels, Depth, FaultCode, Format, Header, HeaderError, Limits, Rows, Whole, open};

/// The four quarters of the scene: top left, top right, bottom left, bottom right.
const SCENE: [[u8; 3]; 4] = [[200, 30, 40], [30, 170, 60], [40, 60, 200], [230, 210, 70]];
/// The second picture of an animation.
const LATER: [[u8; 3]; 4] = [SCENE[3], SCENE[2], SCENE[1], SCENE[0]];

struct Fixture {
    name: &'static str,
    file: &'static [u8],
    channels: Channels,
    depth: Depth,
    /// Levels of 8 bits that a sample may be off.
    tolerance: u8,
}

macro_rules! fixtures {
    ($($name:literal $channels:ident $depth:ident $tolerance:literal;)*) => {
        &[$(Fixture {
            name: $name,
            file: include_bytes!(concat!("fixtures/", $name)),
            channels: Channels::$channels,
            depth: Depth::$depth,
            tolerance: $tolerance,
        }),*]
    };
}

const FIXTURES: &[Fixture] = fixtures! {
    "progressive.jpg" Rgb Eight 8;
    "grey.jpg" Grey Eight 8;
    "cmyk.jpg" Cmyk Eight 8;
    "restarts.jpg" Rgb Eight 8;
    "scans.jpg" Rgb Eight 8;
    "arithmetic.jpg" Rgb Eight 8;
    "plain.png" Rgb Eight 0;
    "palette.png" Rgb Eight 0;
    "deep.png" Rgb Sixteen 0;
    "interlaced.png" Rgb Sixteen 0;
    "animated.png" Rgb Eight 0;
    "turned-6.png" Rgb Eight 0;
    "plain.gif" Rgb Eight 0;
    "animated.gif" Rgba Eight 0;
    "transparent.gif" Rgba Eight 0;
    "lossy.webp" Rgb Eight 10;
    "lossless.webp" Rgba Eight 0;
    "alpha.webp" Rgba Eight 10;
    "turned-5.webp" Rgb Eight 0;
    "turned-7.webp" Rgb Eight 0;
    "animated.webp" Rgb Eight 1;
    "plain.bmp" Rgb Eight 0;
    "palette.bmp" Rgb Eight 0;
    "alpha.bmp" Rgba Eight 0;
    "runs.bmp" Rgb Eight 0;
    "none.tif" Rgb Eight 0;
    "lzw.tif" Rgb Eight 0;
    "deflate.tif" Rgb Eight 0;
    "packbits.tif" Rgb Eight 0;
    "tiled.tif" Rgb Eight 0;
    "big.tif" Rgb Eight 0;
    "jpeg.tif" Rgb Eight 8;
    "deep.tif" Rgb Sixteen 0;
    "cmyk.tif" Cmyk Eight 0;
    "palette.tif" Rgb Eight 0;
    "fax.tif" Grey Eight 0;
    "turned-8.tif" Rgb Eight 0;
    "float.tif" Rgb Sixteen 0;
    "plain.avif" Rgb Eight 8;
    "alpha.avif" Rgba Eight 8;
    "turned-6.avif" Rgb Eight 8;
    "turned-7.avif" Rgb Eight 8;
    "animated.avif" Rgb Eight 8;
    "deep.avif" Rgb Sixteen 8;
    "grey.avif" Rgb Eight 8;
    "plain.jxl" Rgb Eight 0;
    "lossy.jxl" Rgb Eight 10;
    "alpha.jxl" Rgba Eight 0;
    "deep.jxl" Rgb Sixteen 0;
    "grey.jxl" Grey Eight 0;
    "plain.svg" Rgba Eight 0;
};

/// HEIC, which only some builds read.
const HEIC: &[u8] = include_bytes!("fixtures/plain.heic");

fn header(file: &[u8]) -> Result<Header, FaultCode> {
    match Header::parse(file, Whole::Yes) {
        Ok(header) => Ok(header),
        Err(HeaderError::Fault(fault)) => Err(fault.code),
        Err(HeaderError::NeedMore) => panic!("all of the file was given"),
    }
}

/// All samples of the picture that `rows` is at, in 16 bits.
fn samples(rows: &mut dyn Rows) -> Vec<u16> {
    let layout = rows.layout();
    let mut bytes = Vec::new();
    // Three rows at a time, so that a picture ends within a band.
    let mut band = vec![0; layout.row_bytes() * 3];
    loop {
        let read = rows.read(&mut band).unwrap();
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&band[..read * layout.row_bytes()]);
    }
    assert_eq!(bytes.len(), layout.row_bytes() * layout.height as usize);
    match layout.depth {
        Depth::Eight => bytes.iter().map(|v| u16::from(*v) * 257).collect(),
        Depth::Sixteen => bytes.chunks_exact(2).map(|v| u16::from_ne_bytes([v[0], v[1]])).collect(),
    }
}

/// The middles of the four quarters, upright.
fn quarters(rows: &mut dyn Rows) -> [Vec<u16>; 4] {
    let layout = rows.layout();
    let samples = samples(rows);
    let count = layout.channels.count();
    [(12, 8), (36, 8), (12, 24), (36, 24)].map(|(x, y)| {
        let (right, down) = (47 - x, 31 - y);
        let (x, y) = match layout.orientation.exif() {
            2 => (right, y),
            3 => (right, down),
            4 => (x, down),
            5 => (y, x),
            6 => (y, right),
            7 => (down, right),
            8 => (down, x),
            _ => (x, y),
        };
        let at = (y * layout.width as usize + x) * count;
        samples[at..at + count].to_vec()
    })
}

/// What a quarter should be: 16 bits a sample.
fn expected(fixture: &Fixture, quarter: usize, scene: &[[u8; 3]; 4]) -> Vec<u16> {
    let [r, g, b] = scene[quarter];
    let grey = (0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)).round() as u8;
    let wide = |v: u8| match (fixture.depth, fixture.name) {
        // 8 bits scaled, and a little more, which a reader of 8 bits loses.
        (Depth::Sixteen, "deep.png" | "interlaced.png" | "deep.tif" | "deep.jxl") => {
            u16::from(v) * 257 + 100
        }
        _ => u16::from(v) * 257,
    };
    match (fixture.channels, fixture.name) {
        (_, "fax.tif") => vec![if grey > 100 { 65_535 } else { 0 }],
        // libvips writes grey as colour.
        (_, "grey.avif") => vec![wide(grey); 3],
        (Channels::Grey | Channels::GreyAlpha, _) => vec![wide(grey)],
        (Channels::Rgb, _) => [r, g, b].map(wide).to_vec(),
        (Channels::Cmyk, _) => [255 - r, 255 - g, 255 - b, 0].map(wide).to_vec(),
        (Channels::Rgba, name) => {
            let half = match name {
                "transparent.gif" => 0,
                "plain.svg" | "animated.gif" => 255,
                _ => 128,
            };
            let alpha = if quarter.is_multiple_of(2) { 255 } else { half };
            let mut pixel = [r, g, b].map(wide).to_vec();
            pixel.push(wide(alpha));
            pixel
        }
    }
}

fn compare(fixture: &Fixture, seen: &[Vec<u16>; 4], scene: &[[u8; 3]; 4]) {
    for (quarter, seen) in seen.iter().enumerate() {
        let wanted = expected(fixture, quarter, scene);
        if wanted.len() == 4 && wanted[3] == 0 && fixture.channels == Channels::Rgba {
            assert_eq!(seen[3], 0, "{}: what is transparent has no colour", fixture.name);
            continue;
        }
        let off = seen.iter().zip(&wanted).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(
            off <= u16::from(fixture.tolerance) * 257 + 1,
            "{}, quarter {quarter}: {seen:?} where {wanted:?} belongs",
            fixture.name
        );
    }
}

#[test]
fn every_kind_of_file_comes_out_as_it_was_drawn() {
    for fixture in FIXTURES {
        let header =
            header(fixture.file).unwrap_or_else(|code| panic!("{}: {code:?}", fixture.name));
        assert_eq!(header.upright(), (48, 32), "{}", fixture.name);
        assert_eq!(header.channels, fixture.channels, "{}", fixture.name);
        let mut rows = open(fixture.file, &header, &Limits::default())
            .unwrap_or_else(|fault| panic!("{}: {fault:?}", fixture.name));
        let layout = rows.layout();
        assert_eq!(
            (layout.channels, layout.depth),
            (fixture.channels, fixture.depth),
            "{}",
            fixture.name
        );
        assert_eq!(layout.orientation, header.orientation, "{}", fixture.name);
        compare(fixture, &quarters(&mut *rows), &SCENE);
        if let Some((_, number)) = fixture.name.split_once("turned-") {
            let number: u8 = number[..1].parse().unwrap();
            assert_eq!(layout.orientation.exif(), number, "{}", fixture.name);
        }
    }
}

#[test]
fn animations_go_on_to_their_next_picture() {
    for (name, repeats) in [("animated.png", 3), ("animated.gif", 3), ("animated.webp", 2)] {
        let fixture = FIXTURES.iter().find(|fixture| fixture.name == name).unwrap();
        let header = header(fixture.file).unwrap();
        assert_eq!(header.frames, 2, "{name}");
        let mut rows = open(fixture.file, &header, &Limits::default()).unwrap();
        assert_eq!((rows.duration_ms(), rows.repeats()), (120, repeats), "{name}");
        // What was not read of a picture is skipped.
        let mut row = vec![0; rows.layout().row_bytes()];
        assert_eq!(rows.read(&mut row).unwrap(), 1);
        assert!(rows.advance().unwrap(), "{name}");
        assert_eq!(rows.duration_ms(), 80, "{name}");
        compare(fixture, &quarters(&mut *rows), &LATER);
        assert!(!rows.advance().unwrap(), "{name}");
    }
}

#[test]
fn colour_is_said_where_it_is_not_srgb() {
    let colour = |name: &str| {
        let fixture = FIXTURES.iter().find(|fixture| fixture.name == name).unwrap();
        let header = header(fixture.file).unwrap();
        open(fixture.file, &header, &Limits::default()).unwrap().colour().clone()
    };
    assert_eq!(colour("float.tif"), Colour::Coded { primaries: 1, transfer: 8 });
    for name in ["plain.png", "plain.avif", "plain.jxl", "plain.svg", "cmyk.tif", "lossy.webp"] {
        assert_eq!(colour(name), Colour::Srgb, "{name}");
    }
}

#[test]
fn heic_is_read_where_it_is_built_in() {
    let header = header(HEIC).unwrap();
    assert_eq!((header.format, header.upright()), (Format::Heic, (48, 32)));
    let opened = open(HEIC, &header, &Limits::default());
    assert_eq!(opened.is_ok(), cfg!(feature = "heic"));
    match opened {
        Ok(mut rows) => {
            let fixture = Fixture {
                name: "plain.heic",
                file: HEIC,
                channels: Channels::Rgb,
                depth: Depth::Eight,
                tolerance: 10,
            };
            compare(&fixture, &quarters(&mut *rows), &SCENE);
        }
        Err(fault) => {
            assert_eq!(fault.code, FaultCode::UnsupportedFormat);
            assert!(fault.detail.contains("--features heic"), "{fault}");
        }
    }
}

#[test]
fn what_is_not_read_of_a_format_is_said() {
    let mut lossless = include_bytes!("fixtures/scans.jpg").to_vec();
    let frame = lossless.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    lossless[frame + 1] = 0xc3;
    assert_eq!(header(&lossless), Err(FaultCode::UnsupportedFormat));
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03 and what follows";
    assert_eq!(header(packed), Err(FaultCode::UnsupportedFormat));
}

#[test]
fn a_drawing_that_would_take_for_ever_is_refused_at_once() {
    let svg = |inner: &str| {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' \
             xmlns:xlink='http://www.w3.org/1999/xlink' width='400' height='400'>{inner}</svg>"
        )
    };
    let mut nested = "<g id='a0'><rect width='9' height='9'/></g>".to_owned();
    for level in 1..12 {
        let uses = format!("<use xlink:href='#a{}'/>", level - 1).repeat(10);
        nested += &["<g id='a", &level.to_string(), "'>", &uses, "</g>"].concat();
    }
    let filters = "<filter id='f' x='0' y='0' width='1' height='1'>".to_owned()
        + &"<feGaussianBlur stdDeviation='20'/>".repeat(400)
        + "</filter><rect width='400' height='400' filter='url(#f)'/>";
    let deep = "<g>".repeat(5_000) + &"</g>".repeat(5_000);
    let turbulent = "<filter id='f'><feTurbulence numOctaves='900' baseFrequency='.1'/></filter>\
                     <rect width='400' height='400' filter='url(#f)'/>";
    let layers =
        "<g opacity='.5'>".repeat(60) + "<rect width='9' height='9'/>" + &"</g>".repeat(60);
    let entities = "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'>".to_owned()
        + &(1..12)
            .map(|n| {
                let before = if n == 1 { "&a;".to_owned() } else { format!("&a{};", n - 1) };
                format!("<!ENTITY a{n} '{}'>", before.repeat(10))
            })
            .collect::<Vec<_>>()
            .concat()
        + "]><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text>&a11;</text></svg>";
    let files = [svg(&nested), svg(&filters), svg(&deep), svg(turbulent), svg(&layers), entities];
    for (number, file) in files.iter().enumerate() {
        let start = std::time::Instant::now();
        let refused = exhaust(file.as_bytes());
        assert!(refused.is_err(), "drawing {number}");
        assert!(start.elapsed().as_millis() < 1_000, "drawing {number}: {:?}", start.elapsed());
    }
}

#[test]
fn a_drawing_fetches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside.png");
    std::fs::write(&outside, include_bytes!("fixtures/plain.png")).unwrap();
    let inside: &[u8] = include_bytes!("fixtures/plain.png");
    let inside = format!("data:image/png;base64,{}", base64(inside));
    for (href, opaque) in [(outside.to_str().unwrap(), false), (inside.as_str(), true)] {
        let file = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='48' height='32'>\
             <image href='{href}' width='48' height='32'/></svg>"
        );
        let header = header(file.as_bytes()).unwrap();
        let mut rows = open(file.as_bytes(), &header, &Limits::default()).unwrap();
        let alpha = quarters(&mut *rows)[0][3];
        assert_eq!(alpha == u16::MAX, opaque, "{href:.40}");
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn every_shorter_head_asks_for_more_or_says_the_same() {
    for fixture in FIXTURES {
        let all = header(fixture.file).unwrap();
        let mut enough = 0;
        for length in 0..fixture.file.len() {
            match Header::parse(&fixture.file[..length], Whole::No) {
                Ok(header) => {
                    assert_eq!(header, all, "{} at {length}", fixture.name);
                    enough += 1;
                }
                Err(HeaderError::NeedMore) => assert_eq!(enough, 0, "{} at {length}", fixture.name),
                Err(HeaderError::Fault(fault)) => panic!("{} at {length}: {fault}", fixture.name),
            }
        }
        assert!(enough > 0 || Format::scattered(all.format), "{}", fixture.name);
    }
}

/// Opens and reads all pictures; whatever is wrong is a fault.
fn exhaust(file: &[u8]) -> Result<(), FaultCode> {
    let limits = Limits { pixels: 1_000_000, memory: 256 << 20, frames: 50, ..Limits::default() };
    let header = header(file)?;
    limits.check(&header).map_err(|fault| fault.code)?;
    let mut rows = open(file, &header, &limits).map_err(|fault| fault.code)?;
    let mut band = vec![0; rows.layout().row_bytes() * 8];
    loop {
        while rows.read(&mut band).map_err(|fault| fault.code)? > 0 {}
        if !rows.advance().map_err(|fault| fault.code)? {
            return Ok(());
        }
    }
}
