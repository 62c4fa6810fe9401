//! The normalised fields of real photographs, as exiftool reads them.

use std::{collections::BTreeMap, path::Path, process::Command};

use domain::{
    Status,
    image::Outcome,
    record::{Gps, Metadata, MetadataRecord, Record},
};
use serde_json::Value;

use super::world::World;
use crate::report::{self, Lack};

/// exiftool's answers, by the file's name; none where it is not installed.
fn answers(files: &[std::path::PathBuf]) -> Option<BTreeMap<String, Value>> {
    // No configuration of whoever runs this; `-n`: numbers as numbers; the unqualified size is
    // often the thumbnail's, so groups are named.
    let output = Command::new("exiftool")
        .args(["-config", "", "-json", "-n", "-G1"])
        .args(files)
        .output()
        .ok()?;
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let named = all.into_iter().map(|answer| {
        let path = answer["SourceFile"].as_str().unwrap();
        let name = Path::new(path).file_name().unwrap().to_string_lossy().into_owned();
        (name, answer)
    });
    Some(named.collect())
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// exiftool prints what divides by zero as words, and nothing where it has nothing.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| *number > 0.0)
}

/// A date as exiftool prints it, where it is one: its own parts in RFC 3339's order.
fn moment(answer: &Value) -> Option<String> {
    let text = text(&answer["ExifIFD:DateTimeOriginal"])?;
    let (date, time) = text.split_once(' ')?;
    let moment: jiff::civil::DateTime =
        format!("{}T{time}", date.replace(':', "-")).parse().ok()?;
    Some(moment.to_string())
}

/// Every field that differs, as a sentence.
fn differences(ours: &Metadata, theirs: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, ours: Option<String>, theirs: Option<String>| {
        if ours != theirs {
            found.push(format!("{what}: {ours:?} where exiftool has {theirs:?}"));
        }
    };
    let camera = ours.camera.clone().unwrap_or_default();
    compare("make", camera.make, text(&theirs["IFD0:Make"]));
    compare("model", camera.model, text(&theirs["IFD0:Model"]));
    compare("lens", ours.lens.clone(), text(&theirs["ExifIFD:LensModel"]));
    compare("creator", ours.creator.clone(), text(&theirs["IFD0:Artist"]));
    let taken = ours.taken_at.as_ref().map(|moment| moment[..19].to_owned());
    compare("taken_at", taken, moment(theirs));
    let orientation = theirs["IFD0:Orientation"].as_u64().filter(|n| (1..=8).contains(n));
    compare(
        "orientation",
        ours.orientation.map(|n| n.to_string()),
        orientation.map(|n| n.to_string()),
    );
    let exposure = ours.exposure.clone().unwrap_or_default();
    let round = |number: f64| format!("{number:.6e}");
    compare("time", exposure.time_s.map(round), number(&theirs["ExifIFD:ExposureTime"]).map(round));
    compare("f", exposure.f_number.map(round), number(&theirs["ExifIFD:FNumber"]).map(round));
    compare(
        "focal length",
        exposure.focal_length_mm.map(round),
        number(&theirs["ExifIFD:FocalLength"]).map(round),
    );
    // Two values are printed as one text.
    let iso = text(&theirs["ExifIFD:ISO"]);
    let iso = iso.and_then(|all| all.split(' ').next().map(str::to_owned)).filter(|n| n != "0");
    compare("iso", exposure.iso.map(|n| n.to_string()), iso);

    let place =
        theirs["Composite:GPSLatitude"].as_f64().zip(theirs["Composite:GPSLongitude"].as_f64());
    // We keep a millionth of a degree.
    let near = |gps: &Gps, (latitude, longitude): (f64, f64)| {
        (gps.latitude - latitude).abs() < 1e-6 && (gps.longitude - longitude).abs() < 1e-6
    };
    let agreed = match (&ours.gps, place.filter(|place| *place != (0.0, 0.0))) {
        (Some(gps), Some(place)) => near(gps, place),
        (None, None) => true,
        _ => false,
    };
    if !agreed {
        compare("position", Some(format!("{:?}", ours.gps)), Some(format!("{place:?}")));
    }
    let altitude = theirs["Composite:GPSAltitude"].as_f64().filter(|_| ours.gps.is_some());
    compare(
        "altitude",
        ours.gps.and_then(|gps| gps.altitude_m).map(|metres| format!("{metres:.1}")),
        altitude.map(|metres| format!("{metres:.1}")),
    );
    found
}

#[tokio::test]
async fn real_photographs_say_what_exiftool_says() {
    const TEST: &str = "metadata as exiftool reads it";
    let Some(corpus) = report::corpus(TEST) else { return };
    let mut files: Vec<_> = std::fs::read_dir(corpus.join("camera"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jpg"))
        .collect();
    files.sort();
    let Some(answers) = answers(&files) else {
        return report::not_run(TEST, Lack::Tool("exiftool", "libimage-exiftool-perl"));
    };
    let mut compared = 0;
    let mut placed = 0;
    let mut wrong = Vec::new();
    for (number, path) in (0..).zip(&files) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let world = World::new();
        let id = world.upload(number, &std::fs::read(path).unwrap()).await;
        world.settle(&world.stages()).await;
        let image = world.image(id).await;
        if image.status == Status::Rejected {
            report::say("exiftool", format_args!("{name}: {}", image.problem.unwrap().detail));
            continue;
        }
        let described = image.work.ended.values().find_map(|outcome| match outcome {
            Outcome::Described(description) => Some(description.clone()),
            _ => None,
        });
        let fields = described.unwrap().fields;
        let record: Record = Record::of(&image, &|_| None);
        let size = serde_json::to_vec(&record).unwrap().len();
        assert!(size < 4_096, "{name}: a record of {size} bytes");
        assert_eq!(
            record.metadata.map(|MetadataRecord { fields, .. }| fields),
            Some(fields.clone())
        );
        placed += usize::from(fields.gps.is_some());
        compared += 1;
        let found = differences(&fields, &answers[&name]).into_iter();
        wrong.extend(found.map(|difference| format!("{name}: {difference}")));
    }
    report::say(
        "exiftool",
        format_args!("{compared} photographs compared with exiftool, {placed} with a position"),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 30 && placed >= 5, "{compared} compared, {placed} placed");
}
