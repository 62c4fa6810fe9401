//! docs/presets.md says of effects what the table of facts says, and shows what they do. `BLESS=1`
//! writes its part on effects and draws its pictures anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use imaging::Effect;
use imaging::effects::{Default, Facts};

use super::scenery::scenery;
use super::{applied, effect};

/// What the picture of each effect shows; those of colour matrix and border are not their defaults.
const SHOWN: &[&str] = &[
    "\"greyscale\"",
    "\"sepia\"",
    "{ saturation = { amount = 2.0 } }",
    "{ hue = { degrees = 90 } }",
    "{ color_matrix = { values = [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0] } }",
    "{ brightness = { amount = 1.4 } }",
    "{ contrast = { amount = 1.6 } }",
    "{ gamma = { gamma = 1.8 } }",
    "\"invert\"",
    "{ tint = { color = \"#2a6fb0\" } }",
    "{ duotone = { dark = \"#1b1464\", light = \"#ffe8a3\" } }",
    "{ blur = { sigma = 3 } }",
    "{ sharpen = { sigma = 1.0 } }",
    "{ unsharp = { sigma = 2.0, amount = 1.5 } }",
    "{ pixelate = { size = 10 } }",
    "\"vignette\"",
    "{ border = { width = 8, color = \"#c8102e\" } }",
    "{ round_corners = { radius = 0.2 } }",
    "{ watermark = { image = \"logo.png\", scale = 0.25 } }",
    "{ watermark_text = { text = \"© Darkroom\", size = 0.14, shadow = \"#000000\" } }",
    "{ redact = { x = 0.16, y = 0.46, width = 0.22, height = 0.22, style = \"pixelate\" } }",
];

const BEGIN: &str = "<!-- effects: written by BLESS=1 ./dev test documentation -->\n";
const END: &str = "<!-- end of effects -->\n";

fn root() -> PathBuf {
    // The tests of a package run in its folder, which for this one is the root of the repository.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.to_path_buf()
}

fn blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

fn section(text: &str, facts: &Facts) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "### `{}`\n\n{}\n", facts.name, facts.summary);
    let _ = writeln!(out, "![{}](effects/{}.jpeg)\n", facts.name, facts.name);
    let _ = writeln!(out, "```toml\neffects = [{text}]\n```\n");
    if !facts.parameters.is_empty() {
        let _ = writeln!(out, "| key | | allowed | left out |\n| --- | --- | --- | --- |");
    }
    for parameter in facts.parameters {
        let default = match parameter.default {
            Default::Required => "an error".to_owned(),
            Default::Absent => "none".to_owned(),
            Default::Number(number) => number.to_string(),
            Default::Word(word) => format!("`\"{word}\"`"),
        };
        let (name, summary) = (parameter.name, parameter.summary);
        let _ =
            writeln!(out, "| `{name}` | {summary} | {} | {default} |", parameter.kind.allowed());
    }
    let _ = writeln!(out, "\n{}\n", facts.definition);
    out
}

fn sections() -> String {
    let shown = |facts: &Facts| {
        let of = |text: &&&str| effect(text).facts().name == facts.name;
        SHOWN.iter().find(of).unwrap_or_else(|| panic!("no picture of {}", facts.name))
    };
    let all: Vec<String> =
        Effect::CATALOGUE.iter().map(|facts| section(shown(facts), facts)).collect();
    all.concat()
}

#[test]
fn the_documentation_says_what_the_facts_say() {
    let path = root().join("docs/presets.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the part on effects begins");
    let (written, after) = rest.split_once(END).expect("the part on effects ends");
    let wanted = format!("\n{}", sections());
    if blessing() {
        std::fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, wanted, "docs/presets.md is older than the facts; BLESS=1 writes it");
    }
}

#[test]
fn the_pictures_show_what_effects_do() {
    let folder = root().join("docs/effects");
    let source = scenery(240, 160);
    let plain = [("original", source.clone())];
    let made = SHOWN.iter().map(|text| {
        let mut picture = applied(&source, text);
        if picture.color().has_alpha() {
            // As a JPEG shows it.
            let mut white = image::RgbaImage::from_pixel(
                picture.width(),
                picture.height(),
                image::Rgba([255; 4]),
            );
            image::imageops::overlay(&mut white, &picture, 0, 0);
            picture = white.into();
        }
        (effect(text).facts().name, picture)
    });
    for (name, picture) in plain.into_iter().chain(made) {
        let path = folder.join(format!("{name}.jpeg"));
        let picture = picture.to_rgb8();
        if blessing() {
            std::fs::create_dir_all(&folder).unwrap();
            let mut file = Vec::new();
            let coder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 80);
            picture.write_with_encoder(coder).unwrap();
            std::fs::write(&path, file).unwrap();
        }
        let shown = image::open(&path).unwrap().to_rgb8();
        assert_eq!(shown.dimensions(), picture.dimensions(), "{name}");
        let sum: u64 =
            shown.iter().zip(picture.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / shown.len() as f64;
        assert!(mean < 6.0, "{name} looks otherwise by now, {mean:.1} levels; BLESS=1 draws it");
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert!(bytes <= 20 << 10, "{name} has {bytes} bytes");
    }
}
