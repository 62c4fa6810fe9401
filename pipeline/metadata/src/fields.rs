//! The fields that clients search by. What a camera left blank, zero or impossible is not known,
//! and what is not known is none.

use domain::record::{Camera, Exposure, Gps, Metadata};
use exif::{Context, Exif, In, Tag, Value};
use jiff::civil;

use crate::text;

/// Longest texts, in bytes. Together they keep a record under 4 KB; all of the text stands in the
/// raw metadata.
mod longest {
    pub(super) const NAME: usize = 100;
    pub(super) const LINE: usize = 200;
    pub(super) const PARAGRAPH: usize = 600;
    pub(super) const KEYWORD: usize = 60;
    pub(super) const KEYWORDS: usize = 10;
}

// Windows' own tags, which the standard does not have.
const RATING: Tag = Tag(Context::Tiff, 0x4746);
const XP_TITLE: Tag = Tag(Context::Tiff, 0x9c9b);
const XP_KEYWORDS: Tag = Tag(Context::Tiff, 0x9c9e);

/// Everything that the first directory and its children say.
pub(crate) fn normalised(exif: &Exif) -> Metadata {
    let line = |tag, longest| text::of(value(exif, tag)?, longest);
    let make = line(Tag::Make, longest::NAME);
    let model = line(Tag::Model, longest::NAME);
    let camera = Camera { make, model };
    let exposure = exposure(exif);
    Metadata {
        taken_at: taken_at(exif),
        camera: Some(camera).filter(|camera| *camera != Camera::default()),
        lens: line(Tag::LensModel, longest::NAME),
        exposure: Some(exposure).filter(|exposure| *exposure != Exposure::default()),
        orientation: small(exif, Tag::Orientation, 1..=8),
        gps: gps(exif),
        title: value(exif, XP_TITLE).and_then(|title| text::wide(title, longest::LINE)),
        description: line(Tag::ImageDescription, longest::PARAGRAPH),
        keywords: keywords(exif),
        creator: line(Tag::Artist, longest::LINE),
        copyright: value(exif, Tag::Copyright).and_then(|parts| text::all_of(parts, longest::LINE)),
        rating: small(exif, RATING, 0..=5),
    }
}

fn value(exif: &Exif, tag: Tag) -> Option<&Value> {
    exif.get_field(tag, In::PRIMARY).map(|field| &field.value)
}

fn small(exif: &Exif, tag: Tag, range: std::ops::RangeInclusive<u8>) -> Option<u8> {
    let number = value(exif, tag)?.get_uint(0)?;
    u8::try_from(number).ok().filter(|number| range.contains(number))
}

fn keywords(exif: &Exif) -> Vec<String> {
    // The separator is Windows' own; the whole is cut only after it was taken apart.
    let all = value(exif, XP_KEYWORDS).and_then(|words| text::wide(words, usize::MAX));
    let all = all.unwrap_or_default();
    let words = all.split(';').filter_map(|word| text::clean(word, longest::KEYWORD));
    words.take(longest::KEYWORDS).collect()
}

/// When the shutter was released: not when the file was changed or digitised.
fn taken_at(exif: &Exif) -> Option<String> {
    let moment = text::of(value(exif, Tag::DateTimeOriginal)?, 40)?;
    let moment = civil_time(&moment)?;
    let digits = |text: &String| {
        text.len() <= 9 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
    };
    let fraction = value(exif, Tag::SubSecTimeOriginal)
        .and_then(|value| text::of(value, 40))
        .filter(digits)
        .map_or_else(String::new, |digits| format!(".{digits}"));
    let offset = value(exif, Tag::OffsetTimeOriginal)
        .and_then(|value| text::of(value, 40))
        .filter(|offset| is_offset(offset))
        .unwrap_or_default();
    let (date, time) = (moment.date(), moment.time());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}"))
}

