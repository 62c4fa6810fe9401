//! What libvips makes of the same picture, where it has the same operation.

use std::path::Path;

use serde_json::json;

use super::colour::difference;
use super::reference::Plane;
use super::{applied, pictures};
use crate::oracle::python;

/// The effect, the operation as tests/oracle/effects.py knows it, and the largest mean ΔE2000. They
/// are the same operation, but libvips keeps 8 bits between some steps and has whole numbers in its
/// masks.
const SAME: &[(&str, &str, &[f64], f64)] = &[
    (
        "\"greyscale\"",
        "matrix",
        &[0.2126, 0.7152, 0.0722, 0.2126, 0.7152, 0.0722, 0.2126, 0.7152, 0.0722],
        0.6,
    ),
    ("\"sepia\"", "matrix", &[0.393, 0.769, 0.189, 0.349, 0.686, 0.168, 0.272, 0.534, 0.131], 0.6),
    ("{ brightness = { amount = 1.3 } }", "linear", &[1.3, 0.0], 0.6),
    ("{ contrast = { amount = 1.5 } }", "linear", &[1.5, -63.75], 0.6),
    ("{ gamma = { gamma = 2.0 } }", "gamma", &[2.0], 0.6),
    ("\"invert\"", "invert", &[], 0.1),
    ("{ blur = { sigma = 2.0 } }", "blur", &[2.0], 0.5),
    ("{ blur = { sigma = 9.0 } }", "blur", &[9.0], 0.5),
    ("{ tint = { color = \"#3366cc\" } }", "tint", &[51.0, 102.0, 204.0], 0.7),
    ("{ sharpen = { sigma = 1.0, flat = 1.0, jagged = 2.0 } }", "sharpen", &[1.0, 1.0, 2.0], 1.0),
];

#[test]
fn libvips_makes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let opaque = pictures().into_iter().filter(|(_, picture)| !picture.color().has_alpha());
    for (name, picture) in opaque {
        let source = folder.path().join("source.png");
        let rgb = image::DynamicImage::ImageRgb8(picture.to_rgb8());
        rgb.save(&source).unwrap();
        let tasks: Vec<_> = SAME
            .iter()
            .enumerate()
            .map(|(index, (_, operation, numbers, _))| {
                let result = folder.path().join(format!("{index}.png"));
                json!({ "operation": operation, "numbers": numbers, "result": result })
            })
            .collect();
        python::run("oracle/effects.py", &[&source as &Path], &json!(tasks));
        for (index, (text, _, _, most)) in SAME.iter().enumerate() {
            let wanted = image::open(folder.path().join(format!("{index}.png"))).unwrap();
            let found = difference(&Plane::of(&applied(&rgb, text)), &Plane::of(&wanted));
            assert!(found.mean <= *most, "{text} on {name}: {found:?}, allowed a mean of {most}");
            // And it is not the picture as it was that passes.
            let idle = difference(&Plane::of(&rgb), &Plane::of(&wanted));
            let grey = name == "grey";
            assert!(grey || idle.mean > 1.5 * found.mean, "{text} on {name} changes {idle:?} only");
        }
    }
}
