//! Pictures, held against what libvips makes of the same source: `make.py` draws the sources, makes
//! the references and says how far apart they may be. What differs is left in
//! `target/tmp/golden`, ours beside the reference, for you to look at.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use image::{DynamicImage, RgbaImage};
use imaging::{Assets, Header, Limits, Made, Orientation, Presets, Unlimited, Whole, open};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    difference::{self, Difference, linear},
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
        let source = self.source();
        let presets =
            Presets::parse(&self.presets).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let mut plan = presets.plan(header);
        plan.pieces.retain(|piece| piece.format().is_some());
        let mut rows = open(&source, header, &Limits::default())
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let mut found = None;
        plan.run(&mut *rows, Assets::NONE, &Unlimited, &mut |_, made| {
            found = Some(made.unwrap_or_else(|e| panic!("{}: {e}", self.name)));
        })
        .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let Some(Made::Variant { bytes, .. }) = found else { panic!("{}: no variant", self.name) };
        image::load_from_memory(&bytes).unwrap_or_else(|e| panic!("{}: {e}", self.name)).to_rgba8()
    }

    fn reference(&self) -> RgbaImage {
        read(&self.reference)
    }

    fn holds(&self, difference: &Difference) -> bool {
        difference.mean <= self.mean && difference.most <= self.most
    }
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
    // All of these kinds, so that a script that writes fewer cases is found out.
    assert_eq!(worst.keys().filter(|name| name.starts_with("turned-")).count(), 32);
    for kind in ["cover-west", "pad-south", "crop", "trim", "rotate-30", "enlarge", "p3", "cmyk"] {
        assert!(worst.contains_key(kind), "{kind} is missing");
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
    for case in cases().iter().filter(|case| !matches!(&*case.name, "grey" | "checks")) {
        let mut ours = case.made(&case.header());
        for pixel in ours.pixels_mut() {
            pixel.0.swap(0, 2);
        }
        let found = between(&ours, &case.reference()).expect("pictures of one size");
        assert!(!case.holds(&found), "{}: {found}", case.name);
    }
}
