//! Smart crop: what draws the eye stays, where the middle would cut it.

use image::{DynamicImage, Rgb, RgbImage, imageops};
use imaging::{
    Assets, Channels, Coding, Depth, Format, Frames, Layout, Lineage, Made, Orientation, Part,
    Picture, Piece, Plan, Rendition, Resample, Shrink, Space, Unlimited, Work,
};

/// The part of a picture that a crop to this size takes. It is found by where the result lies in the
/// picture, so the sides of one of them have to be equal.
pub(super) fn cropped(picture: &RgbImage, part: Part, width: u32, height: u32) -> RgbImage {
    let (w, h) = picture.dimensions();
    let layout = Layout {
        width: w,
        height: h,
        channels: Channels::Rgb,
        depth: Depth::Eight,
        orientation: Orientation::Upright,
    };
    let steps = vec![Resample { width, height, part }.into()];
    let rendition = Rendition {
        variant: "one".to_owned(),
        format: Format::Png,
        quality: 80,
        coding: Coding::Usual,
        frames: Frames::First,
        width,
        height,
        lineage: Lineage { shrink: Shrink::NONE, space: Space::Srgb, steps },
    };
    let piece = Piece { name: "one.png".to_owned(), work: Work::Variant(rendition) };
    let mut rows = Picture::new(layout, picture.as_raw().clone()).unwrap();
    let mut seen = None;
    Plan { pieces: vec![piece] }
        .run(&mut rows, Assets::NONE, &Unlimited, &mut |_, made| {
            let Ok(Made::Variant { bytes, .. }) = made else { panic!("{made:?}") };
            seen = Some(image::load_from_memory(&bytes).unwrap().to_rgb8());
        })
        .unwrap();
    seen.unwrap()
}

/// How far from the left or the top a crop of the full other side was taken: where it differs least.
pub(super) fn offset(picture: &RgbImage, crop: &RgbImage) -> u32 {
    let (w, h) = picture.dimensions();
    let (cw, ch) = crop.dimensions();
    assert!(cw == w || ch == h, "a crop slides along one side only");
    let room = (w - cw).max(h - ch);
    let difference = |at: u32| -> u64 {
        let (left, top) = if cw < w { (at, 0) } else { (0, at) };
        let pixels = crop.enumerate_pixels().filter(|(x, y, _)| (x * 7 + y * 3) % 41 == 0);
        pixels
            .map(|(x, y, pixel)| {
                let there = picture.get_pixel(x + left, y + top).0;
                pixel.0.iter().zip(there).map(|(a, b)| u64::from(a.abs_diff(b))).sum::<u64>()
            })
            .sum()
    };
    (0..=room).min_by_key(|at| difference(*at)).unwrap()
}

/// What is drawn, and the rectangle (left, top, right, bottom) that must not be cut.
struct Scene {
    name: &'static str,
    picture: RgbImage,
    subject: [u32; 4],
    /// The side of the crop; the other is full.
    crop: (u32, u32),
}

/// Noise of ±`most`, the same for the same place.
fn grain(x: u32, y: u32, most: i32) -> i32 {
    let hash = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 15)).wrapping_mul(0xc2b2_ae35);
    i32::try_from((hash >> 16) % (2 * most.unsigned_abs() + 1)).unwrap() - most
}

/// A person from the head to the knees: hair, face, shirt, arms, trousers, in ellipses and boxes.
fn person(picture: &mut RgbImage, middle: f64, top: f64, head: f64, skin: [u8; 3], shirt: [u8; 3]) {
    let (w, h) = picture.dimensions();
    for y in 0..h {
        for x in 0..w {
            // In units of half a head's width, from the middle of the face.
            let u = (f64::from(x) - middle) / head;
            let v = (f64::from(y) - top) / head - 1.4;
            let face = u * u + (v / 1.3).powi(2) < 1.0;
            let hair = u * u / 1.2 + ((v + 0.25) / 1.45).powi(2) < 1.0 && v < -0.45;
            let eyes = ((u.abs() - 0.4) / 0.16).powi(2) + ((v + 0.1) / 0.1).powi(2) < 1.0;
            let mouth = (u / 0.4).powi(2) + ((v - 0.65) / 0.1).powi(2) < 1.0;
            let neck = u.abs() < 0.4 && (1.0..1.8).contains(&v);
            let body =
                u.abs() < 1.9 - ((2.6 - v).max(0.0)).powi(2) * 0.5 && (1.6..7.5).contains(&v);
            let legs = u.abs() < 1.6 && u.abs() > 0.1 && v >= 7.5;
            let colour = if eyes && face {
                [40, 30, 30]
            } else if mouth && face {
                [170, 70, 70]
            } else if hair {
                [60, 40, 25]
            } else if face || neck {
                let shade = 1.0 - 0.12 * (u + 0.3);
                skin.map(|c| (f64::from(c) * shade).clamp(0.0, 255.0) as u8)
            } else if body {
                // Stripes: a shirt has detail as well.
                if (v * 2.5).fract() < 0.25 { shirt.map(|c| c / 2 + 90) } else { shirt }
            } else if legs {
                [50, 60, 90]
            } else {
                continue;
            };
            let noise = grain(x, y, 5);
            let lit = colour.map(|c| (i32::from(c) + noise).clamp(0, 255) as u8);
            picture.put_pixel(x, y, Rgb(lit));
        }
    }
}

