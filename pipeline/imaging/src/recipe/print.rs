//! Presets as a file, with no key that says what holds anyway.

use std::fmt::Write;

use super::{Gravity, Preset, Presets};
use crate::effects::Effect;
use crate::geometry::{Area, Fit, Point};
use crate::plan::{Backdrop, Frames};

pub(super) fn toml(presets: &Presets) -> String {
    let mut text = String::new();
    for (name, preset) in &presets.variants {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "[variants.{name}]");
        for (key, value) in lines(preset) {
            let _ = writeln!(text, "{key} = {value}");
        }
        text.push('\n');
    }
    text
}

fn lines(preset: &Preset) -> Vec<(&'static str, String)> {
    let usual = Preset::usual();
    let mut lines = Vec::new();
    let mut line = |key, value: String| lines.push((key, value));
    if let Some(Area { x, y, width, height }) = preset.crop {
        line("crop", format!("{{ x = {x}, y = {y}, width = {width}, height = {height} }}"));
    }
    if let Some(tolerance) = preset.trim {
        line("trim", tolerance.to_string());
    }
    for (key, set) in [("flip", preset.flip), ("flop", preset.flop)] {
        if set {
            line(key, "true".to_owned());
        }
    }
    if let Some(degrees) = preset.rotate {
        line("rotate", degrees.to_string());
    }
    if preset.fit != usual.fit {
        let name = Fit::ALL.iter().find(|(_, fit)| *fit == preset.fit).map_or("", |(n, _)| n);
        line("fit", format!("{name:?}"));
    }
    for (key, side) in [("width", preset.width), ("height", preset.height)] {
        if let Some(side) = side {
            line(key, side.to_string());
        }
    }
    match preset.gravity {
        Gravity::Centre => {}
        Gravity::Smart => line("gravity", "\"smart\"".to_owned()),
        Gravity::At(point) => {
            let name = Point::COMPASS.iter().skip(1).find(|(_, at)| *at == point);
            line(
                "gravity",
                match name {
                    Some((name, _)) => format!("{name:?}"),
                    None => format!("{{ x = {}, y = {} }}", point.x, point.y),
                },
            );
        }
    }
    if preset.enlarge {
        line("enlarge", "true".to_owned());
    }
    match preset.background {
        None => {}
        Some(Backdrop::Color(colour)) => line("background", format!("\"{colour}\"")),
        Some(Backdrop::Blurred) => line("background", "\"blurred\"".to_owned()),
    }
    if !preset.effects.is_empty() {
        let effects: Vec<String> = preset.effects.iter().map(Effect::to_toml).collect();
        line("effects", format!("[{}]", effects.join(", ")));
    }
    let formats: Vec<String> = preset.formats.iter().map(|f| format!("{:?}", f.name())).collect();
    line("formats", format!("[{}]", formats.join(", ")));
    if preset.quality != usual.quality {
        line("quality", preset.quality.to_string());
    }
    for (key, set) in [("lossless", preset.lossless), ("palette", preset.palette)] {
        if set {
            line(key, "true".to_owned());
        }
    }
    if preset.animation == Frames::All {
        line("animation", "\"keep\"".to_owned());
    }
    if preset.color != usual.color {
        line("color", "\"keep\"".to_owned());
    }
    if preset.when != usual.when {
        line("when", "\"request\"".to_owned());
    }
    lines
}
