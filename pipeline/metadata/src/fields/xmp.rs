//! What XMP says (Adobe XMP specification, parts 1 and 2; EXIF 2.32 for XMP, CIPA DC-010).

use domain::record::{Camera, Exposure, Gps, Metadata};

use super::{exif, keywords, known, longest, people};
use crate::{moment, text::clean, xmp::Properties};

/// The fields, and the one that the guidelines put in another place.
#[derive(Default)]
pub(super) struct Said {
    pub(super) fields: Metadata,
    /// `exif:DateTimeOriginal`: a copy of EXIF's, where `photoshop:DateCreated` belongs to the pair.
    pub(super) exif_taken_at: Option<String>,
}

pub(super) fn said(xmp: &Properties) -> Said {
    let line = |path: &str, longest| xmp.text(path).and_then(|text| clean(text, longest));
    let moment = |path: &str| xmp.value(path).and_then(moment::of_iso);
    let fields = Metadata {
        taken_at: moment("photoshop:DateCreated"),
        camera: known(Camera {
            make: line("tiff:Make", longest::NAME),
            model: line("tiff:Model", longest::NAME),
        }),
        lens: line("exifEX:LensModel", longest::NAME).or_else(|| line("aux:Lens", longest::NAME)),
        exposure: known(exposure(xmp)),
        orientation: None,
        gps: gps(xmp),
        title: line("dc:title", longest::LINE),
        description: line("dc:description", longest::PARAGRAPH),
        keywords: keywords(xmp.items("dc:subject")),
        creator: people(xmp.items("dc:creator")),
        copyright: line("dc:rights", longest::LINE),
        rating: xmp.value("xmp:Rating").and_then(rating),
    };
    Said { fields, exif_taken_at: moment("exif:DateTimeOriginal") }
}

fn exposure(xmp: &Properties) -> Exposure {
    let positive = |path: &str| xmp.value(path).and_then(number).filter(|number| *number > 0.0);
    let iso =
        ["exifEX:PhotographicSensitivity", "exif:ISOSpeedRatings"].into_iter().find_map(|path| {
            let first = xmp.items(path).first().and_then(|text| text.trim().parse::<u32>().ok());
            first.filter(|iso| *iso > 0)
        });
    Exposure {
        time_s: positive("exif:ExposureTime"),
        f_number: positive("exif:FNumber"),
        iso,
        focal_length_mm: positive("exif:FocalLength"),
    }
}

/// `5`, also written `5.0`; minus one, which rejects a picture, is no number of stars.
fn rating(text: &str) -> Option<u8> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let stars: u8 = whole.parse().ok()?;
    (stars <= 5 && fraction.bytes().all(|digit| digit == b'0')).then_some(stars)
}

/// `1/125`, or a decimal; none for a denominator of zero.
fn number(text: &str) -> Option<f64> {
    let number = match text.trim().split_once('/') {
        Some((numerator, denominator)) => {
            numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?
        }
        None => text.trim().parse().ok()?,
    };
    Some(number).filter(|number| number.is_finite())
}

fn gps(xmp: &Properties) -> Option<Gps> {
    let latitude = angle(xmp.value("exif:GPSLatitude")?, ('N', 'S'), 90.0)?;
    let longitude = angle(xmp.value("exif:GPSLongitude")?, ('E', 'W'), 180.0)?;
    let altitude = xmp.value("exif:GPSAltitude").and_then(number);
    let timed = xmp.value("exif:GPSTimeStamp").is_some();
    // Zeros and nothing else: a position that was taken out.
    if latitude == 0.0 && longitude == 0.0 && altitude.is_none() && !timed {
        return None;
    }
    let below = xmp.value("exif:GPSAltitudeRef").is_some_and(|text| text.trim() == "1");
    let altitude_m =
        altitude.map(|altitude| exif::round(if below { -altitude } else { altitude }, 100.0));
    Some(Gps { latitude, longitude, altitude_m })
}

/// `60,8,48.1N` or `60,8.8023N` (XMP specification, part 2, 3.3: `GPSCoordinate`).
fn angle(text: &str, (plus, minus): (char, char), most: f64) -> Option<f64> {
    let text = text.trim();
    let sign = match text.chars().next_back()?.to_ascii_uppercase() {
        letter if letter == plus => 1.0,
        letter if letter == minus => -1.0,
        _ => return None,
    };
    let numbers = text.get(..text.len() - 1)?;
    let mut degrees = 0.0;
    let mut shares = [1.0, 60.0, 3_600.0].into_iter();
    for part in numbers.split(',') {
        degrees += number(part).filter(|part| *part >= 0.0)? / shares.next()?;
    }
    Some(exif::round(sign * degrees, 1e6)).filter(|angle| angle.abs() <= most)
}
