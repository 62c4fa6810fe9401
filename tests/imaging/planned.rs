//! Properties of what presets plan for a picture, over all keys that decide geometry, and of the
//! pictures that come of it.

use image::{DynamicImage, Rgb, RgbImage, Rgba, RgbaImage};
use imaging::{
    Area, Coding, Decimal, Fit, Format, Frames, Header, Lineage, Made, Orientation, Piece, Plan,
    Point, Preset, Presets, Rendition, Shrink, Size, Space, Step, Work,
    plan::{Backdrop, Change},
    recipe::{Gravity, When},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::draw;

fn share() -> impl Strategy<Value = Decimal> {
    prop_oneof![Just(0), Just(1_000_000), 0..=1_000_000_i64].prop_map(Decimal::millionths)
}

fn point() -> impl Strategy<Value = Point> {
    (share(), share()).prop_map(|(x, y)| Point { x, y })
}

/// A part of the picture, as the parser lets it through.
fn area() -> impl Strategy<Value = Area> {
    let span = || {
        (0..1_000_000_i64, 1..=1_000_000_i64).prop_map(|(from, length)| {
            (Decimal::millionths(from), Decimal::millionths(length.min(1_000_000 - from)))
        })
    };
    (span(), span()).prop_map(|((x, width), (y, height))| Area { x, y, width, height })
}

fn gravity() -> impl Strategy<Value = Gravity> {
    prop_oneof![Just(Gravity::Centre), Just(Gravity::Smart), point().prop_map(Gravity::At)]
}

fn degrees() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (-4..=4_i32).prop_map(|quarters| Decimal::whole(quarters * 90)),
        (-360_000_000..=360_000_000_i64).prop_map(Decimal::millionths),
    ]
}

/// Every key that decides geometry, with a box whose sides are at most `most`.
fn preset(most: u32) -> impl Strategy<Value = Preset> {
    let before = (
        option::of(area()),
        option::weighted(0.2, (0..=300_000_i64).prop_map(Decimal::millionths)),
        any::<bool>(),
        any::<bool>(),
        option::weighted(0.4, degrees()),
    );
    let side = move || option::weighted(0.9, 1..=most);
    let fit = (0..Fit::ALL.len(), side(), side(), any::<bool>(), gravity());
    (before, fit).prop_map(
        move |((crop, trim, flip, flop, rotate), (fit, wide, high, enlarge, gravity))| {
            let text = "[variants.v]\nwidth = 1\nformats = [\"png\"]\n";
            let usual = Presets::parse(text).unwrap().variants.remove("v").unwrap();
            let (_, fit) = Fit::ALL[fit];
            let open =
                matches!(fit, Fit::Inside | Fit::Contain) && (wide.is_some() || high.is_some());
            let closed = |side: Option<u32>| side.or(if open { None } else { Some(most) });
            let (width, height) = (closed(wide), closed(high));
            Preset { crop, trim, flip, flop, rotate, fit, width, height, enlarge, gravity, ..usual }
        },
    )
}

fn presets(preset: &Preset) -> Presets {
    Presets { variants: [("v".to_owned(), preset.clone())].into() }
}

/// As its time has it: with what every picture has, or for itself.
fn plan(preset: &Preset, header: &Header, focal: Option<Point>) -> Plan {
    match preset.when {
        When::Upload => presets(preset).plan_around(header, focal),
        When::Request => presets(preset).plan_on_request(header, focal),
    }
}

fn rendition(plan: &Plan) -> &Rendition {
    match &plan.pieces[0].work {
        Work::Variant(rendition) => rendition,
        Work::Derived { .. } => panic!("the first piece is the variant"),
    }
}

/// The picture in front of the box, by what the keys say.
fn before(preset: &Preset, upright: Size) -> Size {
    let cropped = preset.crop.map_or(upright, |area| area.pixels(upright).2);
    let Some(degrees) = preset.rotate else { return cropped };
    let (sine, cosine) = degrees.get().to_radians().sin_cos();
    let (width, height) = (f64::from(cropped.width), f64::from(cropped.height));
    let bound = |across: f64, down: f64| ((across.abs() + down.abs() - 1e-6).ceil() as u32).max(1);
    Size::new(bound(width * cosine, height * sine), bound(width * sine, height * cosine))
}

