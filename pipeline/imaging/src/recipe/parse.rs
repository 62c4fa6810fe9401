//! Presets from TOML. The document is walked by hand, so that each error names the line, the key,
//! the value given and what is allowed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Gravity, Preset, Presets, PresetsError, When, keys};
use crate::colour::Space;
use crate::decimal::Decimal;
use crate::effects::{self, AssetId, Effect};
use crate::formats::Format;
use crate::geometry::{Area, Fit, Point};
use crate::plan::{Backdrop, Frames};

/// Answers the id of a file that an effect names, or what is wrong with it.
type Resolve<'r> = &'r mut dyn FnMut(&str) -> Result<AssetId, String>;

pub(super) fn presets(text: &str, resolve: Resolve<'_>) -> Result<Presets, PresetsError> {
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
            variants.insert(name.get_ref().to_string(), at.preset(name, table, resolve)?);
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

    fn preset(
        &self,
        name: &Key<'_>,
        value: &Value<'_>,
        resolve: Resolve<'_>,
    ) -> Result<Preset, PresetsError> {
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.unfit(value, name.get_ref(), "a table"));
        };
        let mut preset = Preset::usual();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "crop" => preset.crop = Some(self.crop(value)?),
                "trim" => preset.trim = Some(self.decimal(value, "trim", 0.0..=1.0)?),
                "flip" => preset.flip = self.boolean(value, "flip")?,
                "flop" => preset.flop = self.boolean(value, "flop")?,
                "rotate" => preset.rotate = Some(self.decimal(value, "rotate", -360.0..=360.0)?),
                "fit" => preset.fit = self.fit(value)?,
                "width" => preset.width = Some(self.number(value, "width", 65_535)?),
                "height" => preset.height = Some(self.number(value, "height", 65_535)?),
                "gravity" => preset.gravity = self.gravity(value)?,
                "enlarge" => preset.enlarge = self.boolean(value, "enlarge")?,
                "background" => preset.background = Some(self.background(value)?),
                "effects" => preset.effects = self.effects(value, resolve)?,
                "formats" => preset.formats = self.formats(value)?,
                "quality" => preset.quality = self.number(value, "quality", 100)?,
                "lossless" => preset.lossless = self.boolean(value, "lossless")?,
                "palette" => preset.palette = self.boolean(value, "palette")?,
                "animation" => {
                    let words = [("first", Frames::First), ("keep", Frames::All)];
                    preset.animation = self.word(value, "animation", &words)?;
                }
                "color" => {
                    let words = [("srgb", Space::Srgb), ("keep", Space::Source)];
                    preset.color = self.word(value, "color", &words)?;
                }
                "when" => {
                    let words = [("upload", When::Upload), ("request", When::Request)];
                    preset.when = self.word(value, "when", &words)?;
                }
                unknown => {
                    let message = format!("unknown key \"{unknown}\"; allowed: {}", keys::names());
                    return Err(self.error(key.span(), message));
                }
            }
        }
        self.check_complete(name, &preset)?;
        if preset.animation == Frames::All
            && preset.formats.contains(&Format::Avif)
            && let Some(value) = table.get("animation")
        {
            // Browsers that take both would be given the one that stands still.
            let instead = "first where avif is among formats, because an AVIF shows the first \
                           picture only and goes before the animated WebP: leave avif out, or give \
                           it a variant of its own";
            return Err(self.unfit(value, "animation", instead));
        }
        Ok(preset)
    }

    fn check_complete(&self, name: &Key<'_>, preset: &Preset) -> Result<(), PresetsError> {
        let name_is = name.get_ref();
        let cannot = |key: &str, format: Format| {
            format!(
                "variant {name_is} has {key} without {}; allowed with it among its formats",
                format.name()
            )
        };
        let message = if preset.formats.is_empty() {
            format!("variant {name_is} has no formats; allowed: {}", formats())
        } else if preset.width.is_none() && preset.height.is_none() {
            format!("variant {name_is} has neither width nor height; one is needed")
        } else if (preset.width.is_none() || preset.height.is_none())
            && matches!(preset.fit, Fit::Fill | Fit::Cover | Fit::Pad)
        {
            format!("variant {name_is} fills its box: both width and height are needed")
        } else if preset.lossless && !preset.formats.contains(&Format::WebP) {
            cannot("lossless", Format::WebP)
        } else if preset.palette && !preset.formats.contains(&Format::Png) {
            cannot("palette", Format::Png)
        } else if preset.animation == Frames::All && !preset.formats.iter().any(|f| f.moves()) {
            format!("variant {name_is} keeps animations; gif or webp is needed among its formats")
        } else {
            return Ok(());
        };
        Err(self.error(name.span(), message))
    }

    /// One of a few words.
    fn word<T: Copy>(
        &self,
        value: &Value<'_>,
        key: &str,
        words: &[(&str, T)],
    ) -> Result<T, PresetsError> {
        let given = value.get_ref().as_str();
        words
            .iter()
            .find(|(word, _)| given == Some(word))
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| self.unfit(value, key, keys::allowed(key)))
    }

    fn fit(&self, value: &Value<'_>) -> Result<Fit, PresetsError> {
        self.word(value, "fit", Fit::ALL)
    }

    fn boolean(&self, value: &Value<'_>, key: &str) -> Result<bool, PresetsError> {
        value.get_ref().as_bool().ok_or_else(|| self.unfit(value, key, keys::allowed(key)))
    }

    /// A number with or without a point.
    fn decimal(
        &self,
        value: &Value<'_>,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Decimal, PresetsError> {
        decimal(value.get_ref())
            .filter(|number| range.contains(&number.get()))
            .ok_or_else(|| self.unfit(value, key, keys::allowed(key)))
    }

    /// A table of shares of the picture, all of them given and no other.
    fn shares<const N: usize>(
        &self,
        value: &Value<'_>,
        key: &str,
        names: [&str; N],
    ) -> Result<[Decimal; N], PresetsError> {
        let unfit = || self.unfit(value, key, keys::allowed(key));
        let table = value.get_ref().as_table().ok_or_else(unfit)?;
        if table.keys().any(|name| !names.contains(&name.get_ref().as_ref())) {
            return Err(unfit());
        }
        let mut shares = [Decimal::default(); N];
        for (share, name) in shares.iter_mut().zip(names) {
            let given = table.get(name).ok_or_else(unfit)?;
            *share = self.decimal(given, key, 0.0..=1.0)?;
        }
        Ok(shares)
    }

    fn crop(&self, value: &Value<'_>) -> Result<Area, PresetsError> {
        let [x, y, width, height] = self.shares(value, "crop", ["x", "y", "width", "height"])?;
        let outside = |from: Decimal, length: Decimal| from.get() + length.get() > 1.0 + 1e-9;
        let empty = width == Decimal::default() || height == Decimal::default();
        if empty || outside(x, width) || outside(y, height) {
            return Err(self.unfit(value, "crop", "a part of the picture that is not empty"));
        }
        Ok(Area { x, y, width, height })
    }

    fn gravity(&self, value: &Value<'_>) -> Result<Gravity, PresetsError> {
        if value.get_ref().is_table() {
            let [x, y] = self.shares(value, "gravity", ["x", "y"])?;
            return Ok(Gravity::At(Point { x, y }));
        }
        let mut words = vec![("smart", Gravity::Smart)];
        words.extend(Point::COMPASS.map(|(name, point)| (name, Gravity::At(point))));
        match self.word(value, "gravity", &words)? {
            Gravity::At(Point::CENTRE) => Ok(Gravity::Centre),
            gravity => Ok(gravity),
        }
    }

    fn background(&self, value: &Value<'_>) -> Result<Backdrop, PresetsError> {
        match value.get_ref().as_str() {
            Some("blurred") => Some(Backdrop::Blurred),
            text => text.and_then(|text| text.parse().ok()).map(Backdrop::Color),
        }
        .ok_or_else(|| self.unfit(value, "background", keys::allowed("background")))
    }

    fn effects(
        &self,
        value: &Value<'_>,
        resolve: Resolve<'_>,
    ) -> Result<Vec<Effect>, PresetsError> {
        let Some(list) = value.get_ref().as_array() else {
            return Err(self.unfit(value, "effects", keys::allowed("effects")));
        };
        list.iter()
            .map(|item| {
                effects::parse(item, self.0, resolve)
                    .map_err(|(span, message)| self.error(span, message))
            })
            .collect()
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
}

/// A number with or without a point.
pub(crate) fn decimal(value: &DeValue<'_>) -> Option<Decimal> {
    let number = match value {
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).ok()?.to_string().parse().ok()?
        }
        DeValue::Float(digits) => digits.as_str().parse().ok()?,
        _ => return None,
    };
    Decimal::from_f64(number)
}

fn formats() -> String {
    let names: Vec<&str> = Format::written().map(Format::name).collect();
    names.join(", ")
}