fn ground(w: u32, h: u32, colour: impl Fn(f64, f64) -> [f64; 3], noise: i32) -> RgbImage {
    RgbImage::from_fn(w, h, |x, y| {
        let n = f64::from(grain(x, y, noise.max(1)));
        let colour = colour(f64::from(x) / f64::from(w), f64::from(y) / f64::from(h));
        Rgb(colour.map(|c| (c + n).clamp(0.0, 255.0) as u8))
    })
}

fn face_of(middle: f64, top: f64, head: f64) -> [u32; 4] {
    [(middle - head) as u32, top as u32, (middle + head) as u32, (top + head * 2.7) as u32]
}

fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    let park = |u: f64, v: f64| {
        if v < 0.5 {
            [150.0 + 40.0 * v, 190.0, 225.0 - 30.0 * u]
        } else {
            [80.0, 120.0 - 20.0 * u, 60.0]
        }
    };
    let room = |u: f64, v: f64| [120.0 + 40.0 * u, 125.0 - 20.0 * v, 130.0 + 10.0 * v];
    // Three tones of skin; the head is high in a tall picture, as photographers have it.
    for (name, skin, shirt) in [
        ("portrait, light", [232, 190, 165], [160, 40, 50]),
        ("portrait, brown", [178, 124, 92], [40, 90, 150]),
        ("portrait, dark", [118, 76, 54], [220, 220, 225]),
    ] {
        let mut picture = ground(240, 400, park, 6);
        person(&mut picture, 125.0, 14.0, 30.0, skin, shirt);
        scenes.push(Scene { name, picture, subject: face_of(125.0, 14.0, 30.0), crop: (240, 240) });
    }
    // A person at the side of a wide picture.
    for (name, middle) in [("person at the left", 60.0), ("person at the right", 430.0)] {
        let mut picture = ground(500, 240, room, 6);
        person(&mut picture, middle, 30.0, 26.0, [225, 180, 150], [60, 110, 80]);
        scenes.push(Scene {
            name,
            picture,
            subject: face_of(middle, 30.0, 26.0),
            crop: (240, 240),
        });
    }
    // Products on white, out of the middle.
    for (name, left) in [("shoe at the right", 330_u32), ("shoe at the left", 40)] {
        let mut picture = ground(480, 240, |_, v| [250.0 - 10.0 * v; 3], 2);
        for y in 100..190 {
            for x in left..left + 110 {
                let sole = y > 170;
                let inside = sole || x - left > 45 || y > 135 || x - left < 25;
                if inside {
                    let colour = if sole { [245, 240, 235] } else { [30, 90, 170] };
                    let lit = colour.map(|c: i32| (c + grain(x, y, 8)).clamp(0, 255) as u8);
                    picture.put_pixel(x, y, Rgb(lit));
                }
            }
        }
        scenes.push(Scene {
            name,
            picture,
            subject: [left, 100, left + 110, 190],
            crop: (240, 240),
        });
    }
    // A bottle in a tall picture, low.
    let mut bottle = ground(200, 420, |u, _| [215.0 - 15.0 * u, 205.0, 190.0], 3);
    for y in 270..410_u32 {
        for x in 75..125_u32 {
            let neck = y < 310;
            if !neck || (90..110).contains(&x) {
                let lit = [20, 110 + i32::try_from(x.abs_diff(100)).unwrap(), 60]
                    .map(|c| (c + grain(x, y, 6)) as u8);
                bottle.put_pixel(x, y, Rgb(lit));
            }
        }
    }
    let subject = [75, 270, 125, 410];
    scenes.push(Scene { name: "bottle, low", picture: bottle, subject, crop: (200, 200) });
    scenes
}

