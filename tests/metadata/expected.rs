//! What exiftool finds in files, put into our fields by the rules of the Metadata Working Group as
//! exiftool's own module has them (`-use MWG`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use domain::record::Metadata;
use serde_json::Value;

/// Files that are asked about at once.
const CHUNK: usize = 40;

/// exiftool's answers by path, and the files over which it died; none where it is not installed.
pub fn answers(files: &[PathBuf]) -> Option<(BTreeMap<PathBuf, Value>, Vec<PathBuf>)> {
    Command::new("exiftool").arg("-ver").output().ok()?;
    let (mut known, mut died) = (BTreeMap::new(), Vec::new());
    let mut waiting: Vec<Vec<PathBuf>> = files.chunks(CHUNK).map(<[PathBuf]>::to_vec).collect();
    while let Some(chunk) = waiting.pop() {
        match ask(&chunk) {
            Some(answers) => known.extend(answers),
            // Dying, it takes the answers of the whole chunk along.
            None if chunk.len() == 1 => died.extend(chunk),
            None => waiting.extend(chunk.chunks(chunk.len().div_ceil(2)).map(<[PathBuf]>::to_vec)),
        }
    }
    Some((known, died))
}

/// No configuration of whoever runs this; `-n`: numbers as numbers; the unqualified size is often
/// the thumbnail's, so groups are named.
fn ask(files: &[PathBuf]) -> Option<Vec<(PathBuf, Value)>> {
    let output = Command::new("exiftool")
        .args(["-config", "", "-json", "-n", "-G1", "-use", "MWG"])
        .args(files)
        .output()
        .ok()?;
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).ok()?;
    let path = |answer: &Value| answer["SourceFile"].as_str().map(PathBuf::from);
    all.into_iter().map(|answer| Some((path(&answer)?, answer))).collect()
}

/// Our fields and exiftool's, by name; only those that differ.
pub fn differences(ours: &Metadata, theirs: &Value) -> Vec<(&'static str, String)> {
    let (ours, theirs) = (said(ours), expected(theirs));
    let fields: Vec<&'static str> = theirs.keys().copied().collect();
    fields
        .into_iter()
        .filter(|field| !same(field, ours[field].as_deref(), theirs[field].as_deref()))
        .map(|field| {
            (field, format!("{field}: {:?} where exiftool has {:?}", ours[field], theirs[field]))
        })
        .collect()
}

/// How many of our fields say something.
pub fn count(ours: &Metadata) -> usize {
    said(ours).values().flatten().count()
}

/// What is cut in a record agrees with the beginning of the whole; numbers in the seventh digit.
fn same(field: &str, ours: Option<&str>, theirs: Option<&str>) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => match ours.strip_suffix('…') {
            Some(beginning) => theirs.starts_with(beginning),
            None if matches!(field, "latitude" | "longitude" | "altitude") => {
                let number = |text: &str| text.parse::<f64>().unwrap();
                let off = (number(ours) - number(theirs)).abs();
                off < if field == "altitude" { 0.006 } else { 1e-6 }
            }
            None => ours == theirs,
        },
        (ours, theirs) => ours == theirs,
    }
}

type Fields = BTreeMap<&'static str, Option<String>>;

/// Six digits: exiftool prints no more of some.
fn digits(number: f64) -> String {
    format!("{number:.6e}")
}

fn said(ours: &Metadata) -> Fields {
    let camera = ours.camera.clone().unwrap_or_default();
    let exposure = ours.exposure.clone().unwrap_or_default();
    let text = |number: u32| number.to_string();
    BTreeMap::from([
        ("make", camera.make),
        ("model", camera.model),
        ("lens", ours.lens.clone()),
        ("time", exposure.time_s.map(digits)),
        ("f-number", exposure.f_number.map(digits)),
        ("iso", exposure.iso.map(text)),
        ("focal length", exposure.focal_length_mm.map(digits)),
        ("taken_at", ours.taken_at.clone()),
        ("orientation", ours.orientation.map(u32::from).map(text)),
        ("latitude", ours.gps.map(|gps| gps.latitude.to_string())),
        ("longitude", ours.gps.map(|gps| gps.longitude.to_string())),
        ("altitude", ours.gps.and_then(|gps| gps.altitude_m).map(|metres| metres.to_string())),
        ("title", ours.title.clone()),
        ("description", ours.description.clone()),
        ("keywords", Some(ours.keywords.join("; ")).filter(|all| !all.is_empty())),
        ("creator", ours.creator.clone()),
        ("copyright", ours.copyright.clone()),
        ("rating", ours.rating.map(u32::from).map(text)),
    ])
}

