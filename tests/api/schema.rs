//! Answers held against the description: what `/openapi.json` says of a route, its answers keep.

use serde_json::{Map, Value};

use super::client::Reply;

/// `/openapi.json`, read.
pub(crate) struct Description(pub(crate) Value);

impl Description {
    pub(crate) fn of(document: Value) -> Self {
        Self(document)
    }

    /// Panics unless an answer is as the description says: its JSON has the fields that it must
    /// have, no others, each of its type.
    #[track_caller]
    pub(crate) fn hold(&self, method: &str, target: &str, reply: &Reply) {
        let kind = reply.header("content-type").unwrap_or_default().to_owned();
        if !kind.contains("json") || method == "HEAD" {
            return;
        }
        let path = target.split('?').next().unwrap_or_default();
        let operation = self.operation(method, path);
        let status = reply.status.to_string();
        let schema = if kind == "application/problem+json" {
            // Whatever refused it: a route, or the rules before all routes.
            self.resolve(&self.0["components"]["responses"]["Problem"])["content"][&kind]["schema"]
                .clone()
        } else {
            let operation = operation.unwrap_or_else(|| panic!("{method} {path} is not described"));
            let answer = &operation["responses"][&status];
            assert!(!answer.is_null(), "{method} {path} is not said to answer {status}");
            self.resolve(answer)["content"][&kind]["schema"].clone()
        };
        assert!(!schema.is_null(), "{method} {path} {status} {kind} has no schema");
        let mut faults = Vec::new();
        self.check(&reply.json(), &schema, "$", &mut faults);
        assert!(faults.is_empty(), "{method} {path} {status}: {faults:#?}\n{}", reply.text());
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let segments: Vec<_> = path.split('/').collect();
        let paths = self.0["paths"].as_object()?;
        let fits = |template: &str| {
            let template: Vec<_> = template.split('/').collect();
            template.len() == segments.len()
                && template.iter().zip(&segments).all(|(t, s)| t == s || t.starts_with('{'))
        };
        // A literal segment is meant before a parameter.
        let mut found: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
        found.sort_by_key(|(template, _)| template.matches('{').count());
        let (_, methods) = found.first()?;
        methods.get(method.to_ascii_lowercase())
    }

    /// Follows a reference; panics where it leads nowhere.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        let target = reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
        self.resolve(target.unwrap_or_else(|| panic!("{reference} leads nowhere")))
    }

    fn check(&self, value: &Value, schema: &Value, at: &str, faults: &mut Vec<String>) {
        let schema = self.resolve(schema);
        for choice in ["oneOf", "anyOf"] {
            if let Some(choices) = schema[choice].as_array() {
                let mut all = Vec::new();
                for schema in choices {
                    let mut faults = Vec::new();
                    self.check(value, schema, at, &mut faults);
                    if faults.is_empty() {
                        return;
                    }
                    all.extend(faults);
                }
                return faults.extend(all);
            }
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            Value::String(one) => vec![one.as_str()],
            _ => Vec::new(),
        };
        if !types.is_empty() && !types.iter().any(|kind| is(value, kind)) {
            faults.push(format!("{at} is {value}, not {types:?}"));
        }
        if let Some(values) = schema["enum"].as_array()
            && !values.contains(value)
            && !value.is_null()
        {
            faults.push(format!("{at} is {value}, not one of {values:?}"));
        }
        if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
            for (index, item) in items.iter().enumerate() {
                self.check(item, schema, &format!("{at}[{index}]"), faults);
            }
        }
        if let Some(object) = value.as_object() {
            self.check_object(object, schema, at, faults);
        }
    }

    fn check_object(
        &self,
        object: &Map<String, Value>,
        schema: &Value,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let mut shape = Shape::default();
        self.gather(schema, &mut shape);
        for name in &shape.required {
            if !object.contains_key(name) {
                faults.push(format!("{at}.{name} is missing"));
            }
        }
        for (name, value) in object {
            match shape.properties.get(name).or(shape.others.as_ref()) {
                Some(schema) => self.check(value, schema, &format!("{at}.{name}"), faults),
                // An object without any properties says nothing about what is in it.
                None if shape.properties.is_empty() => {}
                None => faults.push(format!("{at}.{name} is not described")),
            }
        }
    }

    fn gather(&self, schema: &Value, shape: &mut Shape) {
        let schema = self.resolve(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.gather(part, shape);
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            shape.properties.insert(name.clone(), schema.clone());
        }
        let required = schema["required"].as_array().into_iter().flatten();
        shape.required.extend(required.filter_map(Value::as_str).map(str::to_owned));
        if schema["additionalProperties"].is_object() {
            shape.others = Some(schema["additionalProperties"].clone());
        }
    }
}

#[derive(Default)]
struct Shape {
    properties: Map<String, Value>,
    required: Vec<String>,
    others: Option<Value>,
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is not a type"),
    }
}