/// One side of what keeps its aspect: to nearest, and never nothing.
fn near(side: u32, exact: f64) -> bool {
    (f64::from(side) - exact.max(1.0)).abs() <= 0.5 + exact * 1e-9
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_planned_is_what_was_asked(
        preset in preset(3_000), wide in 1..=20_000_u32, high in 1..=20_000_u32, turned in 0..8_usize,
        focal in option::of(point()), when in select(vec![When::Upload, When::Request]),
    ) {
        let header = draw::described(wide, high, turned);
        let preset = Preset { when, ..preset };
        let plan = plan(&preset, &header, focal);
        let planned = rendition(&plan);
        let (upright_wide, upright_high) = header.upright();
        let source = before(&preset, Size::new(upright_wide, upright_high));
        let (out_wide, out_high) = (planned.width, planned.height);
        prop_assert!(out_wide >= 1 && out_high >= 1);
        let most = (preset.width.unwrap_or(u32::MAX), preset.height.unwrap_or(u32::MAX));
        prop_assert!(out_wide <= most.0 && out_high <= most.1, "larger than asked");
        if preset.fit == Fit::Pad {
            prop_assert_eq!((out_wide, out_high), most);
        } else if !preset.enlarge {
            prop_assert!(out_wide <= source.width && out_high <= source.height, "enlarged");
        }
        if preset.trim.is_none() {
            check(&preset, source, most, (out_wide, out_high))?;
        }
        let mut size = Size::new(
            upright_wide.div_ceil(if header.orientation.swaps_sides() { planned.lineage.shrink.down } else { planned.lineage.shrink.across }),
            upright_high.div_ceil(if header.orientation.swaps_sides() { planned.lineage.shrink.across } else { planned.lineage.shrink.down }),
        );
        for step in &planned.lineage.steps {
            if let Step::Change(Change::Crop(area)) = step {
                let (left, top, part) = area.pixels(size);
                prop_assert!(left + part.width <= size.width && top + part.height <= size.height);
            }
            if let Step::Change(Change::Pad { within, .. }) = step {
                prop_assert!(size.width <= within.width && size.height <= within.height);
            }
            size = step.size(size);
            prop_assert!(size.width >= 1 && size.height >= 1);
        }
        prop_assert_eq!((size.width, size.height), (out_wide, out_high));
    }

    #[test]
    fn a_part_lies_within_its_picture(area in area(), wide in 1..=20_000_u32, high in 1..=20_000_u32) {
        let (left, top, size) = area.pixels(Size::new(wide, high));
        prop_assert!(size.width >= 1 && size.height >= 1);
        prop_assert!(left + size.width <= wide && top + size.height <= high);
        // Each edge is within a pixel of where it was asked for, or what is less than one has become one.
        let off = |pixel: u32, share: f64, side: u32| (f64::from(pixel) - share * f64::from(side)).abs();
        prop_assert!(off(left, area.x.get(), wide) <= 1.0);
        prop_assert!(off(left + size.width, area.x.get() + area.width.get(), wide) <= 1.5);
        prop_assert!(off(top, area.y.get(), high) <= 1.0);
        prop_assert!(off(top + size.height, area.y.get() + area.height.get(), high) <= 1.5);
    }
}

