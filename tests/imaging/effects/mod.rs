//! Effects, each held to its definition: computed again in the test, in 64-bit floats from the words
//! of the standard, and where libvips does the same, by libvips.

mod bounds;
mod colour;
mod definitions;
mod documentation;
mod libvips;
mod marks;
mod reference;
mod scenery;
mod syntax;

use std::sync::Arc;

use image::{DynamicImage, Rgba, RgbaImage};
use imaging::{
    AssetId, Assets, Channels, Coding, Depth, Effect, Format, Frames, Layout, Lineage, Made,
    Orientation, Picture, Piece, Plan, Presets, PresetsError, Rendition, Shrink, Space, Unlimited,
    Work,
};

use colour::{Difference, difference};
use reference::Plane;
pub(super) use syntax::any_effects;

/// An effect from the syntax of presets.
fn effect(text: &str) -> Effect {
    read(text).unwrap_or_else(|message| panic!("{text}: {message}"))
}

/// The same, or what is wrong with it.
fn read(text: &str) -> Result<Effect, String> {
    let start = "[variants.a]\nformats = [\"png\"]\nwidth = 9\neffects = [";
    let mut presets = with_logo(&format!("{start}{text}]\n")).map_err(|error| error.message)?;
    let mut effects = presets.variants.remove("a").ok_or("no variant")?.effects;
    if effects.len() == 1 { effects.pop().ok_or_else(String::new) } else { Err("not one".into()) }
}

/// Presets where the one picture there is bears the name `logo.png`, or its id.
pub(super) fn with_logo(text: &str) -> Result<Presets, PresetsError> {
    let logo = AssetId::of(&logo());
    let mut resolve = |name: &str| match name {
        "logo.png" => Ok(logo.clone()),
        id if id == logo.as_str() => Ok(logo.clone()),
        _ => Err(format!("there is no {name}")),
    };
    Presets::parse_with(text, &mut resolve)
}

/// A logo of 40 × 30: a ring of strong colour, half transparent inside, nothing outside.
fn logo() -> Vec<u8> {
    let picture = RgbaImage::from_fn(40, 30, |x, y| {
        let (dx, dy) = (f64::from(x) - 19.5, f64::from(y) - 14.5);
        match dx.hypot(dy) {
            d if d < 8.0 => Rgba([20, 90, 230, 128]),
            d if d < 14.0 => Rgba([250, 200, 10, 255]),
            _ => Rgba([255, 0, 255, 0]),
        }
    });
    super::draw::png(&picture.into())
}

fn assets() -> Assets {
    let mut assets = Assets::default();
    assets.add(Arc::from(logo()));
    assets
}

/// What a plan makes of a picture with one effect and nothing else, as PNG.
fn made(picture: &DynamicImage, effect: &Effect) -> Vec<u8> {
    let channels = match picture {
        DynamicImage::ImageLuma8(_) => Channels::Grey,
        DynamicImage::ImageLumaA8(_) => Channels::GreyAlpha,
        DynamicImage::ImageRgb8(_) => Channels::Rgb,
        DynamicImage::ImageRgba8(_) => Channels::Rgba,
        other => panic!("no test draws {:?}", other.color()),
    };
    let (width, height) = (picture.width(), picture.height());
    let layout =
        Layout { width, height, channels, depth: Depth::Eight, orientation: Orientation::Upright };
    let steps = vec![imaging::Step::Change(imaging::Change::Effect(effect.clone()))];
    let lineage = Lineage { shrink: Shrink::NONE, space: Space::Srgb, steps };
    let rendition = Rendition {
        variant: "one".to_owned(),
        format: Format::Png,
        quality: 80,
        coding: Coding::Usual,
        frames: Frames::First,
        width,
        height,
        lineage,
    };
    let piece = Piece { name: "one.png".to_owned(), work: Work::Variant(rendition) };
    let mut rows = Picture::new(layout, picture.as_bytes().to_vec()).unwrap();
    let mut file = Vec::new();
    Plan { pieces: vec![piece] }
        .run(&mut rows, &assets(), &Unlimited, &mut |_, result| match result {
            Ok(Made::Variant { bytes, .. }) => file = bytes,
            other => panic!("{other:?}"),
        })
        .unwrap();
    file
}

fn applied(picture: &DynamicImage, text: &str) -> DynamicImage {
    image::load_from_memory(&made(picture, &effect(text))).unwrap()
}

/// A photograph, colours at the edge of sRGB, greys, and both half transparent: what definitions are
/// tried on.
fn pictures() -> Vec<(&'static str, DynamicImage)> {
    let colours = image::RgbImage::from_fn(96, 64, |x, y| {
        let step = |n: u32, of: u32| (n * 255 / of) as u8;
        image::Rgb([step(x % 16, 15), step(y % 16, 15), step(x / 16 + 6 * (y / 16), 23)])
    });
    vec![
        ("photograph", super::draw::photograph(150, 100)),
        ("colours", colours.into()),
        ("grey", super::draw::photograph(80, 60).to_luma8().into()),
        ("translucent", super::draw::translucent(150, 100)),
        ("grey and translucent", super::draw::translucent(80, 60).to_luma_alpha8().into()),
    ]
}

/// Holds what we make of every picture to a reference: the mean of ΔE2000 is at most 1 by the
/// project's rule, and the largest as stated.
fn hold(text: &str, most: f64, reference: impl Fn(&Plane) -> Plane) {
    for (name, picture) in pictures() {
        let found = compared(text, &picture, &reference);
        assert!(
            found.mean <= 1.0 && found.most <= most && found.alpha <= 1.01,
            "{text} on {name}: {found:?}, allowed is a maximum of {most}"
        );
    }
}

/// How far we are from a reference.
fn compared(text: &str, picture: &DynamicImage, reference: impl Fn(&Plane) -> Plane) -> Difference {
    let ours = Plane::of(&applied(picture, text));
    let wanted = reference(&Plane::of(picture));
    assert_eq!((ours.width, ours.height), (wanted.width, wanted.height), "{text}");
    difference(&ours, &wanted)
}
