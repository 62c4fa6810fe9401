//! Pictures, held against what libvips makes of the same source: `make.py` draws the sources, makes
//! the references and says how far apart they may be. What differs is left in
//! `target/tmp/golden`, ours beside the reference, for you to look at.

#[cfg(feature = "heic")]
mod heic;
mod kept;
mod ultra_hdr;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use image::{DynamicImage, RgbaImage};
use imaging::{Header, Orientation, Whole};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    difference::{self, Difference, linear},
    imaging::{draw, made::variants},
    oracle::python,
    report,
};

/// One picture to make.
#[derive(Clone, Deserialize)]
struct Case {
    name: String,
    source: PathBuf,
    presets: String,
    reference: PathBuf,
    /// The largest mean difference, in CIEDE2000.
    mean: f64,
    /// The largest difference of a pixel.
    most: f64,
}

/// The names of all cases, by what they try; those of orientations are in their test.
const KINDS: [&[&str]; 6] = [
    &["inside", "contain", "one-side", "fill", "never-larger", "enlarge"],
    &["cover", "cover-west", "cover-north-east", "cover-point", "pad", "pad-south"],
    &["crop", "crop-only", "trim", "flip", "flop"],
    &["rotate-90", "rotate-180", "rotate-270", "rotate-30", "rotate-minus-17-5"],
    &["sixteen-bits", "grey", "alpha-edge", "alpha-on-white", "checks"],
    &["p3", "p3-webp", "cmyk", "cmyk-tiff", "adobe-rgb", "grey-gamma", "table", "pq", "hlg"],
];

/// Where the sources and references are, made once.
fn folder() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
        let _ = fs::remove_dir_all(&folder);
        python::run("golden/make.py", &[&folder], &Value::Null);
        folder
    })
}

fn cases() -> Vec<Case> {
    let text = fs::read(folder().join("cases.json")).expect("make.py has written its cases");
    serde_json::from_slice(&text).expect("cases as make.py writes them")
}

fn named(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
}

impl Case {
    fn source(&self) -> Vec<u8> {
        fs::read(folder().join(&self.source)).expect("a source that make.py has written")
    }

    fn header(&self) -> Header {
        Header::parse(&self.source(), Whole::Yes).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// What the case's one variant looks like, for a source with this header.
    fn made(&self, header: &Header) -> RgbaImage {
        shown(&self.name, &self.source(), header, &self.presets)
    }

    fn reference(&self) -> RgbaImage {
        read(&self.reference)
    }

    fn holds(&self, difference: &Difference) -> bool {
        difference.mean <= self.mean && difference.most <= self.most
    }
}

/// What the one variant of a source looks like, whose file `image` reads.
fn shown(name: &str, source: &[u8], header: &Header, presets: &str) -> RgbaImage {
    let (made, _) = variants(presets, source, header);
    image::load_from_memory(&made[0].1).unwrap_or_else(|e| panic!("{name}: {e}")).to_rgba8()
}

/// Compares what is seen on white and on black: alpha counts by what shows through. An error says
/// that the sizes differ.
fn between(ours: &RgbaImage, reference: &RgbaImage) -> Result<Difference, String> {
    if ours.dimensions() != reference.dimensions() {
        return Err(format!("{:?} instead of {:?}", ours.dimensions(), reference.dimensions()));
    }
    let on = |[r, g, b, alpha]: [u8; 4], paper: f64| {
        let alpha = f64::from(alpha) / 255.0;
        [r, g, b].map(|value| linear(f64::from(value) / 255.0 * alpha + paper * (1.0 - alpha)))
    };
    let pixels = || ours.pixels().zip(reference.pixels());
    Ok(difference::over(
        [0.0, 1.0]
            .into_iter()
            .flat_map(|paper| pixels().map(move |(a, b)| (on(a.0, paper), on(b.0, paper)))),
    ))
}

fn read(name: &Path) -> RgbaImage {
    let path = folder().join(name);
    image::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).to_rgba8()
}

