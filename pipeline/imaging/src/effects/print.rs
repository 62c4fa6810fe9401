//! An effect as presets write it.

use serde_json::Value as Json;

use super::Effect;

impl Effect {
    /// The effect as presets write it, with every parameter. A picture is named by its id, so who
    /// reads it back has to find pictures by their ids.
    pub(crate) fn to_toml(&self) -> String {
        let facts = self.facts();
        let mut plain = serde_json::to_value(self).unwrap_or_default();
        let parameters = plain.get_mut(facts.name).map(Json::take).unwrap_or_default();
        let written: Vec<String> = facts
            .parameters
            .iter()
            .filter_map(|parameter| {
                let value = parameters.get(parameter.name)?;
                Some(format!("{} = {}", parameter.name, toml(value)))
            })
            .collect();
        format!("{{ {} = {{ {} }} }}", facts.name, written.join(", "))
    }
}

/// A value in TOML. Its strings take JSON's escapes, and every control character is one.
fn toml(value: &Json) -> String {
    match value {
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(keys) => {
            let keys: Vec<String> =
                keys.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", keys.join(", "))
        }
        // JSON leaves DEL as it is, which TOML does not take.
        Json::String(text) => Json::from(text.as_str()).to_string().replace('\u{7f}', "\\u007f"),
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}
