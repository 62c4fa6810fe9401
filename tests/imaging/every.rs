//! Every format that is read × every format that is written: `every.py` draws the sources with other
//! people's encoders, reads both ends with other people's decoders, and says how far apart they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use image::{Rgba, RgbaImage};
use imaging::{Format, Header, Made, Presets, Whole};
use serde::Deserialize;
use serde_json::{Value, json};

use super::draw;
use crate::{oracle::python, report};

/// One way to write.
struct Output {
    name: &'static str,
    preset: &'static str,
    /// As Pillow calls it.
    format: &'static str,
    /// The largest mean difference from the reference, in levels of 8 bits, on black and on white.
    apart: f64,
    moving: bool,
}

macro_rules! outputs {
    ($($name:literal $preset:literal $format:literal $apart:literal $moving:literal;)*) => {
        &[$(Output {
            name: $name, preset: $preset, format: $format, apart: $apart, moving: $moving,
        }),*]
    };
}

const OUTPUTS: &[Output] = outputs! {
    "jpeg" "formats = ['jpeg']\nquality = 92" "JPEG" 4.0 false;
    "png" "formats = ['png']" "PNG" 1.0 false;
    "palette" "formats = ['png']\npalette = true" "PNG" 4.0 false;
    "gif" "formats = ['gif']" "GIF" 4.0 false;
    "webp" "formats = ['webp']\nquality = 92" "WEBP" 5.5 false;
    "lossless" "formats = ['webp']\nlossless = true" "WEBP" 1.0 false;
    "avif" "formats = ['avif']\nquality = 92" "AVIF" 4.0 false;
    "gif, moving" "formats = ['gif']\nanimation = 'keep'" "GIF" 4.0 true;
    "webp, moving" "formats = ['webp']\nanimation = 'keep'\nlossless = true" "WEBP" 1.0 true;
};

/// Sources for other tests than the table.
const ASIDE: [&str; 6] =
    ["swapped.png", "checks.png", "columns.png", "rows.png", "edge.png", "halo.png"];

/// What the independent decoders found of one file.
#[derive(Clone, Debug, Deserialize)]
struct Found {
    name: String,
    format: String,
    mode: String,
    size: [u32; 2],
    pictures: usize,
    wanted: usize,
    /// Milliseconds of each picture, where there are several.
    times: Vec<f64>,
    wanted_times: Vec<f64>,
    /// Mean difference from the reference.
    apart: f64,
    /// Mean difference between two readers of the same file.
    opinions: f64,
    /// Levels of the middle of the picture.
    least: f64,
    most: f64,
    /// Of what is seen: the least red, the most green, and of all; and how much is not seen.
    red: f64,
    green: f64,
    darkest: f64,
    lightest: f64,
    clear: u32,
}

/// Where the sources are, made once, and their names.
pub fn sources() -> &'static (PathBuf, Vec<String>) {
    static MADE: OnceLock<(PathBuf, Vec<String>)> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("every");
        let _ = fs::remove_dir_all(&folder);
        let names = python::run("imaging/every.py", &[Path::new("make"), &folder], &Value::Null);
        (folder, serde_json::from_value(names).expect("a list of names"))
    })
}

fn source(name: &str) -> PathBuf {
    sources().0.join(name)
}

/// Writes a source in one way, half as large, for the judge to compare with `like`.
fn task(name: &str, like: &str, output: &Output) -> Value {
    let file = fs::read(source(name)).unwrap();
    let header = Header::parse(&file, Whole::Yes).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (width, height) = header.upright();
    let text = format!(
        "[variants.v]\nfit = 'fill'\nwidth = {}\nheight = {}\n{}\n",
        width / 2,
        height / 2,
        output.preset
    );
    let mut plan = Presets::parse(&text).unwrap().plan(&header);
    plan.pieces.retain(|piece| piece.format().is_some());
    let (_, made) = draw::run(&plan, &file).remove(0);
    let Made::Variant { bytes, width: wide, height: high } = made else { panic!("no variant") };
    assert_eq!((wide, high), (width / 2, height / 2), "{name}");
    let extension = plan.pieces[0].format().unwrap().extension();
    let path = source(&format!("{name}-as-{like}-{}.{extension}", output.name));
    fs::write(&path, bytes).unwrap();
    json!({
        "name": format!("{name} {}", output.name),
        "source": source(like),
        "made": path,
        "moving": output.moving,
    })
}

fn judged(tasks: Vec<Value>) -> Vec<Found> {
    let found = python::run("imaging/every.py", &[Path::new("judge")], &Value::Array(tasks));
    serde_json::from_value(found).expect("a finding for each task")
}

/// What is wrong with a file.
fn wrong(found: &Found, output: &Output, size: [u32; 2], slack: f64) -> Option<String> {
    let Found { name, apart, .. } = found;
    if found.size != size || found.format != output.format {
        return Some(format!(
            "{name}: {:?} {}, not {size:?} {}",
            found.size, found.format, output.format
        ));
    }
    if found.pictures != found.wanted || found.times != found.wanted_times {
        return Some(format!("{name}: {found:?}"));
    }
    if found.opinions > 1.5 {
        return Some(format!("{name}: two readers are {:.2} levels apart", found.opinions));
    }
    (*apart > output.apart + slack)
        .then(|| format!("{name}: {apart:.2} levels apart, {:.1} allowed", output.apart + slack))
}

