//! What EXIF says.

use domain::record::{Camera, Exposure, Gps, Metadata};
use exif::{Context, Tag, Value};

use super::{known, longest};
use crate::{directories::Directories, moment, text};

// Windows' own tags, which the standard does not have.
const RATING: Tag = Tag(Context::Tiff, 0x4746);
const XP_TITLE: Tag = Tag(Context::Tiff, 0x9c9b);
const XP_KEYWORDS: Tag = Tag(Context::Tiff, 0x9c9e);

/// Everything that the first directory and its children say.
pub(super) fn said(exif: &Directories) -> Metadata {
    let line = |tag, longest| text::of(exif.value(tag)?, longest);
    let make = line(Tag::Make, longest::NAME);
    let model = line(Tag::Model, longest::NAME);
    Metadata {
        taken_at: taken_at(exif),
        camera: known(Camera { make, model }),
        lens: line(Tag::LensModel, longest::NAME),
        exposure: known(exposure(exif)),
        orientation: small(exif, Tag::Orientation, 1..=8),
        gps: gps(exif),
        title: exif.value(XP_TITLE).and_then(|title| text::wide(title, longest::LINE)),
        description: line(Tag::ImageDescription, longest::PARAGRAPH),
        keywords: keywords(exif),
        creator: line(Tag::Artist, longest::LINE),
        copyright: exif.value(Tag::Copyright).and_then(|parts| text::all_of(parts, longest::LINE)),
        rating: small(exif, RATING, 0..=5),
    }
}

fn small(exif: &Directories, tag: Tag, range: std::ops::RangeInclusive<u8>) -> Option<u8> {
    let number = exif.value(tag)?.get_uint(0)?;
    u8::try_from(number).ok().filter(|number| range.contains(number))
}

fn keywords(exif: &Directories) -> Vec<String> {
    // The separator is Windows' own; the whole is cut only after it was taken apart.
    let all = exif.value(XP_KEYWORDS).and_then(|words| text::wide(words, usize::MAX));
    let all = all.unwrap_or_default();
    let words = all.split(';').filter_map(|word| text::clean(word, longest::KEYWORD));
    words.take(longest::KEYWORDS).collect()
}

/// When the shutter was released: not when the file was changed or digitised.
fn taken_at(exif: &Directories) -> Option<String> {
    let line = |tag| text::of(exif.value(tag)?, 40);
    let fraction = line(Tag::SubSecTimeOriginal).unwrap_or_default();
    let offset = line(Tag::OffsetTimeOriginal).unwrap_or_default();
    moment::of_exif(&line(Tag::DateTimeOriginal)?, &fraction, &offset)
}

fn exposure(exif: &Directories) -> Exposure {
    let positive = |tag| number(exif.value(tag)?, 0).filter(|number| *number > 0.0);
    Exposure {
        time_s: positive(Tag::ExposureTime),
        f_number: positive(Tag::FNumber),
        iso: iso(exif),
        focal_length_mm: positive(Tag::FocalLength),
    }
}

/// The first of its values; where it is the largest that the tag can say, the tags made for more.
fn iso(exif: &Directories) -> Option<u32> {
    const FULL: u32 = 65_535;
    let first = |tag| exif.value(tag)?.get_uint(0).filter(|iso| *iso > 0);
    let iso = first(Tag::PhotographicSensitivity)?;
    if iso != FULL {
        return Some(iso);
    }
    first(Tag::RecommendedExposureIndex).or_else(|| first(Tag::ISOSpeed)).or(Some(iso))
}

/// A number of a value; none for a denominator of zero.
fn number(value: &Value, index: usize) -> Option<f64> {
    let number = match value {
        Value::Rational(values) => values.get(index)?.to_f64(),
        Value::SRational(values) => values.get(index)?.to_f64(),
        Value::Float(values) => f64::from(*values.get(index)?),
        Value::Double(values) => *values.get(index)?,
        other => f64::from(other.get_uint(index)?),
    };
    Some(number).filter(|number| number.is_finite())
}

fn gps(exif: &Directories) -> Option<Gps> {
    let latitude = angle(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, (b'N', b'S'), 90.0)?;
    let longitude = angle(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, (b'E', b'W'), 180.0)?;
    let altitude = exif.value(Tag::GPSAltitude).and_then(|value| number(value, 0));
    let timed = exif.value(Tag::GPSTimeStamp).is_some();
    // Zeros and nothing else: a position that was taken out, not one in the Gulf of Guinea.
    if latitude == 0.0 && longitude == 0.0 && altitude.is_none() && !timed {
        return None;
    }
    // 1 and 3 are below sea level and below the ellipsoid (EXIF 3.0, 4.6.7).
    let below = exif
        .value(Tag::GPSAltitudeRef)
        .and_then(|value| value.get_uint(0))
        .is_some_and(|reference| matches!(reference, 1 | 3));
    let altitude_m =
        altitude.map(|altitude| round(if below { -altitude } else { altitude }, 100.0));
    Some(Gps { latitude, longitude, altitude_m })
}

/// Degrees, minutes and seconds with the half of the globe that they lie on. All that is written
/// must be a number: a minute of 0/0 is not a minute of 0.
fn angle(
    exif: &Directories,
    tag: Tag,
    half: Tag,
    (plus, minus): (u8, u8),
    most: f64,
) -> Option<f64> {
    let value = exif.value(tag)?;
    let count = match value {
        Value::Rational(values) => values.len(),
        Value::SRational(values) => values.len(),
        _ => return None,
    };
    let mut degrees = 0.0;
    for (index, share) in [1.0, 60.0, 3_600.0].into_iter().enumerate().take(count) {
        degrees += number(value, index)? / share;
    }
    let half = text::of(exif.value(half)?, 10)?;
    let sign = match half.bytes().next()?.to_ascii_uppercase() {
        letter if letter == plus => 1.0,
        letter if letter == minus => -1.0,
        _ => return None,
    };
    // A millionth of a degree is a tenth of a metre.
    Some(round(sign * degrees, 1e6)).filter(|angle| count > 0 && angle.abs() <= most)
}

/// To so many parts of one; never a negative zero.
pub(super) fn round(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts + 0.0
}
