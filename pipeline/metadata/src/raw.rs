//! All that an EXIF block says, as the file has it, as JSON: by directory and tag, in bounded size.

use exif::{Context, Error, Exif, Field, Value};
use serde_json::{Map, Value as Json, json};

/// Tags that are kept. A camera writes about a hundred.
const MOST_TAGS: usize = 1_000;

/// Bytes of all values together.
const MOST_BYTES: usize = 256 << 10;

/// More bytes than the whole object has: the values, and a name for each tag and the first faults,
/// which together take less than as much again.
pub const MOST_RAW: u64 = 2 * MOST_BYTES as u64;

/// Numbers and bytes of one value. What is longer (makers' notes, tables, previews) is for programs
/// that know it, and they have the original.
const MOST_ITEMS: usize = 64;

/// The bytes of the object; none where there is no tag. The same block always gives the same bytes.
pub(crate) fn json(exif: &Exif, faults: &[Error]) -> Option<Vec<u8>> {
    let mut directories: Map<String, Json> = Map::new();
    let mut bytes = 0;
    let mut left_out = 0;
    for (index, field) in exif.fields().enumerate() {
        let value = plain(&field.value);
        // Measured as it will be written.
        bytes += value.to_string().len();
        if index >= MOST_TAGS || bytes > MOST_BYTES {
            left_out += 1;
            continue;
        }
        let directory = directories.entry(directory(field)).or_insert_with(|| json!({}));
        if let Json::Object(tags) = directory {
            // Written twice, the last counts, as it does for the normalised fields.
            tags.insert(name(field), value);
        }
    }
    if directories.is_empty() {
        return None;
    }
    let mut all = json!({ "exif": directories });
    if left_out > 0 {
        all["left_out"] = left_out.into();
    }
    if !faults.is_empty() {
        let faults: Vec<_> = faults.iter().take(MOST_ITEMS).map(ToString::to_string).collect();
        all["faults"] = faults.into();
    }
    serde_json::to_vec(&all).ok()
}

/// The directory's usual name.
fn directory(field: &Field) -> String {
    match (field.tag.context(), field.ifd_num.index()) {
        (Context::Exif, 0) => "exif".to_owned(),
        (Context::Gps, 0) => "gps".to_owned(),
        (Context::Interop, 0) => "interop".to_owned(),
        (Context::Tiff, index) => format!("ifd{index}"),
        (context, index) => format!("{context:?}{index}").to_lowercase(),
    }
}

/// The standard's name of a tag, or its number.
fn name(field: &Field) -> String {
    match field.tag.description() {
        Some(_) => field.tag.to_string(),
        None => format!("0x{:04x}", field.tag.number()),
    }
}

/// Texts and numbers as they are, fractions as they are written, long values by their length.
fn plain(value: &Value) -> Json {
    match value {
        Value::Ascii(parts) => {
            let texts = parts.iter().map(|part| String::from_utf8_lossy(part).into_owned());
            one_or_all(texts.map(Json::from))
        }
        Value::Byte(bytes) | Value::Undefined(bytes, _) => undefined(bytes),
        Value::Short(values) => one_or_all(values.iter().map(|&v| v.into())),
        Value::Long(values) => one_or_all(values.iter().map(|&v| v.into())),
        Value::SByte(values) => one_or_all(values.iter().map(|&v| v.into())),
        Value::SShort(values) => one_or_all(values.iter().map(|&v| v.into())),
        Value::SLong(values) => one_or_all(values.iter().map(|&v| v.into())),
        Value::Rational(values) => {
            one_or_all(values.iter().map(|v| format!("{}/{}", v.num, v.denom).into()))
        }
        Value::SRational(values) => {
            one_or_all(values.iter().map(|v| format!("{}/{}", v.num, v.denom).into()))
        }
        Value::Float(values) => one_or_all(values.iter().map(|&v| v.into())),
        Value::Double(values) => one_or_all(values.iter().map(|&v| v.into())),
        Value::Unknown(kind, count, _) => json!({ "type": kind, "count": count }),
    }
}

fn undefined(bytes: &[u8]) -> Json {
    if bytes.len() > MOST_ITEMS {
        return json!({ "bytes": bytes.len() });
    }
    json!({ "hex": hex::encode(bytes) })
}

fn one_or_all(mut values: impl ExactSizeIterator<Item = Json>) -> Json {
    match values.len() {
        0 => Json::Null,
        1 => values.next().unwrap_or_default(),
        count if count > MOST_ITEMS => json!({ "count": count }),
        _ => values.collect(),
    }
}