#[test]
fn pictures_are_as_libvips_makes_them() {
    let mut wrong = Vec::new();
    let mut worst: BTreeMap<String, Difference> = BTreeMap::new();
    for case in cases() {
        let ours = case.made(&case.header());
        match between(&ours, &case.reference()) {
            Err(sizes) => wrong.push(format!("{}: {sizes}", case.name)),
            Ok(difference) if !case.holds(&difference) => {
                let path = folder().join(format!("{}.ours.png", case.name));
                DynamicImage::from(ours).save(&path).expect("a folder of our own");
                wrong.push(format!("{}: {difference}: {}", case.name, path.display()));
            }
            Ok(difference) => {
                worst.insert(case.name, difference);
            }
        }
    }
    for (name, difference) in &worst {
        report::say("golden", format_args!("{name}: {difference}"));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A script that writes fewer cases, for whatever reason, is found out.
#[test]
fn every_case_is_written() {
    let turned = (1..=8).flat_map(|number| {
        ["jpg", "png", "webp", "tif"].map(|suffix| format!("turned-{number}-{suffix}"))
    });
    let wanted: BTreeSet<String> =
        KINDS.concat().iter().map(|name| (*name).to_owned()).chain(turned).collect();
    let written: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    assert_eq!(written.len(), wanted.len());
    assert_eq!(BTreeSet::from_iter(written), wanted);
}

/// The same numbers without their profile are other colours, further off than any case allows.
#[test]
fn a_profile_that_is_ignored_is_found_out() {
    for name in ["p3", "p3-webp", "adobe-rgb", "grey-gamma", "table"] {
        let case = named(name);
        let plain = draw::png(&image::load_from_memory(&case.source()).expect("a picture"));
        let found =
            between(&shown(name, &plain, &draw::header(&plain), &case.presets), &case.reference());
        let found = found.expect("pictures of one size");
        assert!(!case.holds(&found), "{name}: {found}");
    }
}

/// Pictures whose profile exchanges the primaries, so that what ignores it has other colours: the
/// values on which libvips and lcms2 agree.
#[test]
fn exchanged_primaries_come_out_as_other_readers_have_them() {
    let Some(corpus) = report::corpus("pictures whose profile exchanges the primaries") else {
        return;
    };
    let wanted = [
        ((500, 120), [255, 220, 220]),
        ((200, 500), [126, 255, 0]),
        ((800, 500), [139, 0, 255]),
        ((500, 880), [0, 240, 255]),
    ];
    for name in ["wide-gamut-tests__rgb-to-gbr-test.jpg", "wide-gamut-tests__rgb-to-gbr-test.png"] {
        let source = fs::read(corpus.join("icc").join(name)).expect("a file of the corpus");
        let header = Header::parse(&source, Whole::Yes).expect("a picture");
        let presets = "[variants.a]\nwidth = 65535\nformats = [\"png\"]";
        let ours = shown(name, &source, &header, presets);
        for ((x, y), colour) in wanted {
            let mut sums = [0_u32; 3];
            for (column, row) in
                (y - 4..=y + 4).flat_map(|row| (x - 4..=x + 4).map(move |c| (c, row)))
            {
                let pixel = ours.get_pixel(column, row).0;
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(value);
                }
            }
            let mean = sums.map(|sum| f64::from(sum) / 81.0);
            let off = |(ours, wanted): (f64, i32)| (ours - f64::from(wanted)).abs();
            let worst = mean.into_iter().zip(colour).map(off).fold(0.0, f64::max);
            assert!(worst <= 2.0, "{name} at {x},{y}: {mean:?} instead of {colour:?}");
        }
    }
}

#[test]
fn a_picture_that_was_not_turned_is_found_out() {
    for number in 2..=8 {
        let case = named(&format!("turned-{number}-jpg"));
        let header = Header { orientation: Orientation::Upright, ..case.header() };
        let ours = case.made(&header);
        let found = between(&ours, &case.reference());
        assert!(!found.is_ok_and(|difference| case.holds(&difference)), "turned-{number}");
    }
}

#[test]
fn averages_of_numbers_instead_of_light_are_found_out() {
    for (name, mutant) in [("fill", None), ("checks", Some("gamma-checks.png"))] {
        let case = named(name);
        let mutant = read(Path::new(mutant.unwrap_or("gamma-scene.png")));
        let found = between(&mutant, &case.reference());
        assert!(!found.is_ok_and(|difference| case.holds(&difference)), "{name}");
    }
    // Of the same size as the reference, so that only the light tells them apart.
    let case = named("turned-1-png");
    let found = between(&read(Path::new("gamma-scene.png")), &case.reference());
    let found = found.expect("pictures of one size");
    assert!(!case.holds(&found), "{found}");
}

#[test]
fn exchanged_channels_are_found_out() {
    for case in
        cases().iter().filter(|case| !matches!(&*case.name, "grey" | "grey-gamma" | "checks"))
    {
        let mut ours = case.made(&case.header());
        for pixel in ours.pixels_mut() {
            pixel.0.swap(0, 2);
        }
        let found = between(&ours, &case.reference()).expect("pictures of one size");
        assert!(!case.holds(&found), "{}: {found}", case.name);
    }
}