/// The size in the box, where no pixel decides.
fn check(
    preset: &Preset,
    source: Size,
    most: (u32, u32),
    (wide, high): (u32, u32),
) -> Result<(), TestCaseError> {
    let (source_wide, source_high) = (f64::from(source.width), f64::from(source.height));
    let ratios = (f64::from(most.0) / source_wide, f64::from(most.1) / source_high);
    match preset.fit {
        Fit::Pad => {}
        Fit::Inside | Fit::Contain => {
            let scale = ratios.0.min(ratios.1);
            let scale = if preset.enlarge { scale } else { scale.min(1.0) };
            prop_assert!(near(wide, source_wide * scale) && near(high, source_high * scale));
        }
        Fit::Fill if preset.enlarge => prop_assert_eq!((wide, high), most),
        Fit::Fill => {
            let least = (most.0.min(source.width), most.1.min(source.height));
            prop_assert_eq!((wide, high), least);
        }
        Fit::Cover if preset.enlarge => prop_assert_eq!((wide, high), most),
        Fit::Cover => {
            let scale = (1.0 / ratios.0).min(1.0 / ratios.1).min(1.0);
            prop_assert!(
                near(wide, f64::from(most.0) * scale) && near(high, f64::from(most.1) * scale)
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// One colour all over: wherever a part reached beyond the picture, another would show.
    #[test]
    fn what_is_made_has_the_size_that_was_planned(
        preset in preset(60), wide in 1..=70_u32, high in 1..=70_u32, turned in 0..8_u8, focal in option::of(point()),
        when in select(vec![When::Upload, When::Request]),
    ) {
        let red = RgbImage::from_pixel(wide, high, Rgb([200, 20, 30]));
        let png = draw::png(&red.into());
        let mut header = draw::header(&png);
        header.orientation = Orientation::ALL[usize::from(turned)];
        let preset = Preset { when, ..preset };
        let mut plan = plan(&preset, &header, focal);
        plan.pieces.truncate(1);
        let planned = rendition(&plan).clone();
        // As the decoder sees it, the orientation is that of the file.
        let file = turned_png(&png, turned + 1);
        let (_, made) = draw::run(&plan, &file).remove(0);
        let Made::Variant { bytes, width, height } = made else { panic!("a variant") };
        let seen = image::load_from_memory(&bytes).unwrap().to_rgba8();
        prop_assert_eq!(seen.dimensions(), (width, height));
        // All border: nothing is cut off, so that the prediction is exact even with `trim`.
        let filled = planned.lineage.steps.iter().any(|step| {
            matches!(step, Step::Change(Change::Pad { .. } | Change::Rotate { .. }))
        });
        if preset.trim.is_some() && filled {
            prop_assert!(width <= planned.width && height <= planned.height);
        } else {
            prop_assert_eq!((width, height), (planned.width, planned.height));
        }
        // Filters overshoot beside what is not seen; the colour stays nevertheless.
        let most = if filled { 2 } else { 1 };
        for Rgba([r, g, b, a]) in seen.pixels() {
            prop_assert!(*a == 255 || filled, "something that is no part of the picture shows");
            let off = r.abs_diff(200).max(g.abs_diff(20)).max(b.abs_diff(30));
            prop_assert!(*a < 16 || off <= most, "{r} {g} {b} {a}");
        }
    }

    /// What draws the eye stays: the part is as near to the point as there is room.
    #[test]
    fn a_cut_is_around_its_point(
        wide in 20..=200_u32, high in 20..=200_u32, across in any::<bool>(), part in 1..=10_u32,
        at in point(), own in any::<bool>(),
    ) {
        let ramp = RgbImage::from_fn(wide, high, |x, y| Rgb([x as u8, y as u8, 0]));
        let file = draw::png(&ramp.into());
        let (width, height) = if across { ((wide * part / 11).max(4), high) } else { (wide, (high * part / 11).max(4)) };
        let text = "[variants.v]\nfit = 'cover'\nwidth = 1\nheight = 1\nformats = ['png']\n";
        let mut preset = Presets::parse(text).unwrap().variants.remove("v").unwrap();
        (preset.width, preset.height) = (Some(width), Some(height));
        // The preset's own point goes before that of the image.
        let (gravity, focal) = if own {
            (Gravity::At(at), Some(Point::CENTRE))
        } else {
            (Gravity::Smart, Some(at))
        };
        preset.gravity = gravity;
        let mut plan = presets(&preset).plan_around(&draw::header(&file), focal);
        plan.pieces.truncate(1);
        let (_, made) = draw::run(&plan, &file).remove(0);
        let Made::Variant { bytes, .. } = made else { panic!("a variant") };
        let seen = image::load_from_memory(&bytes).unwrap().to_rgb8();
        prop_assert_eq!(seen.dimensions(), (width, height));
        let first = |share: f64, whole: u32, part: u32| {
            (share * f64::from(whole) - f64::from(part) / 2.0).clamp(0.0, f64::from(whole - part))
        };
        let (left, top) = (first(at.x.get(), wide, width), first(at.y.get(), high, height));
        let middle = seen.get_pixel(width / 2, height / 2).0;
        prop_assert!((f64::from(middle[0]) - left - f64::from(width / 2)).abs() <= 1.5, "{middle:?} from {left}");
        prop_assert!((f64::from(middle[1]) - top - f64::from(height / 2)).abs() <= 1.5, "{middle:?} from {top}");
    }

    #[test]
    fn turning_and_turning_back_changes_nothing(
        wide in 1..=40_u32, high in 1..=40_u32, turns in vec(0..8_usize, 1..4),
    ) {
        let picture = draw::photograph(wide, high);
        let file = draw::png(&picture);
        let there = turns.iter().map(|turn| Orientation::ALL[*turn]);
        let back = turns.iter().rev().map(|turn| inverse(Orientation::ALL[*turn]));
        let steps = there.chain(back).map(|turn| Change::Turn(turn).into()).collect();
        let seen = only(&file, wide, high, steps);
        prop_assert_eq!(seen.to_rgb8(), picture.to_rgb8());
    }
}

fn inverse(orientation: Orientation) -> Orientation {
    match orientation {
        Orientation::Turned90 => Orientation::Turned270,
        Orientation::Turned270 => Orientation::Turned90,
        own => own,
    }
}

/// A PNG with these steps and no others.
fn only(file: &[u8], width: u32, height: u32, steps: Vec<Step>) -> DynamicImage {
    let lineage = Lineage { shrink: Shrink::NONE, space: Space::Srgb, steps };
    let rendition = Rendition {
        variant: "v".to_owned(),
        format: Format::Png,
        quality: 80,
        coding: Coding::Usual,
        frames: Frames::First,
        width,
        height,
        lineage,
    };
    let piece = Piece { name: "v.png".to_owned(), work: Work::Variant(rendition) };
    let (_, made) = draw::run(&Plan { pieces: vec![piece] }, file).remove(0);
    let Made::Variant { bytes, .. } = made else { panic!("a variant") };
    image::load_from_memory(&bytes).unwrap()
}

/// A PNG that says how it lies, in a chunk behind its header.
fn turned_png(png: &[u8], number: u8) -> Vec<u8> {
    let tiff = [
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
        &[number, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let body = [b"eXIf".as_slice(), &tiff].concat();
    let sum = crate::fuzz::damage::crc32(&body).to_be_bytes();
    let length = u32::try_from(tiff.len()).unwrap().to_be_bytes();
    [&png[..33], &length, &body, &sum, &png[33..]].concat()
}

/// The properties above can fail: each kind of mistake is one that they would see.
#[test]
fn a_turn_that_is_not_turned_back_is_found_out() {
    let picture = draw::photograph(7, 5);
    let file = draw::png(&picture);
    for turn in &Orientation::ALL[1..] {
        let seen = only(&file, 7, 5, vec![Change::Turn(*turn).into()]);
        assert_ne!(seen.to_rgb8(), picture.to_rgb8(), "{turn:?}");
    }
    let clear = RgbaImage::from_pixel(3, 3, Rgba([9, 9, 9, 0]));
    let pad = Change::Pad {
        within: Size::new(5, 5),
        at: Point::CENTRE,
        background: Backdrop::Color(imaging::Rgba::CLEAR),
    };
    let seen = only(&draw::png(&clear.into()), 5, 5, vec![pad.into()]).to_rgba8();
    assert_eq!(seen.dimensions(), (5, 5));
    assert!(seen.pixels().all(|pixel| pixel.0[3] == 0));
}
