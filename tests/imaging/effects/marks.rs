//! Watermarks: images against "over" in floats, text against what letters are.

use image::{DynamicImage, GenericImageView, RgbImage};

use super::colour::difference;
use super::reference::Plane;
use super::{applied, compared, logo, pictures};

fn mark() -> Plane {
    Plane::of(&image::load_from_memory(&logo()).unwrap())
}

/// On a picture of 200 × 150 a fifth is the logo's own 40 × 30: nothing is resampled.
#[test]
fn a_logo_lies_over_the_picture_where_it_is_told_to() {
    let pictures = [
        super::super::draw::photograph(200, 150),
        super::super::draw::translucent(200, 150),
        DynamicImage::ImageLuma8(super::super::draw::photograph(200, 150).to_luma8()),
    ];
    // The margin is 6 pixels; the room inside is 188 × 138, of which the logo leaves 148 × 108.
    for (position, left, top) in [
        ("\"north-west\"", 6, 6),
        ("\"centre\"", 80, 60),
        ("\"south-east\"", 154, 114),
        ("{ x = 0.25, y = 1 }", 43, 114),
    ] {
        for opacity in [1.0, 0.35] {
            for picture in &pictures {
                let text = format!(
                    "{{ watermark = {{ image = \"logo.png\", position = {position}, \
                     margin = 0.04, opacity = {opacity} }} }}"
                );
                let found = compared(&text, picture, |p| p.under(&mark(), left, top, opacity));
                assert!(found.mean <= 0.2 && found.most <= 1.0, "{text}: {found:?}");
                let elsewhere =
                    compared(&text, picture, |p| p.under(&mark(), left + 1, top, opacity));
                assert!(elsewhere.most > 3.0, "{text}: a pixel beside passes: {elsewhere:?}");
            }
        }
    }
}

#[test]
fn a_tiled_logo_is_everywhere() {
    let text = "{ watermark = { image = \"logo.png\", position = \"north-west\", margin = 0.04, \
                repeat = \"tiled\", gap = 0.5, opacity = 0.5 } }";
    let picture = super::super::draw::photograph(200, 150);
    let found = compared(text, &picture, |p| {
        let mut out = p.clone();
        for y in -2..5 {
            for x in -2..5 {
                out = out.under(&mark(), 6 + 60 * x, 6 + 45 * y, 0.5);
            }
        }
        out
    });
    assert!(found.mean <= 0.2 && found.most <= 1.0, "{found:?}");
}

#[test]
fn a_logo_keeps_its_share_of_any_picture() {
    for (w, h) in [(400, 300), (1_000, 100), (60, 500)] {
        let black: DynamicImage = RgbImage::new(w, h).into();
        let seen = applied(&black, "{ watermark = { image = \"logo.png\", scale = 0.5 } }");
        let lit: Vec<(u32, u32)> = seen
            .pixels()
            .filter(|(_, _, p)| p.0[..3].iter().any(|v| *v > 140))
            .map(|(x, y, _)| (x, y))
            .collect();
        let span = |of: fn(&(u32, u32)) -> u32| {
            let (least, most) =
                (lit.iter().map(of).min().unwrap(), lit.iter().map(of).max().unwrap());
            most - least + 1
        };
        let (wide, high) = (f64::from(span(|p| p.0)), f64::from(span(|p| p.1)));
        // The ring is 28 of the 40 columns and 28 of the 30 rows.
        let scale = (f64::from(w) * 0.5 / 40.0).min(f64::from(h) * 0.5 / 30.0);
        assert!(
            (wide - 28.0 * scale).abs() <= 2.5 && (high - 28.0 * scale).abs() <= 2.5,
            "{w}×{h}: {wide}×{high}, scale {scale}"
        );
    }
}

const BLACK: fn(u32, u32) -> DynamicImage = |w, h| RgbImage::new(w, h).into();

