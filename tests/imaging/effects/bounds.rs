//! What holds for every effect: any shape, any bound, no colour out of what is transparent, the
//! same bytes each time.

use image::{DynamicImage, GenericImageView, Rgba, RgbaImage};
use imaging::Effect;

use super::super::draw;
use super::{applied, effect, made};

/// Each effect with usual parameters, and with those at its bounds.
fn all() -> Vec<String> {
    let usual = [
        "\"greyscale\"",
        "{ greyscale = { amount = 0.5 } }",
        "\"sepia\"",
        "{ saturation = { amount = 2 } }",
        "{ hue = { degrees = 77 } }",
        "{ color_matrix = { values = [0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0] } }",
        "{ brightness = { amount = 1.5 } }",
        "{ contrast = { amount = 1.5 } }",
        "{ gamma = { gamma = 1.8 } }",
        "\"invert\"",
        "{ tint = { color = \"#aa3311\" } }",
        "{ duotone = { dark = \"#110022\", light = \"#ffee99\" } }",
        "{ blur = { sigma = 2 } }",
        "{ blur = { sigma = 30 } }",
        "\"sharpen\"",
        "\"unsharp\"",
        "{ pixelate = { size = 9 } }",
        "\"vignette\"",
        "{ border = { width = 3 } }",
        "\"round_corners\"",
        "{ watermark = { image = \"logo.png\" } }",
        "{ watermark = { image = \"logo.png\", repeat = \"tiled\", opacity = 0.5 } }",
        "{ watermark_text = { text = \"© Darkroom\\nΩ Ж\", shadow = \"#000000\" } }",
        "{ watermark_text = { text = \"a\", size = 1, margin = 0, outline = \"#ff0000\" } }",
        "{ redact = { x = 0.2, y = 0.2, width = 0.5, height = 0.5 } }",
        "{ redact = { x = 0.9, y = 1, width = 1, height = 1, style = \"blur\" } }",
        "{ redact = { x = 0.1, y = 0.1, width = 0.5, height = 0.5, style = \"pixelate\" } }",
    ];
    let bounds = [
        "{ color_matrix = { values = [10, 10, 10, 10, -10, -10, -10, -10, 10, -10, 10, -10] } }",
        "{ brightness = { amount = 10 } }",
        "{ contrast = { amount = 10 } }",
        "{ saturation = { amount = 10 } }",
        "{ gamma = { gamma = 0.1 } }",
        "{ gamma = { gamma = 10 } }",
        "{ blur = { sigma = 0.3 } }",
        "{ blur = { sigma = 250 } }",
        "{ sharpen = { sigma = 10, flat = 10, jagged = 10 } }",
        "{ unsharp = { sigma = 20, amount = 10, threshold = 1 } }",
        "{ pixelate = { size = 1000 } }",
        "{ vignette = { strength = 1, radius = 0.95 } }",
        "{ round_corners = { radius = 0.5 } }",
        "{ watermark = { image = \"logo.png\", scale = 1, margin = 0.4, gap = 10 } }",
        "{ watermark = { image = \"logo.png\", scale = 0.01, repeat = \"tiled\", gap = 0 } }",
    ];
    usual.iter().chain(&bounds).map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_effect_is_tried() {
    let tried: std::collections::BTreeSet<&str> =
        all().iter().map(|text| effect(text).facts().name).collect();
    assert_eq!(tried.len(), Effect::CATALOGUE.len());
}

#[test]
fn every_effect_works_on_every_shape() {
    for (w, h) in [(1, 1), (1, 2_000), (2_000, 1), (2, 3), (37, 23)] {
        let translucent = draw::translucent(w, h);
        for picture in [
            draw::photograph(w, h),
            DynamicImage::ImageLuma8(draw::photograph(w, h).to_luma8()),
            DynamicImage::ImageLumaA8(translucent.to_luma_alpha8()),
            translucent,
        ] {
            for text in all() {
                let seen = applied(&picture, &text);
                let grown = if text.contains("border") { 6 } else { 0 };
                assert_eq!(seen.dimensions(), (w + grown, h + grown), "{text}");
                // Alpha that hides nothing need not be written, and none comes from nowhere.
                let alpha = picture.color().has_alpha() || text.contains("round_corners");
                let more = seen.color().has_alpha() && !alpha;
                assert!(!more, "{text} on {:?}", picture.color());
            }
        }
    }
}

#[test]
fn the_same_comes_out_twice() {
    let picture = draw::translucent(90, 70);
    for text in all() {
        assert_eq!(made(&picture, &effect(&text)), made(&picture, &effect(&text)), "{text}");
    }
}

/// A white disc; what is transparent around it claims to be red.
fn disc() -> DynamicImage {
    let edge = |x: u32, y: u32| {
        let away = (f64::from(x) - 39.5).hypot(f64::from(y) - 39.5);
        ((30.0 - away) * 64.0).clamp(0.0, 255.0) as u8
    };
    let colour = |alpha: u8| if alpha == 0 { [255, 0, 0] } else { [240, 240, 240] };
    RgbaImage::from_fn(80, 80, |x, y| {
        let [r, g, b] = colour(edge(x, y));
        Rgba([r, g, b, edge(x, y)])
    })
    .into()
}

/// What an effect makes of grey of 240 without anything else around is what it may make of the disc.
#[test]
fn the_colour_of_what_is_transparent_does_not_bleed() {
    let lays_colour = ["watermark", "border", "redact = { x = 0.2"];
    for text in all().iter().filter(|text| !lays_colour.iter().any(|word| text.contains(word))) {
        let full = RgbaImage::from_pixel(80, 80, Rgba([240, 240, 240, 255]));
        let alone = applied(&full.into(), text).to_rgba8();
        let seen = applied(&disc(), text).to_rgba8();
        let mut edge = 0;
        for (x, y, Rgba([r, g, b, a])) in seen.enumerate_pixels().map(|(x, y, p)| (x, y, *p)) {
            if a < 32 {
                continue;
            }
            edge += u32::from(a < 224);
            // The colour is divided by alpha of 8 bits at least, so it is a level or two off.
            let wanted = alone.get_pixel(x, y).0;
            let near = [r, g, b].iter().zip(wanted).all(|(value, w)| value.abs_diff(w) <= 3);
            assert!(near, "{text} at {x},{y}: {:?}, not {wanted:?}", [r, g, b, a]);
        }
        let hard = text.contains("pixelate = { size = 1000") || text.contains("sigma = 250");
        assert!(edge > 20 || hard, "{text}: {edge} pixels of the edge");
    }
}

/// Plans travel in messages: one that no preset can ask for is made harmless, not a crash.
#[test]
fn plans_beyond_the_bounds_do_no_harm() {
    for json in [
        r#"{"blur":{"sigma":1e9}}"#,
        r#"{"blur":{"sigma":-4.0}}"#,
        r#"{"sharpen":{"sigma":1e9,"flat":-1e9,"jagged":1e9}}"#,
        r#"{"unsharp":{"sigma":0.0,"amount":-1e9,"threshold":-1.0}}"#,
        r#"{"pixelate":{"size":0}}"#,
        r#"{"pixelate":{"size":4294967295}}"#,
        r#"{"gamma":{"gamma":0.0}}"#,
        r#"{"vignette":{"strength":9.0,"radius":1.0}}"#,
        r#"{"round_corners":{"radius":1e6}}"#,
        r##"{"redact":{"x":-5.0,"y":7.0,"width":-3.0,"height":1e9,"style":"blur","color":"#000000"}}"##,
        r##"{"watermark_text":{"text":"写\u0007","position":{"x":-3.0,"y":9.0},"margin":8.0,"size":1e9,
            "color":"#ffffff","opacity":7.0}}"##,
    ] {
        let effect: Effect = serde_json::from_str(json).unwrap();
        for picture in [draw::photograph(30, 20), draw::translucent(1, 9)] {
            made(&picture, &effect);
        }
    }
}
