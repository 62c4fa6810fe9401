//! `Accept`: which of the formats that exist a client should get.

/// Formats from the smallest files to the safest: among what a client wants equally, the first.
const PREFERENCE: [&str; 4] = ["avif", "webp", "jpeg", "png"];

/// Formats that every client reads. They alone are meant by `*/*` and `image/*`, which clients
/// send without knowing what came after them.
const SAFE: [&str; 3] = ["jpeg", "png", "gif"];

/// Of these formats the one that the client wants most: by its q-values (RFC 9110, 12.5.1), and
/// among equals by [`PREFERENCE`]. None where it accepts none.
pub(crate) fn best<'a>(accept: Option<&str>, formats: &[&'a str]) -> Option<&'a str> {
    let ranges: Vec<_> = accept.unwrap_or("*/*").split(',').filter_map(range).collect();
    let wanted = formats.iter().map(|&format| (quality(&ranges, format), format));
    wanted
        .filter(|(quality, _)| *quality > 0)
        .min_by_key(|(quality, format)| (u16::MAX - quality, place(format)))
        .map(|(_, format)| format)
}

/// Of these formats the one that most clients read, for those that accept none of them: a picture
/// that might not be shown is worth more than an error.
pub(crate) fn safest<'a>(formats: &[&'a str]) -> Option<&'a str> {
    let place =
        |format: &str| SAFE.iter().chain(&["webp", "avif"]).position(|other| *other == format);
    formats.iter().copied().min_by_key(|format| place(format).unwrap_or(usize::MAX))
}

fn place(format: &str) -> usize {
    PREFERENCE.iter().position(|other| *other == format).unwrap_or(PREFERENCE.len())
}

/// A media range and its q-value in thousandths; none where it is not of the form.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let quality: f32 = weight.map_or(Ok(1.0), str::parse).ok()?;
    if !(0.0..=1.0).contains(&quality) || range.is_empty() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
    Some((range, (quality * 1000.0).round() as u16))
}

/// What the most specific range that means this format says of it.
fn quality(ranges: &[(String, u16)], format: &str) -> u16 {
    let of = |wanted: &str| {
        ranges.iter().find(|(range, _)| range == wanted).map(|(_, quality)| *quality)
    };
    let named = of(&format!("image/{format}"));
    let meant = || SAFE.contains(&format).then(|| of("image/*").or_else(|| of("*/*"))).flatten();
    named.or_else(meant).unwrap_or(0)
}
