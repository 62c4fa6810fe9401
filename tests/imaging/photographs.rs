//! Smart crop on photographs: heads and products, marked by hand, that a crop should not lose.

use std::fs;

use imaging::Part;

use super::{
    attention::{cropped, offset},
    draw, made,
};
use crate::report;

/// A file of the corpus, the sides of the crop, and what matters: left, top, right and bottom as
/// shares of the picture.
type Marked = (&'static str, (u32, u32), &'static [[f64; 4]]);

const MARKED: &[Marked] = &[
    // Three heads of a wedding.
    ("camera/exif-samples__canon-ixus.jpg", (1, 2), &[[0.39, 0.39, 0.60, 0.52]]),
    ("camera/exif-samples__canon-ixus.jpg", (3, 1), &[[0.39, 0.39, 0.60, 0.52]]),
    // Father and son, left of the middle.
    (
        "camera/exif-samples__sony-d700.jpg",
        (1, 2),
        &[[0.13, 0.1, 0.23, 0.26], [0.36, 0.18, 0.46, 0.33]],
    ),
    (
        "camera/exif-samples__sony-d700.jpg",
        (3, 1),
        &[[0.13, 0.1, 0.23, 0.26], [0.36, 0.18, 0.46, 0.33]],
    ),
    // Two heads, one at the right.
    (
        "camera/exif-samples__kodak-dc210.jpg",
        (1, 2),
        &[[0.44, 0.38, 0.53, 0.56], [0.67, 0.52, 0.8, 0.72]],
    ),
    // A dog's face.
    ("camera/libavif__dog_exif_extended_xmp_icc.jpg", (2, 1), &[[0.28, 0.3, 0.76, 0.73]]),
    // A lantern before a dark wall.
    ("bench/wallpapers__Mr._Lee.jpg", (1, 1), &[[0.17, 0.16, 0.4, 0.64]]),
    ("bench/wallpapers__Mr._Lee.jpg", (1, 2), &[[0.17, 0.16, 0.4, 0.64]]),
    // The actor's head on a poster.
    ("metadata/exif-samples__no_exif.jpg", (1, 1), &[[0.62, 0.01, 0.78, 0.17]]),
    // The nearest of three skydivers.
    ("jpeg/zune-image__cymk.jpg", (1, 1), &[[0.58, 0.03, 0.9, 0.65]]),
    ("jpeg/zune-image__cymk.jpg", (1, 2), &[[0.58, 0.03, 0.9, 0.65]]),
    // A woman and the child in her pram.
    ("jpeg/jpeg-decoder__ycck.jpg", (1, 2), &[[0.55, 0.12, 0.75, 0.9]]),
    // The heads of two parrots.
    (
        "bench/Kodak-Lossless-True-Color-Image-Suite__23.png",
        (1, 1),
        &[[0.1, 0.35, 0.35, 0.6], [0.52, 0.22, 0.82, 0.6]],
    ),
    (
        "bench/Kodak-Lossless-True-Color-Image-Suite__23.png",
        (1, 2),
        &[[0.1, 0.35, 0.35, 0.6], [0.52, 0.22, 0.82, 0.6]],
    ),
    // A lighthouse's tower.
    ("bench/Kodak-Lossless-True-Color-Image-Suite__19.png", (2, 1), &[[0.52, 0.13, 0.73, 0.6]]),
    // Caps for sale, the largest at the left.
    ("bench/Kodak-Lossless-True-Color-Image-Suite__03.png", (1, 1), &[[0.11, 0.14, 0.92, 0.6]]),
    // A car left of the middle.
    ("camera/exif-samples__45-gps_ifd.jpg", (1, 1), &[[0.08, 0.36, 0.6, 0.8]]),
    // A bag.
    ("camera/exif-samples__olympus-d320l.jpg", (1, 1), &[[0.27, 0.04, 0.85, 0.88]]),
    // A gymnast's head and back.
    ("jpeg/zune-image__sampling_factors.jpg", (1, 1), &[[0.37, 0.2, 0.57, 0.85]]),
];

/// Crops that lose most of what was marked, where a better algorithm would not.
const LOST: &[(&str, (u32, u32))] = &[
    // The faces are a hundredth of the picture, and what is behind them is brighter.
    ("camera/exif-samples__sony-d700.jpg", (3, 1)),
    ("camera/exif-samples__kodak-dc210.jpg", (1, 2)),
    // Two heads are further apart than the crop is wide.
    ("bench/Kodak-Lossless-True-Color-Image-Suite__23.png", (1, 2)),
    // A fence in front of the tower.
    ("bench/Kodak-Lossless-True-Color-Image-Suite__19.png", (2, 1)),
];

/// The share of what was marked that lies in a crop, which is left, top, right and bottom.
fn kept(marks: &[[f64; 4]], crop: [f64; 4]) -> f64 {
    let area = |[l, t, r, b]: [f64; 4]| (r - l).max(0.0) * (b - t).max(0.0);
    let inside =
        |[l, t, r, b]: [f64; 4]| [l.max(crop[0]), t.max(crop[1]), r.min(crop[2]), b.min(crop[3])];
    let sum = |part: &dyn Fn([f64; 4]) -> [f64; 4]| -> f64 {
        marks.iter().map(|mark| area(part(*mark))).sum()
    };
    sum(&inside) / sum(&|mark| mark)
}

#[test]
fn what_matters_in_photographs_is_kept_better_than_by_the_middle() {
    let Some(corpus) = report::corpus("smart crop on photographs") else { return };
    let (mut sums, mut cut) = ([0.0; 2], [0; 2]);
    for (name, sides, marks) in MARKED {
        let file = fs::read(corpus.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let text = "[variants.a]\nwidth = 320\nheight = 320\nformats = [\"png\"]";
        let (made, _) = made::variants(text, &file, &draw::header(&file));
        let picture = image::load_from_memory(&made[0].1).unwrap().to_rgb8();
        let (w, h) = picture.dimensions();
        let (cw, ch) = (w.min(h * sides.0 / sides.1), h.min(w * sides.1 / sides.0));
        let at = offset(&picture, &cropped(&picture, Part::Smart, cw, ch));
        let share = |at: u32| {
            let (left, top) = if cw < w { (at, 0) } else { (0, at) };
            let of = |value: u32, side: u32| f64::from(value) / f64::from(side);
            kept(marks, [of(left, w), of(top, h), of(left + cw, w), of(top + ch, h)])
        };
        let (smart, centre) = (share(at), share((w - cw).max(h - ch) / 2));
        let line = format!("{name} to {}:{}: {smart:.2}, centre {centre:.2}", sides.0, sides.1);
        report::say("smart crop", &line);
        sums = [sums[0] + smart, sums[1] + centre];
        // Each by itself: most of it is there, or it is named above.
        let lost = LOST.contains(&(*name, *sides));
        assert_eq!(smart < 0.5, lost, "{name} to {}:{} keeps {smart:.2}", sides.0, sides.1);
        // Hardly anything of it is left.
        cut = [cut[0] + usize::from(smart < 0.5), cut[1] + usize::from(centre < 0.5)];
    }
    let [smart, centre] = sums.map(|sum| sum / MARKED.len() as f64);
    report::say("smart crop", format_args!("keeps {smart:.2} of what matters, centre {centre:.2}"));
    assert!(smart > centre + 0.1, "{smart:.2} and {centre:.2}");
    assert!(cut[0] < cut[1], "{} lost, {} by the middle", cut[0], cut[1]);
}
