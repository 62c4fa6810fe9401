//! An effect as presets write it.

use serde_json::Value as Json;

use super::{AssetId, Effect};

impl Effect {
    /// The effect in TOML, with every parameter; [`parse`](super::parse) reads it back as the same.
    /// A picture is written by the name that it is given here.
    pub fn to_toml(&self, name: &dyn Fn(&AssetId) -> String) -> String {
        let facts = self.facts();
        let mut plain = serde_json::to_value(self).unwrap_or_default();
        let mut parameters = plain.get_mut(facts.name).map(Json::take).unwrap_or_default();
        if let Effect::Watermark(mark) = self
            && let Some(image) = parameters.get_mut("image")
        {
            *image = Json::from(name(&mark.image));
        }
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
