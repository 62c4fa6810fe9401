//! Conditional and range requests (RFC 9110, sections 13 and 14), decided from the headers alone.

use axum::http::{HeaderMap, HeaderName, header};

/// What to answer for an object that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All of it.
    Whole,
    /// These bytes: the first and the one behind the last.
    Part(u64, u64),
    /// The client has it.
    NotModified,
    /// It is another object than the client supposes.
    PreconditionFailed,
    /// It has no such bytes.
    NotSatisfiable,
}

/// Decides, in the RFC's order of precedence. Objects have no dates here, so conditions on dates do
/// not apply.
pub(crate) fn decide(headers: &HeaderMap, etag: &str, size: u64) -> Answer {
    if let Some(tags) = list(headers, &header::IF_MATCH)
        && !matches(&tags, etag, Comparison::Strong)
    {
        return Answer::PreconditionFailed;
    }
    if let Some(tags) = list(headers, &header::IF_NONE_MATCH)
        && matches(&tags, etag, Comparison::Weak)
    {
        return Answer::NotModified;
    }
    // A range of another version of the object would be joined with the wrong rest.
    let fresh = list(headers, &header::IF_RANGE).is_none_or(|tag| tag.trim() == etag);
    match list(headers, &header::RANGE) {
        Some(range) if fresh => part(&range, size),
        _ => Answer::Whole,
    }
}

/// One range of bytes. More than one, or another unit, is answered with all bytes, as the RFC
/// allows: no viewer of pictures asks for it.
fn part(range: &str, size: u64) -> Answer {
    let spec = range.trim().strip_prefix("bytes=").filter(|spec| !spec.contains(','));
    let Some((first, last)) = spec.and_then(|spec| spec.trim().split_once('-')) else {
        return Answer::Whole;
    };
    let number =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    match (number(first), number(last), first.is_empty(), last.is_empty()) {
        // The last so many.
        (_, Some(0), true, _) => Answer::NotSatisfiable,
        (_, Some(_), true, _) if size == 0 => Answer::NotSatisfiable,
        (_, Some(count), true, _) => Answer::Part(size.saturating_sub(count), size),
        (Some(first), _, _, true) if first < size => Answer::Part(first, size),
        (Some(first), Some(last), ..) if last < first => Answer::Whole,
        (Some(first), Some(last), ..) if first < size => {
            Answer::Part(first, size.min(last.saturating_add(1)))
        }
        (Some(_), _, _, true) | (Some(_), Some(_), ..) => Answer::NotSatisfiable,
        _ => Answer::Whole,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

fn matches(tags: &str, etag: &str, comparison: Comparison) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let tag = match comparison {
            Comparison::Weak => tag.strip_prefix("W/").unwrap_or(tag),
            Comparison::Strong => tag,
        };
        tag == "*" || tag == etag
    })
}

/// A header's values as one list.
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> =
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    if values.is_empty() { None } else { Some(values.join(",")) }
}