/// Columns and rows that are lit, and the sum of light as shares of a pixel.
fn ink(seen: &DynamicImage) -> (std::ops::Range<u32>, std::ops::Range<u32>, f64) {
    let (mut columns, mut rows) = ((u32::MAX, 0), (u32::MAX, 0));
    let mut sum = 0.0;
    for (x, y, pixel) in seen.pixels() {
        if pixel.0[0] > 12 {
            columns = (columns.0.min(x), columns.1.max(x + 1));
            rows = (rows.0.min(y), rows.1.max(y + 1));
        }
        sum += crate::difference::linear(f64::from(pixel.0[0]) / 255.0);
    }
    (columns.0..columns.1, rows.0..rows.1, sum)
}

#[test]
fn text_stands_inside_its_margin() {
    for (position, west, north) in
        [("north-west", true, true), ("south-east", false, false), ("north-east", false, true)]
    {
        let text = format!(
            "{{ watermark_text = {{ text = \"HAMBURG\", position = \"{position}\", margin = 0.1 }} }}"
        );
        let (columns, rows, sum) = ink(&applied(&BLACK(400, 300), &text));
        assert!(sum > 100.0, "{text}: {sum}");
        assert!(columns.start >= 29 && columns.end <= 371, "{text}: {columns:?}");
        assert!(rows.start >= 29 && rows.end <= 271, "{text}: {rows:?}");
        assert_eq!(columns.start < 60, west, "{text}: {columns:?}");
        assert_eq!(rows.start < 60, north, "{text}: {rows:?}");
    }
}

#[test]
fn text_has_the_size_that_it_is_told_and_fits() {
    // Inter's capitals are 0.727 em high.
    for size in [0.1, 0.2, 0.4] {
        let text = format!("{{ watermark_text = {{ text = \"H\", size = {size}, margin = 0 }} }}");
        let (_, rows, _) = ink(&applied(&BLACK(500, 400), &text));
        let wanted = 0.727 * size * 400.0;
        assert!((rows.len() as f64 - wanted).abs() <= 1.5, "{size}: {rows:?}, not {wanted}");
    }
    let long =
        format!("{{ watermark_text = {{ text = \"{}\", size = 0.5 }} }}", "Schrift ".repeat(20));
    let (columns, _, sum) = ink(&applied(&BLACK(400, 300), &long));
    assert!(columns.len() > 340 && columns.end <= 392 && sum > 20.0, "{columns:?} {sum}");
}

#[test]
fn every_alphabet_is_set_and_told_apart() {
    let mut seen = std::collections::BTreeSet::new();
    for letter in ["a", "B", "8", "ß", "é", "Ł", "Ω", "λ", "Ж", "я", "©", "€", "–", "№"]
    {
        let text = format!("{{ watermark_text = {{ text = \"{letter}\", size = 0.8 }} }}");
        let picture = applied(&BLACK(40, 40), &text);
        assert!(ink(&picture).2 > 5.0, "{letter} is not seen");
        assert!(seen.insert(picture.to_luma8().into_raw()), "{letter} looks like another");
    }
}

#[test]
fn shadow_and_outline_are_seen_where_letters_are_like_the_ground() {
    let white = || DynamicImage::ImageRgb8(RgbImage::from_pixel(200, 100, image::Rgb([255; 3])));
    let bare = "{ watermark_text = { text = \"seen\", size = 0.5 } }";
    assert_eq!(applied(&white(), bare), white(), "white on white");
    for more in ["shadow", "outline"] {
        let text = format!(
            "{{ watermark_text = {{ text = \"seen\", size = 0.5, {more} = \"#ff0000\" }} }}"
        );
        let seen = applied(&white(), &text).to_rgb8();
        let red = seen.pixels().filter(|p| p.0[0] > 250 && p.0[1] < 225).count();
        assert!(red > 150, "{more}: {red} pixels are red");
    }
}

#[test]
fn opacity_thins_all_of_a_mark() {
    for (name, picture) in pictures() {
        for mark in [
            "watermark = { image = \"logo.png\"",
            "watermark_text = { text = \"x\", shadow = \"#000000\"",
        ] {
            let none = applied(&picture, &format!("{{ {mark}, opacity = 0 }} }}"));
            let found = difference(&Plane::of(&none), &Plane::of(&picture));
            assert!(found.most < 0.1, "{mark} on {name} without opacity: {found:?}");
        }
    }
}
