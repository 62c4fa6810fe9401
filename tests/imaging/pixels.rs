//! What the pixels come out as, read back by the `image` crate.

use image::{
    DynamicImage, GenericImageView, GrayImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage,
};
use imaging::{Made, Presets};

use super::draw;

/// Four corners of different colours, so that every turn is told apart.
fn corners(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgb([255, 0, 0]),
        (false, true) => Rgb([0, 255, 0]),
        (true, false) => Rgb([0, 0, 255]),
        (false, false) => Rgb([255, 255, 255]),
    })
}

#[test]
fn all_eight_orientations_come_out_upright() {
    for (fit, width, height) in [("inside", 40, 40), ("inside", 400, 400), ("cover", 30, 30)] {
        for number in 1..=8_u8 {
            let stored = corners(320, 240);
            let file = draw::oriented(&draw::jpeg(&stored.into()), number);
            let mut expected = image::load_from_memory(&file).unwrap();
            expected.apply_orientation(image::metadata::Orientation::from_exif(number).unwrap());
            let seen = draw::resized(&file, fit, width, height).to_rgb8();
            if fit == "inside" {
                assert_eq!(seen.width() > seen.height(), expected.width() > expected.height());
            }
            for (u, v) in [(0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)] {
                let at = |w: u32, h: u32| ((f64::from(w) * u) as u32, (f64::from(h) * v) as u32);
                let (x, y) = at(seen.width(), seen.height());
                let (ex, ey) = at(expected.width(), expected.height());
                let Rgba([r, g, b, _]) = expected.get_pixel(ex, ey);
                for (one, two) in seen.get_pixel(x, y).0.iter().zip([r, g, b]) {
                    assert!(
                        one.abs_diff(two) < 12,
                        "orientation {number} at {u},{v}: {seen:?}",
                        seen = seen.get_pixel(x, y)
                    );
                }
            }
        }
    }
}

#[test]
fn a_fine_pattern_averages_its_light() {
    // Half the light of white is sRGB 188, in any order of averages and filters.
    for (w, h, cells) in [(800, 800, 100), (1600, 1600, 800), (4000, 1000, 200)] {
        let checks =
            GrayImage::from_fn(w, h, |x, y| Luma([if (x + y) % 2 == 0 { 0 } else { 255 }]));
        let seen = draw::resized(&draw::png(&checks.into()), "inside", cells, cells).to_luma8();
        let (x, y) = (seen.width() / 2, seen.height() / 2);
        let value = seen.get_pixel(x, y).0[0];
        assert!(value.abs_diff(188) <= 1, "{w}×{h} to {cells}: {value}");
    }
}

#[test]
fn the_colour_of_transparent_pixels_does_not_bleed() {
    let edge = RgbaImage::from_fn(640, 640, |x, _| {
        if x < 321 { Rgba([255, 0, 0, 0]) } else { Rgba([255, 255, 255, 255]) }
    });
    let file = draw::png(&edge.into());
    let seen = draw::resized(&file, "inside", 64, 64).to_rgba8();
    let mut between = 0;
    for pixel in seen.pixels() {
        let Rgba([r, g, b, a]) = *pixel;
        if a > 0 {
            assert_eq!((r, g, b), (255, 255, 255), "alpha {a}");
        }
        between += u32::from(a > 0 && a < 255);
    }
    assert!(between > 0, "the edge lies within a pixel");
}

#[test]
fn transparency_lies_on_white_in_a_jpeg() {
    let clear = RgbaImage::from_pixel(60, 60, Rgba([0, 0, 0, 0]));
    let file = draw::png(&clear.into());
    let plan = Presets::built_in().plan(&draw::header(&file));
    let mut seen = 0;
    for (piece, made) in draw::run(&plan, &file) {
        match made {
            Made::Variant { bytes, .. } if piece.name.ends_with("jpeg") => {
                let jpeg = image::load_from_memory(&bytes).unwrap().to_rgb8();
                assert!(jpeg.pixels().all(|p| p.0.iter().all(|&v| v >= 254)));
                seen += 1;
            }
            Made::Variant { bytes, .. } => {
                let webp = image::load_from_memory(&bytes).unwrap().to_rgba8();
                assert!(webp.pixels().all(|p| p.0[3] == 0));
                seen += 1;
            }
            Made::Derived { color, .. } => assert_eq!(color, [0, 0, 0]),
        }
    }
    assert_eq!(seen, 6);
}