/// `2019:03:01 12:34:56` (EXIF 2.32, 4.6.6), also with dashes, as some write the date.
fn civil_time(text: &str) -> Option<civil::DateTime> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let parts = |text: &str, separators: &[char]| -> Option<[i16; 3]> {
        let numbers: Option<Vec<i16>> = text
            .split(separators)
            .map(|part| part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit())))
            .collect();
        numbers?.try_into().ok()
    };
    let [year, month, day] = parts(date, &[':', '-'])?;
    let [hour, minute, second] = parts(time, &[':'])?;
    let small = |number: i16| i8::try_from(number).ok();
    if year == 0 {
        return None;
    }
    let date = civil::Date::new(year, small(month)?, small(day)?).ok()?;
    let time = civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some(date.to_datetime(time))
}

/// `+02:00`, as no clock on Earth is further than fourteen hours from UTC.
fn is_offset(text: &str) -> bool {
    let &[b'+' | b'-', a, b, b':', c, d] = text.as_bytes() else { return false };
    let number = |tens: u8, ones: u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
    };
    number(a, b).is_some_and(|hours| hours <= 14)
        && number(c, d).is_some_and(|minutes| minutes < 60)
}

fn exposure(exif: &Exif) -> Exposure {
    let positive = |tag| number(value(exif, tag)?, 0).filter(|number| *number > 0.0);
    Exposure {
        time_s: positive(Tag::ExposureTime),
        f_number: positive(Tag::FNumber),
        iso: iso(exif),
        focal_length_mm: positive(Tag::FocalLength),
    }
}

/// The first of its values; where it is the largest that the tag can say, the tags made for more.
fn iso(exif: &Exif) -> Option<u32> {
    const FULL: u32 = 65_535;
    let first = |tag| value(exif, tag)?.get_uint(0).filter(|iso| *iso > 0);
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

fn gps(exif: &Exif) -> Option<Gps> {
    let latitude = angle(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, (b'N', b'S'), 90.0)?;
    let longitude = angle(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, (b'E', b'W'), 180.0)?;
    let altitude = value(exif, Tag::GPSAltitude).and_then(|value| number(value, 0));
    let timed = exif.get_field(Tag::GPSTimeStamp, In::PRIMARY).is_some();
    // Zeros and nothing else: a position that was taken out, not one in the Gulf of Guinea.
    if latitude == 0.0 && longitude == 0.0 && altitude.is_none() && !timed {
        return None;
    }
    // 1 and 3 are below sea level and below the ellipsoid (EXIF 3.0, 4.6.7).
    let below = value(exif, Tag::GPSAltitudeRef)
        .and_then(|value| value.get_uint(0))
        .is_some_and(|reference| matches!(reference, 1 | 3));
    let altitude_m =
        altitude.map(|altitude| round(if below { -altitude } else { altitude }, 100.0));
    Some(Gps { latitude, longitude, altitude_m })
}

/// Degrees, minutes and seconds with the half of the globe that they lie on. All that is written
/// must be a number: a minute of 0/0 is not a minute of 0.
fn angle(exif: &Exif, tag: Tag, half: Tag, (plus, minus): (u8, u8), most: f64) -> Option<f64> {
    let value = value(exif, tag)?;
    let count = match value {
        Value::Rational(values) => values.len(),
        Value::SRational(values) => values.len(),
        _ => return None,
    };
    let mut degrees = 0.0;
    for (index, share) in [1.0, 60.0, 3_600.0].into_iter().enumerate().take(count) {
        degrees += number(value, index)? / share;
    }
    let half = text::of(self::value(exif, half)?, 10)?;
    let sign = match half.bytes().next()?.to_ascii_uppercase() {
        letter if letter == plus => 1.0,
        letter if letter == minus => -1.0,
        _ => return None,
    };
    // A millionth of a degree is a tenth of a metre.
    Some(round(sign * degrees, 1e6)).filter(|angle| count > 0 && angle.abs() <= most)
}

/// To so many parts of one; never a negative zero.
fn round(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts + 0.0
}
