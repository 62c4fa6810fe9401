//! An effect from presets: `"greyscale"`, or `{ blur = { sigma = 2.0 } }`. The table of each
//! effect's facts says what may be written; what is wrong is named with key, value given and what is
//! allowed.

use std::ops::Range;

use serde_json::{Map, Number, Value as Json, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::facts::{Default, Facts, Kind, Parameter};
use super::{AssetId, Effect, watermark};
use crate::colour::Rgba;
use crate::decimal::Decimal;
use crate::geometry::Point;

/// What is wrong, and where in the text.
pub(crate) type Complaint = (Range<usize>, String);

type Value<'i> = Spanned<DeValue<'i>>;

/// Finds the picture of a name, or says why there is none.
type Resolve<'a> = &'a mut dyn FnMut(&str) -> Result<AssetId, String>;

/// Reads one effect: a value in the list `effects` of the document `text`.
pub(crate) fn parse(
    value: &Value<'_>,
    text: &str,
    resolve: Resolve<'_>,
) -> Result<Effect, Complaint> {
    let mut source = Source { text, resolve };
    let (name, span, given) = match value.get_ref() {
        DeValue::String(name) => (name.as_ref(), value.span(), None),
        DeValue::Table(table) => {
            let mut keys = table.iter();
            match (keys.next(), keys.next()) {
                (Some((name, given)), None) => (name.get_ref().as_ref(), name.span(), Some(given)),
                _ => return Err(source.unfit(value, "effects", "one effect in each { }")),
            }
        }
        _ => return Err(source.unfit(value, "effects", "an effect's name, or { name = { … } }")),
    };
    let facts = Effect::CATALOGUE.iter().find(|facts| facts.name == name).ok_or_else(|| {
        let names: Vec<&str> = Effect::CATALOGUE.iter().map(|facts| facts.name).collect();
        (span.clone(), format!("unknown effect \"{name}\"; allowed: {}", names.join(", ")))
    })?;
    let table =
        match given {
            None => None,
            Some(given) => Some(given.get_ref().as_table().ok_or_else(|| {
                source.unfit(given, name, &format!("a table of {}", keys(facts)))
            })?),
        };
    let parameters = source.parameters(facts, table, &span)?;
    // The facts and the type of an effect say the same, which a test holds for each of them.
    serde_json::from_value(json!({ name: parameters })).map_err(|error| (span, error.to_string()))
}

/// What an effect is read from.
struct Source<'a> {
    /// The whole document, for quoting values as they are written.
    text: &'a str,
    resolve: Resolve<'a>,
}

fn keys(facts: &Facts) -> String {
    let names: Vec<&str> = facts.parameters.iter().map(|parameter| parameter.name).collect();
    names.join(", ")
}