#[test]
fn extreme_shapes_keep_their_pixels() {
    for (w, h) in [(1, 1), (1, 20_000), (20_000, 1), (2, 3), (801, 1)] {
        for picture in
            [draw::photograph(w, h), draw::translucent(w, h), DynamicImage::new_luma8(w, h)]
        {
            for file in [draw::png(&picture), draw::oriented(&draw::jpeg(&picture), 6)] {
                let header = draw::header(&file);
                let plan = Presets::built_in().plan(&header);
                for (piece, made) in draw::run(&plan, &file) {
                    let Made::Variant { bytes, width, height } = made else { continue };
                    let seen = image::load_from_memory(&bytes).unwrap();
                    assert_eq!(
                        (seen.width(), seen.height()),
                        (width, height),
                        "{w}×{h} {}",
                        piece.name
                    );
                    assert!(width >= 1 && height >= 1 && width.max(height) <= 800);
                }
            }
        }
    }
}

#[test]
fn what_is_not_reduced_is_not_touched() {
    let picture = draw::photograph(300, 200);
    let seen = draw::resized(&draw::png(&picture), "inside", 300, 300);
    assert_eq!(seen.to_rgb8(), picture.to_rgb8());
    let picture = draw::photograph(37, 21).to_luma8();
    let seen = draw::resized(&draw::png(&picture.clone().into()), "fill", 300, 300);
    assert_eq!(seen.to_luma8(), picture);
}

#[test]
fn partial_blocks_do_not_shift_the_picture() {
    // A ramp whose width no average divides: its reduction is the same ramp.
    for width in [1_999, 2_001, 3_333] {
        let ramp = GrayImage::from_fn(width, 64, |x, _| Luma([(x * 255 / (width - 1)) as u8]));
        let seen = draw::resized(&draw::png(&ramp.into()), "inside", 100, 100).to_luma8();
        for x in 5..95 {
            let wanted = (f64::from(x) + 0.5) / 100.0 * 255.0;
            let value = f64::from(seen.get_pixel(x, 1).0[0]);
            assert!((value - wanted).abs() < 1.6, "{width}: {value} is not {wanted} at {x}");
        }
    }
}

#[test]
fn sixteen_bits_last_to_the_end() {
    // One 16-bit step in 256 would vanish if samples were cut to 8 bits before averaging.
    let fine = ImageBuffer::<Luma<u16>, Vec<u16>>::from_fn(512, 512, |_, y| {
        Luma([if y < 256 { 33_020 } else { 33_110 }])
    });
    let seen =
        draw::resized(&draw::png(&DynamicImage::ImageLuma16(fine)), "inside", 64, 64).to_luma8();
    assert_eq!(seen.get_pixel(5, 5).0[0], 128, "33,020 ÷ 257 is 128.48");
    assert_eq!(seen.get_pixel(5, 60).0[0], 129, "33,110 ÷ 257 is 128.83");
}

#[test]
fn cover_cuts_around_the_centre() {
    let stripes = RgbImage::from_fn(900, 300, |x, _| match x {
        0..300 => Rgb([255, 0, 0]),
        300..600 => Rgb([0, 255, 0]),
        _ => Rgb([0, 0, 255]),
    });
    let seen = draw::resized(&draw::png(&stripes.into()), "cover", 50, 50).to_rgb8();
    assert_eq!(seen.dimensions(), (50, 50));
    for x in 3..47 {
        assert_eq!(seen.get_pixel(x, 25).0, [0, 255, 0], "at {x}");
    }
}

#[test]
fn derived_describes_the_picture() {
    let flat = RgbImage::from_pixel(640, 320, Rgb([200, 100, 50]));
    let file = draw::png(&flat.into());
    let plan = Presets::built_in().plan(&draw::header(&file));
    let made = draw::run(&plan, &file);
    let Some((_, Made::Derived { thumbhash, color })) = made.last() else {
        panic!("derived comes last");
    };
    assert_eq!(color, &[200, 100, 50]);
    // The hash's own header, by its specification: landscape is bit 15 of the second word.
    assert!(thumbhash.len() > 5 && thumbhash[4] & 0x80 != 0);
}

#[test]
fn every_format_shows_the_same_picture() {
    // The PNG is lossless: the others must stay near it, by an independent reader.
    let text = "[variants.v]\nwidth = 120\nheight = 120\nformats = [\"png\", \"webp\", \"jpeg\"]\n";
    for picture in [draw::photograph(500, 311), draw::photograph(500, 311).to_luma8().into()] {
        let file = draw::png(&picture);
        let plan = Presets::parse(text).unwrap().plan(&draw::header(&file));
        let mut seen = Vec::new();
        for (_, made) in draw::run(&plan, &file) {
            if let Made::Variant { bytes, .. } = made {
                seen.push(image::load_from_memory(&bytes).unwrap().to_rgb8());
            }
        }
        assert_eq!(seen.len(), 3);
        for one in &seen {
            let apart: u64 =
                one.iter().zip(seen[1].iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            let mean = apart as f64 / seen[1].len() as f64;
            assert!(mean < 6.0, "{mean} levels apart");
        }
    }
}