fn expected(theirs: &Value) -> Fields {
    let text = |tags: &[&str]| tags.iter().find_map(|tag| text(&theirs[*tag]));
    let number = |tags: &[&str]| {
        let mut numbers = tags.iter().filter_map(|tag| number(&theirs[*tag]));
        numbers.find(|number| *number > 0.0).map(digits)
    };
    let within = |tags: &[&str], range: std::ops::RangeInclusive<u64>| {
        let mut numbers = tags.iter().filter_map(|tag| theirs[*tag].as_u64());
        numbers.find(|number| range.contains(number)).map(|number| number.to_string())
    };
    // Two values are printed as one text.
    let iso = ["ExifIFD:ISO", "XMP-exif:ISO", "XMP-exifEX:PhotographicSensitivity"]
        .iter()
        .find_map(|tag| {
            self::text(&theirs[*tag])?
                .split([' ', ';'])
                .next()
                .map(str::to_owned)
                .filter(|n| n != "0")
        });
    let place =
        ["Latitude", "Longitude"].map(|what| theirs[&format!("Composite:GPS{what}")].as_f64());
    let place = match place {
        // Zeros and nothing else: a position that was taken out.
        [Some(latitude), Some(longitude)]
            if (latitude, longitude) == (0.0, 0.0) && theirs["GPS:GPSTimeStamp"].is_null() =>
        {
            [None, None]
        }
        place => place,
    };
    // exiftool's own position has no altitude where nothing says that it is above the sea, which is
    // what the standard takes for granted.
    let altitude = ["Composite:GPSAltitude", "GPS:GPSAltitude"].into_iter();
    let altitude = altitude.filter_map(|tag| theirs[tag].as_f64()).find(|_| place[0].is_some());
    let taken = ["MWG:DateTimeOriginal", "XMP-exif:DateTimeOriginal", "PNG:CreationTime"];
    // A text in another language has that at the end of its name.
    let png = |keyword: &str| {
        let known = format!("PNG:{keyword}");
        let tags = theirs.as_object().unwrap().iter();
        let mut texts = tags.filter(|(tag, _)| {
            tag.strip_prefix(&known).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        texts.find_map(|(_, value)| self::text(value))
    };
    BTreeMap::from([
        ("make", text(&["IFD0:Make", "XMP-tiff:Make"])),
        ("model", text(&["IFD0:Model", "XMP-tiff:Model"])),
        ("lens", text(&["ExifIFD:LensModel", "XMP-exifEX:LensModel", "XMP-aux:Lens"])),
        ("time", number(&["ExifIFD:ExposureTime", "XMP-exif:ExposureTime"])),
        ("f-number", number(&["ExifIFD:FNumber", "XMP-exif:FNumber"])),
        ("iso", iso),
        ("focal length", number(&["ExifIFD:FocalLength", "XMP-exif:FocalLength"])),
        ("taken_at", taken.iter().find_map(|tag| moment(&theirs[*tag]))),
        ("orientation", within(&["IFD0:Orientation"], 1..=8)),
        ("latitude", place[0].map(|number| number.to_string())),
        ("longitude", place[1].map(|number| number.to_string())),
        ("altitude", altitude.map(|number| number.to_string())),
        (
            "title",
            text(&["XMP-dc:Title", "IPTC:ObjectName", "IFD0:XPTitle"])
                .or_else(|| png("Title"))
                .or_else(|| text(&["SVG:Title"])),
        ),
        (
            "description",
            text(&["MWG:Description"])
                .or_else(|| png("Description"))
                .or_else(|| text(&["SVG:Desc"])),
        ),
        ("keywords", keywords(theirs)),
        ("creator", text(&["MWG:Creator"]).or_else(|| png("Author"))),
        ("copyright", text(&["MWG:Copyright"]).or_else(|| png("Copyright"))),
        ("rating", within(&["MWG:Rating", "IFD0:Rating"], 0..=5)),
    ])
}

/// As a text of ours: one line of several, without blanks around and without control characters.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(all) => all.iter().filter_map(text).collect::<Vec<_>>().join("; "),
        _ => return None,
    };
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let text = text.trim_matches(is_blank).to_owned();
    Some(text).filter(|text| !text.is_empty())
}

/// exiftool prints what divides by zero as words, and nothing where it has nothing.
fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// Ten at most, each of a length that a record has.
fn keywords(theirs: &Value) -> Option<String> {
    let (value, separator) = match &theirs["MWG:Keywords"] {
        Value::Null => (&theirs["IFD0:XPKeywords"], ';'),
        // A list is one already, and a keyword may have any sign in it.
        value => (value, '\0'),
    };
    let all = match value {
        Value::Array(all) => all.iter().filter_map(text).collect(),
        value => {
            text(value).unwrap_or_default().split(separator).map(str::to_owned).collect::<Vec<_>>()
        }
    };
    let all: Vec<_> = all.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
    Some(all.into_iter().take(10).collect::<Vec<_>>().join("; ")).filter(|all| !all.is_empty())
}

/// `2019:03:01 12:34:56.78+02:00` in RFC 3339's form, where it is a moment.
fn moment(value: &Value) -> Option<String> {
    let text = text(value)?;
    let (date, time) = text.split_once(' ')?;
    let zone = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone);
    let whole = time.split('.').next()?;
    let civil: jiff::civil::DateTime =
        format!("{}T{whole}", date.replace(':', "-")).parse().ok()?;
    let fraction = &time[whole.len()..];
    Some(format!("{}T{}{fraction}{zone}", civil.date(), civil.time()))
}

/// A file's name within the corpus.
pub fn name(corpus: &Path, path: &Path) -> String {
    path.strip_prefix(corpus).unwrap_or(path).to_string_lossy().into_owned()
}
