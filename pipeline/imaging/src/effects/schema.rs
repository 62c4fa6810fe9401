//! The JSON Schema of an effect, made of the facts.

use serde_json::{Map, Value, json};

use super::Effect;
use super::facts::{Default, Kind, Parameter};
use crate::geometry::Point;

/// One item of `effects`: a bare name where nothing has to be said, or a table of one key.
pub(crate) fn schema() -> Value {
    let bare: Vec<&str> = Effect::CATALOGUE
        .iter()
        .filter(|facts| facts.has_defaults())
        .map(|facts| facts.name)
        .collect();
    let tables = Effect::CATALOGUE.iter().map(|facts| {
        let properties: Map<String, Value> =
            facts.parameters.iter().map(|p| (p.name.to_owned(), parameter(p))).collect();
        let required: Vec<&str> = facts
            .parameters
            .iter()
            .filter(|parameter| parameter.default == Default::Required)
            .map(|parameter| parameter.name)
            .collect();
        json!({
            "type": "object",
            "required": [facts.name],
            "additionalProperties": false,
            "properties": { facts.name: {
                "description": facts.summary,
                "type": "object",
                "required": required,
                "additionalProperties": false,
                "properties": properties,
            } },
        })
    });
    let all: Vec<Value> = std::iter::once(json!({ "enum": bare })).chain(tables).collect();
    json!({ "oneOf": all })
}

fn parameter(parameter: &Parameter) -> Value {
    let mut schema = kind(parameter.kind);
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), parameter.summary.into());
        let default = match parameter.default {
            Default::Number(number) => Value::from(number),
            Default::Word(word) => Value::from(word),
            Default::Required | Default::Absent => return Value::Object(schema.clone()),
        };
        schema.insert("default".to_owned(), default);
    }
    schema
}

fn kind(kind: Kind) -> Value {
    let share = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    match kind {
        Kind::Number { least, most } => {
            json!({ "type": "number", "minimum": least, "maximum": most })
        }
        Kind::Whole { least, most } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Numbers { count, least, most } => json!({
            "type": "array",
            "items": { "type": "number", "minimum": least, "maximum": most },
            "minItems": count,
            "maxItems": count,
        }),
        Kind::Color => {
            json!({ "type": "string", "pattern": "^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$" })
        }
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Place => {
            let names: Vec<&str> = Point::COMPASS.iter().map(|(name, _)| *name).collect();
            json!({ "oneOf": [
                { "enum": names },
                {
                    "type": "object",
                    "required": ["x", "y"],
                    "additionalProperties": false,
                    "properties": { "x": share, "y": share },
                },
            ] })
        }
        Kind::Text { most } => json!({ "type": "string", "minLength": 1, "maxLength": most }),
        Kind::Image => json!({ "type": "string" }),
    }
}
