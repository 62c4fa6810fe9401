//! Presets from TOML. The document is walked by hand, so that each error names the line, the key,
//! the value given and what is allowed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Preset, Presets, PresetsError};
use crate::formats::Format;
use crate::geometry::Fit;

/// When `quality` is left out.
const QUALITY: u8 = 80;
/// Keys that DESIGN.md describes and that are not made yet.
const LATER: &[&str] = &["gravity", "effects"];
const KEYS: &str = "fit, width, height, formats, quality, when";

pub(super) fn presets(text: &str) -> Result<Presets, PresetsError> {
    let at = Text(text);
    let document = DeTable::parse(text)
        .map_err(|error| at.error(error.span().unwrap_or(0..0), error.message()))?;
    let mut variants = BTreeMap::new();
    for (key, value) in document.get_ref() {
        if key.get_ref() != "variants" {
            let message = format!("unknown key \"{}\"; allowed: variants", key.get_ref());
            return Err(at.error(key.span(), message));
        }
        let DeValue::Table(tables) = value.get_ref() else {
            return Err(at.unfit(value, "variants", "a table for each variant"));
        };
        for (name, table) in tables {
            at.check_name(name)?;
            variants.insert(name.get_ref().to_string(), at.preset(name, table)?);
        }
    }
    if variants.is_empty() {
        return Err(at.error(0..0, "no variants; at least one [variants.name] is needed"));
    }
    Ok(Presets { variants })
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;
type Value<'i> = Spanned<DeValue<'i>>;

/// The text, for turning places in it into lines.
struct Text<'t>(&'t str);

impl Text<'_> {
    fn error(&self, span: Range<usize>, message: impl Display) -> PresetsError {
        let before = self.0.get(..span.start).unwrap_or(self.0);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        PresetsError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.to_string(),
        }
    }

    /// A value that its key does not take, quoted as written.
    fn unfit(&self, value: &Value<'_>, key: &str, allowed: &str) -> PresetsError {
        let given = self.0.get(value.span()).unwrap_or_default();
        self.error(value.span(), format!("{key} = {given} is not possible; allowed: {allowed}"))
    }

    fn check_name(&self, name: &Key<'_>) -> Result<(), PresetsError> {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let text = name.get_ref();
        if !text.is_empty() && text.len() <= 64 && text.chars().all(fine) {
            return Ok(());
        }
        let message = format!(
            "variant name \"{text}\" is not possible; \
             allowed: 1 to 64 lower-case letters, digits and dashes"
        );
        Err(self.error(name.span(), message))
    }

    fn preset(&self, name: &Key<'_>, value: &Value<'_>) -> Result<Preset, PresetsError> {
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.unfit(value, name.get_ref(), "a table"));
        };
        let mut preset = Preset {
            fit: Fit::Inside,
            width: None,
            height: None,
            formats: Vec::new(),
            quality: QUALITY,
        };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "fit" => preset.fit = self.fit(value)?,
                "width" => preset.width = Some(self.number(value, "width", 65_535)?),
                "height" => preset.height = Some(self.number(value, "height", 65_535)?),
                "formats" => preset.formats = self.formats(value)?,
                "quality" => preset.quality = self.number(value, "quality", 100)?,
                "when" => self.when(value)?,
                later if LATER.contains(&later) => {
                    let message = format!("{later} is not supported yet; allowed: {KEYS}");
                    return Err(self.error(key.span(), message));
                }
                unknown => {
                    let message = format!("unknown key \"{unknown}\"; allowed: {KEYS}");
                    return Err(self.error(key.span(), message));
                }
            }
        }
        self.check_complete(name, &preset)?;
        Ok(preset)
    }

    fn check_complete(&self, name: &Key<'_>, preset: &Preset) -> Result<(), PresetsError> {
        let name_is = name.get_ref();
        let message = if preset.formats.is_empty() {
            format!("variant {name_is} has no formats; allowed: {}", formats())
        } else if preset.width.is_none() && preset.height.is_none() {
            format!("variant {name_is} has neither width nor height; one is needed")
        } else if (preset.width.is_none() || preset.height.is_none())
            && matches!(preset.fit, Fit::Fill | Fit::Cover)
        {
            format!("variant {name_is} fills its box: both width and height are needed")
        } else {
            return Ok(());
        };
        Err(self.error(name.span(), message))
    }

    fn fit(&self, value: &Value<'_>) -> Result<Fit, PresetsError> {
        let names: Vec<&str> = Fit::ALL.iter().map(|(name, _)| *name).collect();
        let allowed = names.join(", ");
        let given = value.get_ref().as_str();
        if given == Some("pad") {
            let message = format!("fit = \"pad\" is not supported yet; allowed: {allowed}");
            return Err(self.error(value.span(), message));
        }
        Fit::ALL
            .iter()
            .find(|(name, _)| given == Some(name))
            .map(|(_, fit)| *fit)
            .ok_or_else(|| self.unfit(value, "fit", &allowed))
    }

    fn number<T: TryFrom<i64>>(
        &self,
        value: &Value<'_>,
        key: &str,
        most: i64,
    ) -> Result<T, PresetsError> {
        value
            .get_ref()
            .as_integer()
            .and_then(|digits| i64::from_str_radix(digits.as_str(), digits.radix()).ok())
            .filter(|number| (1..=most).contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| self.unfit(value, key, &format!("a whole number, 1 to {most}")))
    }

    fn formats(&self, value: &Value<'_>) -> Result<Vec<Format>, PresetsError> {
        let Some(list) = value.get_ref().as_array() else {
            return Err(self.unfit(value, "formats", &format!("a list of {}", formats())));
        };
        let mut found = Vec::new();
        for item in list {
            let format = item
                .get_ref()
                .as_str()
                .and_then(|name| Format::written().find(|format| format.name() == name))
                .ok_or_else(|| self.unfit(item, "formats", &formats()))?;
            if found.contains(&format) {
                return Err(self.unfit(item, "formats", "each format once"));
            }
            found.push(format);
        }
        Ok(found)
    }

    fn when(&self, value: &Value<'_>) -> Result<(), PresetsError> {
        match value.get_ref().as_str() {
            Some("upload") => Ok(()),
            Some("request") => {
                let message = "when = \"request\" is not supported yet; allowed: upload";
                Err(self.error(value.span(), message))
            }
            _ => Err(self.unfit(value, "when", "upload")),
        }
    }
}

fn formats() -> String {
    let names: Vec<&str> = Format::written().map(Format::name).collect();
    names.join(", ")
}
