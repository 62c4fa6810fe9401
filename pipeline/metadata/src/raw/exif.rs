//! EXIF's directories by tag.

use exif::{Context, Field, Value};
use serde_json::{Map, Value as Json, json};

use super::{Ledger, MOST_ITEMS, binary};
use crate::directories::Directories;

pub(super) fn block(exif: &Directories, ledger: &mut Ledger) -> Map<String, Json> {
    let mut directories: Map<String, Json> = Map::new();
    for field in &exif.fields {
        let (name, value) = (name(field), plain(&field.value));
        if !ledger.takes(&name, &value) {
            continue;
        }
        let directory = directories.entry(directory(field)).or_insert_with(|| json!({}));
        if let Json::Object(tags) = directory {
            // Written twice, the last counts, as it does for the normalised fields.
            tags.insert(name, value);
        }
    }
    directories
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
        Value::Byte(bytes) | Value::Undefined(bytes, _) => binary(bytes),
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

fn one_or_all(mut values: impl ExactSizeIterator<Item = Json>) -> Json {
    match values.len() {
        0 => Json::Null,
        1 => values.next().unwrap_or_default(),
        count if count > MOST_ITEMS => json!({ "count": count }),
        _ => values.collect(),
    }
}
