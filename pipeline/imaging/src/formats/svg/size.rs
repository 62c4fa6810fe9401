//! The size that the root element of an SVG says (SVG 2, 8.2; CSS 2.1, 10.3.2).

use crate::fault::Fault;

/// What is drawn where nothing is said: the default object size of CSS.
pub(super) const DEFAULT: (f32, f32) = (300.0, 150.0);

/// The start tag at the beginning of `rest`, without its brackets; `None` where it does not end.
pub(super) fn start_tag(rest: &[u8]) -> Option<&[u8]> {
    let mut quote = None;
    for (index, &byte) in rest.iter().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return rest.get(1..index),
            (None, _) => {}
        }
    }
    None
}

/// Width and height in whole CSS pixels: from the attributes, else from the view box, else
/// [`DEFAULT`]; one that is missing follows from the other and the view box's aspect.
pub(super) fn of(tag: &[u8]) -> Result<(u32, u32), Fault> {
    let text = String::from_utf8_lossy(tag);
    let (mut width, mut height, mut view) = (None, None, None);
    for (name, value) in
        Attributes(text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest))
    {
        match name {
            "width" => width = length(value),
            "height" => height = length(value),
            "viewBox" => view = view_box(value),
            _ => {}
        }
    }
    let (width, height) = match (width, height, view) {
        (Some(width), Some(height), _) => (width, height),
        (Some(width), None, Some((w, h))) => (width, width * h / w),
        (None, Some(height), Some((w, h))) => (height * w / h, height),
        (None, None, Some(size)) => size,
        (width, height, None) => {
            (width.unwrap_or(DEFAULT.0.into()), height.unwrap_or(DEFAULT.1.into()))
        }
    };
    if !(width > 0.0 && height > 0.0) {
        return Err(Fault::damaged(format!("The SVG claims to be {width}×{height}.")));
    }
    Ok((whole(width), whole(height)))
}

/// Rounded, at least 1. What is larger than 32 bits hold is the most that they hold, which no limit
/// lets through.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "conversion saturates")]
fn whole(side: f64) -> u32 {
    (side.round() as u32).max(1)
}

/// A length in CSS pixels; `None` for what is relative or no length.
fn length(value: &str) -> Option<f64> {
    let value = value.trim();
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let scale = match &value[digits.len()..] {
        "" | "px" => 1.0,
        "pt" => 96.0 / 72.0,
        "pc" => 16.0,
        "in" => 96.0,
        "cm" => 96.0 / 2.54,
        "mm" => 96.0 / 25.4,
        "em" => 12.0,
        "ex" => 6.0,
        _ => return None,
    };
    // An unfinished exponent is taken off with the unit; a negative side is as if absent.
    digits
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && *number >= 0.0)
        .map(|number| number * scale)
}

fn view_box(value: &str) -> Option<(f64, f64)> {
    let mut numbers = value
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .map(str::parse::<f64>);
    let mut next = || numbers.next()?.ok();
    let (_, _, width, height) = (next()?, next()?, next()?, next()?);
    (width > 0.0 && height > 0.0 && width.is_finite() && height.is_finite())
        .then_some((width, height))
}

/// Names and values, as written: references are not resolved, since no number needs them.
struct Attributes<'a>(&'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_once('=')?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, rest) = rest[1..].split_once(quote)?;
        self.0 = rest;
        Some((name.trim(), value))
    }
}