/// The share of the subject that lies in a crop.
fn kept(scene: &Scene, part: Part) -> f64 {
    let (cw, ch) = scene.crop;
    let crop = cropped(&scene.picture, part, cw, ch);
    let at = offset(&scene.picture, &crop);
    let wide = scene.picture.width() > cw;
    let [left, top, right, bottom] = scene.subject;
    let (from, to, start, end) =
        if wide { (left, right, at, at + cw) } else { (top, bottom, at, at + ch) };
    let seen = f64::from(to.min(end).saturating_sub(from.max(start)));
    seen / f64::from(to - from)
}

#[test]
fn heads_and_products_stay_whole_where_the_middle_cuts_them() {
    for scene in scenes() {
        let (smart, centre) = (kept(&scene, Part::Smart), kept(&scene, Part::Centre));
        assert!(smart >= 0.99, "{}: {smart:.2} of it is kept", scene.name);
        assert!(centre < 0.95, "{}: the middle keeps {centre:.2}, which shows nothing", scene.name);
    }
}

#[test]
fn a_mirrored_picture_is_cut_mirrored() {
    for scene in scenes() {
        let (cw, ch) = scene.crop;
        let mirrored = imageops::flip_horizontal(&scene.picture);
        let crop = cropped(&scene.picture, Part::Smart, cw, ch);
        let other = cropped(&mirrored, Part::Smart, cw, ch);
        let (at, there) = (offset(&scene.picture, &crop), offset(&mirrored, &other));
        let wanted = if scene.picture.width() > cw { scene.picture.width() - cw - at } else { at };
        assert!(there.abs_diff(wanted) <= 3, "{}: {there}, not {wanted}", scene.name);
    }
}

#[test]
fn where_nothing_stands_out_the_middle_is_taken() {
    for colour in [[0, 0, 0], [255, 255, 255], [224, 172, 140], [12, 200, 90]] {
        for (w, h, cw, ch) in [(400, 100, 100, 100), (90, 301, 90, 60)] {
            let flat = RgbImage::from_pixel(w, h, Rgb(colour));
            let smart = cropped(&flat, Part::Smart, cw, ch);
            assert_eq!(smart, cropped(&flat, Part::Centre, cw, ch), "{colour:?}");
        }
    }
    // A flat picture shows no place: a line in the very middle does.
    let mut marked = RgbImage::from_pixel(401, 100, Rgb([128; 3]));
    (0..100).for_each(|y| marked.put_pixel(200, y, Rgb([190; 3])));
    let at = offset(&marked, &cropped(&marked, Part::Smart, 101, 100));
    assert!(at.abs_diff(150) <= 1, "{at}");
}

#[test]
fn a_crop_is_never_outside_whatever_the_shape() {
    for (w, h) in [(1, 1), (1, 500), (500, 1), (2, 3), (257, 64), (1_031, 77)] {
        let picture = super::draw::photograph(w, h).to_rgb8();
        for (cw, ch) in [(1, 1), (w, 1), (1, h), (w.div_ceil(2), h)] {
            let seen = cropped(&picture, Part::Smart, cw, ch);
            assert_eq!(seen.dimensions(), (cw, ch), "{w}×{h}");
            // What lies outside would be black; the drawn photograph is nowhere.
            let dark = seen.pixels().filter(|p| p.0 == [0, 0, 0]).count();
            let black = picture.pixels().filter(|p| p.0 == [0, 0, 0]).count();
            assert!(black > 0 || dark == 0, "{w}×{h} to {cw}×{ch}: {dark} black pixels");
        }
    }
}

#[test]
fn what_is_transparent_draws_no_eye() {
    // Strong colours that nobody sees at the left, a grey square at the right.
    let picture = image::RgbaImage::from_fn(300, 100, |x, y| {
        let strong = image::Rgba([255, (x * 40 % 256) as u8, (y * 40 % 256) as u8, 0]);
        if (220..280).contains(&x) && (20..80).contains(&y) {
            image::Rgba([90, 90, 90, 255])
        } else {
            strong
        }
    });
    let text = "[variants.a]\nfit = \"cover\"\ngravity = \"smart\"\nwidth = 100\nheight = 100\nformats = [\"png\"]";
    let file = super::draw::png(&DynamicImage::ImageRgba8(picture));
    let (made, _) = super::made::variants(text, &file, &super::draw::header(&file));
    let crop = image::load_from_memory(&made[0].1).unwrap().to_rgba8();
    let seen = crop.pixels().filter(|p| p.0[3] > 128).count();
    assert!(seen > 3_300, "{seen} of 3,600 pixels of the square are in the crop");
}
