//! Moments, as each standard writes them, in the form of RFC 3339. A date without a time is no
//! moment, and an offset is there only where somebody wrote one.

use jiff::civil;

/// `2019:03:01 12:34:56` (EXIF 2.32, 4.6.6), also with dashes, as some write the date; the fraction
/// and the offset from tags of their own.
pub(crate) fn of_exif(text: &str, fraction: &str, offset: &str) -> Option<String> {
    let (date, time) = text.split_once([' ', 'T'])?;
    rfc_3339(numbers(date, &[':', '-'])?, numbers(time, &[':'])?, fraction, offset)
}

/// `2019-03-01T12:34:56.78+02:00` or `…Z` (ISO 8601 as XMP, PNG and the web profile it): seconds,
/// their fraction and the offset may be missing.
pub(crate) fn of_iso(text: &str) -> Option<String> {
    let (date, time) = text.trim().split_once(['T', ' '])?;
    let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, offset) = (time.get(..zone)?, time.get(zone..)?);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let to_the_minute = || {
        let [hour, minute] = numbers(time, &[':'])?;
        Some([hour, minute, 0])
    };
    let time = numbers(time, &[':']).or_else(to_the_minute)?;
    rfc_3339(numbers(date, &['-'])?, time, fraction, &offset.to_ascii_uppercase())
}

/// `20190301` and `123456+0200` (IIM 4.2, 2:55 and 2:60).
pub(crate) fn of_iptc(date: &str, time: &str) -> Option<String> {
    let offset = match time.get(6..)?.split_at_checked(3) {
        Some((hours, minutes)) if !minutes.is_empty() => format!("{hours}:{minutes}"),
        _ => String::new(),
    };
    let part = |text: &str, from: usize, to: usize| -> Option<i16> { number(text.get(from..to)?) };
    let date = (date.len() == 8).then_some(date)?;
    let date = [part(date, 0, 4)?, part(date, 4, 6)?, part(date, 6, 8)?];
    let time = [part(time, 0, 2)?, part(time, 2, 4)?, part(time, 4, 6)?];
    rfc_3339(date, time, "", &offset)
}

/// PNG's Creation Time: RFC 3339, or as electronic mail has it (PNG, third edition, 11.3.3.1).
pub(crate) fn of_png(text: &str) -> Option<String> {
    of_iso(text).or_else(|| of_exif(text.trim(), "", "")).or_else(|| {
        let zoned = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
        let moment = zoned.datetime();
        let (date, time) = (moment.date(), moment.time());
        let [month, day, hour, minute, second] =
            [date.month(), date.day(), time.hour(), time.minute(), time.second()].map(i16::from);
        let seconds = zoned.offset().seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        let offset = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        rfc_3339([date.year(), month, day], [hour, minute, second], "", &offset)
    })
}

/// A moment that was: of a calendar's day and a clock's time.
fn rfc_3339(
    [year, month, day]: [i16; 3],
    [hour, minute, second]: [i16; 3],
    fraction: &str,
    offset: &str,
) -> Option<String> {
    let small = |number: i16| i8::try_from(number).ok();
    let date = civil::Date::new(year, small(month)?, small(day)?).ok()?;
    civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    if year == 0 {
        return None;
    }
    let digits = !fraction.is_empty() && fraction.len() <= 9 && number::<u32>(fraction).is_some();
    let fraction = if digits { format!(".{fraction}") } else { String::new() };
    let offset = if offset == "Z" || is_offset(offset) { offset } else { "" };
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}"))
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

fn numbers<const COUNT: usize>(text: &str, separators: &[char]) -> Option<[i16; COUNT]> {
    let numbers: Option<Vec<i16>> = text.split(separators).map(number).collect();
    numbers?.try_into().ok()
}

/// Digits and nothing else, which `parse` alone does not ask for.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