/// Levels that a picture may differ by beyond what is usual for its format.
fn slack(name: &str, output: &Output) -> f64 {
    let partly = name.starts_with("alpha.") || ["big.tif", "lossless.webp"].contains(&name);
    match name {
        // A GIF shows a pixel or does not.
        _ if partly && output.format == "GIF" => 3.0,
        // Chroma is enlarged by each decoder in its own way.
        "plain.heic" => 1.0,
        _ => 0.0,
    }
}

#[test]
fn every_format_comes_out_in_every_format() {
    let names: Vec<&String> =
        sources().1.iter().filter(|name| !ASIDE.contains(&name.as_str())).collect();
    let mut tasks = Vec::new();
    let mut sizes = BTreeMap::new();
    let mut formats = BTreeSet::new();
    for name in names {
        let file = fs::read(source(name)).unwrap();
        let header = Header::parse(&file, Whole::Yes).unwrap_or_else(|e| panic!("{name}: {e}"));
        if header.format == Format::Heic && !cfg!(feature = "heic") {
            continue;
        }
        formats.insert(header.format);
        let (width, height) = header.upright();
        sizes.insert(name.clone(), [width / 2, height / 2]);
        for output in OUTPUTS.iter().filter(|output| !output.moving || header.frames > 1) {
            tasks.push(task(name, name, output));
        }
    }
    let found = judged(tasks);
    let mut complaints = Vec::new();
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in &found {
        let (name, output) = one.name.split_once(' ').unwrap();
        let output = OUTPUTS.iter().find(|known| known.name == output).unwrap();
        complaints.extend(wrong(one, output, sizes[name], slack(name, output)));
        rows.entry(name).or_default().push(format!("{} {:.2}", output.name, one.apart));
    }
    for (name, cells) in &rows {
        report::say("every format", format_args!("{name}: {}", cells.join(" · ")));
    }
    report::say("every format", format_args!("{} sources, {} files", rows.len(), found.len()));
    assert!(complaints.is_empty(), "{} are wrong:\n{}", complaints.len(), complaints.join("\n"));
    let read = Format::ALL.len() - usize::from(!cfg!(feature = "heic"));
    assert!(formats.len() == read && found.len() >= 7 * rows.len() + 6, "{formats:?}");
    for (file, mode) in
        [("plain.png png", "RGB"), ("plain.png palette", "P"), ("alpha.png png", "RGBA")]
    {
        let one = found.iter().find(|one| one.name == file).unwrap();
        assert_eq!(one.mode, mode, "{file}");
    }
}

#[test]
fn exchanged_channels_are_found_out_in_every_format() {
    let tasks =
        OUTPUTS.iter().filter(|o| !o.moving).map(|o| task("swapped.png", "plain.png", o)).collect();
    for (found, output) in judged(tasks).iter().zip(OUTPUTS) {
        let complaint = wrong(found, output, [48, 32], slack("plain.png", output));
        assert!(complaint.is_some_and(|text| text.contains("levels apart")), "{}", output.name);
    }
}

#[test]
fn half_of_the_light_is_188_in_every_format() {
    let patterns = ["checks.png", "columns.png", "rows.png"];
    let tasks = patterns
        .iter()
        .flat_map(|name| OUTPUTS.iter().filter(|o| !o.moving).map(|o| task(name, name, o)))
        .collect();
    let found = judged(tasks);
    assert_eq!(found.len(), 21);
    for one in found {
        assert!(one.least >= 187.0 && one.most <= 189.0, "{}: {one:?}", one.name);
    }
}

/// Whether the colour beside what is not seen is another than that of the picture: green where all
/// is red, or lighter or darker where all is grey.
fn bleeds(found: &Found, output: &Output) -> bool {
    // What loses a little may lose it at an edge.
    let lossy = output.apart > 1.0;
    if found.name.starts_with("edge.png") {
        let lost = if lossy { 24.0 } else { 1.0 };
        found.green > lost || found.red < 255.0 - lost
    } else {
        let lost = if lossy { 4.0 } else { 1.0 };
        found.darkest < 128.0 - lost || found.lightest > 128.0 + lost
    }
}

#[test]
fn what_is_not_seen_does_not_bleed_in_any_format() {
    let outputs = || OUTPUTS.iter().filter(|o| !o.moving && o.name != "jpeg");
    for source in ["edge.png", "halo.png"] {
        let found = judged(outputs().map(|o| task(source, source, o)).collect());
        for (one, output) in found.iter().zip(outputs()) {
            // Half of the picture is not seen, and one column of 48 in part.
            assert!((20 * 32..=24 * 32).contains(&one.clear), "{}: {}", one.name, one.clear);
            assert!(!bleeds(one, output), "{one:?}");
        }
    }
}

#[test]
fn an_edge_that_bleeds_is_found_out() {
    let wrong = [("edge.png", [255, 0, 0], [128, 127, 0]), ("halo.png", [128; 3], [134; 3])];
    let tasks = wrong.map(|(name, [r, g, b], edge)| {
        let picture = RgbaImage::from_fn(48, 32, |x, _| match x {
            0..24 => Rgba([r, g, b, 255]),
            24 => Rgba([edge[0], edge[1], edge[2], 128]),
            _ => Rgba([0, 255, 0, 0]),
        });
        let path = source(&format!("bleeding-{name}"));
        picture.save(&path).unwrap();
        json!({ "name": format!("{name} wrong"), "source": source(name), "made": path, "moving": false })
    });
    for found in judged(tasks.to_vec()) {
        assert!(OUTPUTS.iter().all(|output| bleeds(&found, output)), "{found:?}");
    }
}