impl Source<'_> {
    /// A value that its key does not take, quoted as written.
    fn unfit(&self, value: &Value<'_>, key: &str, allowed: &str) -> Complaint {
        let given = self.text.get(value.span()).unwrap_or_default();
        (value.span(), format!("{key} = {given} is not possible; allowed: {allowed}"))
    }

    fn parameters(
        &mut self,
        facts: &Facts,
        table: Option<&DeTable<'_>>,
        span: &Range<usize>,
    ) -> Result<Json, Complaint> {
        for (key, _) in table.into_iter().flatten() {
            let name = key.get_ref();
            if !facts.parameters.iter().any(|parameter| parameter.name == name) {
                let message =
                    format!("unknown key \"{name}\" of {}; allowed: {}", facts.name, keys(facts));
                return Err((key.span(), message));
            }
        }
        let mut parameters = Map::new();
        for parameter in facts.parameters {
            let value = match table.and_then(|table| table.get(parameter.name)) {
                Some(given) => self.value(facts, parameter, given)?,
                None => match fallback(parameter) {
                    Some(value) => value,
                    None if parameter.default == Default::Absent => continue,
                    None => {
                        let message = format!(
                            "{} has no {}; wanted: {}",
                            facts.name,
                            parameter.name,
                            parameter.kind.allowed()
                        );
                        return Err((span.clone(), message));
                    }
                },
            };
            parameters.insert(parameter.name.to_owned(), value);
        }
        Ok(Json::Object(parameters))
    }

    fn value(
        &mut self,
        facts: &Facts,
        parameter: &Parameter,
        given: &Value<'_>,
    ) -> Result<Json, Complaint> {
        let found = match parameter.kind {
            Kind::Number { least, most } => number(given, least, most),
            Kind::Whole { least, most } => integer(given)
                .filter(|n| (i64::from(least)..=i64::from(most)).contains(n))
                .map(Json::from),
            Kind::Numbers { count, least, most } => given
                .get_ref()
                .as_array()
                .filter(|list| list.len() == count)
                .and_then(|list| list.iter().map(|item| number(item, least, most)).collect()),
            Kind::Color => given.get_ref().as_str().and_then(color),
            Kind::Choice(words) => {
                given.get_ref().as_str().filter(|word| words.contains(word)).map(Json::from)
            }
            Kind::Place => place(given),
            Kind::Text { most } => return self.words(facts, parameter, given, most),
            Kind::Image => {
                if let Some(name) = given.get_ref().as_str() {
                    let id = (self.resolve)(name).map_err(|reason| {
                        let key = format!("{}.{}", facts.name, parameter.name);
                        (given.span(), format!("{key} = \"{name}\" is not possible: {reason}"))
                    })?;
                    Some(Json::from(id.as_str()))
                } else {
                    None
                }
            }
        };
        found.ok_or_else(|| self.wrong(facts, parameter, given))
    }

    fn wrong(&self, facts: &Facts, parameter: &Parameter, given: &Value<'_>) -> Complaint {
        let key = format!("{}.{}", facts.name, parameter.name);
        self.unfit(given, &key, &parameter.kind.allowed())
    }

    /// Text that the embedded font can set.
    fn words(
        &self,
        facts: &Facts,
        parameter: &Parameter,
        given: &Value<'_>,
        most: usize,
    ) -> Result<Json, Complaint> {
        let text = given
            .get_ref()
            .as_str()
            .filter(|text| !text.trim().is_empty() && text.chars().count() <= most)
            .ok_or_else(|| self.wrong(facts, parameter, given))?;
        if let Some(strange) = text.chars().find(|c| !watermark::is_known(*c)) {
            let (span, message) = self.wrong(facts, parameter, given);
            return Err((span, format!("{message}; the font has no {strange:?}")));
        }
        Ok(Json::from(text))
    }
}

fn fallback(parameter: &Parameter) -> Option<Json> {
    match (parameter.default, parameter.kind) {
        (Default::Number(number), _) => Number::from_f64(number).map(Json::Number),
        (Default::Word(name), Kind::Place) => compass(name),
        (Default::Word(word), _) => Some(Json::from(word)),
        (Default::Required | Default::Absent, _) => None,
    }
}

fn integer(value: &Value<'_>) -> Option<i64> {
    let digits = value.get_ref().as_integer()?;
    i64::from_str_radix(digits.as_str(), digits.radix()).ok()
}

/// A number within bounds, as a plan keeps it: to the millionth.
fn number(value: &Value<'_>, least: f64, most: f64) -> Option<Json> {
    let number = match value.get_ref().as_float() {
        Some(float) => float.as_str().parse().ok()?,
        None => f64::from(i32::try_from(integer(value)?).ok()?),
    };
    let number = Decimal::from_f64(number).map(Decimal::get)?;
    (least..=most).contains(&number).then(|| Number::from_f64(number).map(Json::Number))?
}

fn color(text: &str) -> Option<Json> {
    text.parse::<Rgba>().ok().map(|color| Json::from(color.to_string()))
}

fn compass(name: &str) -> Option<Json> {
    let (_, point) = Point::COMPASS.iter().find(|(known, _)| *known == name)?;
    Some(json!({ "x": point.x.get(), "y": point.y.get() }))
}

fn place(value: &Value<'_>) -> Option<Json> {
    match value.get_ref() {
        DeValue::String(name) => compass(name),
        DeValue::Table(table) if table.len() == 2 => {
            let share = |key: &str| number(table.get(key)?, 0.0, 1.0);
            Some(json!({ "x": share("x")?, "y": share("y")? }))
        }
        _ => None,
    }
}
