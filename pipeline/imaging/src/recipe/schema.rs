//! The JSON Schema of presets files.

use serde_json::{Map, Value, json};

use super::keys::KEYS;
use crate::effects;
use crate::formats::Format;

pub(super) fn schema() -> Value {
    let mut properties = Map::new();
    for key in KEYS {
        let mut schema = match key.name {
            "effects" => json!({ "type": "array", "items": effects::schema() }),
            "formats" => {
                let names: Vec<&str> = Format::written().map(Format::name).collect();
                json!({ "type": "array", "items": { "enum": names }, "minItems": 1, "uniqueItems": true })
            }
            // A test parses the whole table; what is no JSON would allow everything.
            _ => serde_json::from_str(key.schema).unwrap_or(Value::Bool(true)),
        };
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), key.doc.into());
        }
        properties.insert(key.name.to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Darkroom presets",
        "type": "object",
        "required": ["variants"],
        "additionalProperties": false,
        "properties": {
            "variants": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "pattern": "^[a-z0-9-]{1,64}$" },
                "additionalProperties": {
                    "type": "object",
                    "required": ["formats"],
                    "additionalProperties": false,
                    "properties": properties,
                },
            },
        },
    })
}
