//! Gain maps of Ultra HDR photographs go along with JPEG variants that show all of the picture.

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    imaging::{
        draw::{header, oriented},
        made::variants,
    },
    oracle::python,
    report,
};

const PRESETS: &str = "[variants.small]\nwidth = 60\nheight = 60\nformats = [\"jpeg\", \"webp\"]\n\
                       [variants.cut]\nfit = \"cover\"\nwidth = 40\nheight = 40\nformats = [\"jpeg\"]\n\
                       [variants.grey]\nwidth = 60\neffects = [\"greyscale\"]\nformats = [\"jpeg\"]";

#[derive(Debug, Deserialize)]
struct Seen {
    mapped: bool,
    numbers: Option<f64>,
    brightest: f64,
    light: f64,
}

fn look(folder: &Path, tasks: &[Value]) -> Vec<Seen> {
    let seen = python::run("golden/ultra_hdr.py", &[folder], &json!(tasks));
    serde_json::from_value(seen).unwrap()
}

/// Writes the variants of a source beside it.
fn make(source: &Path) {
    let file = fs::read(source).unwrap();
    let stem = source.file_stem().unwrap().to_string_lossy();
    for (piece, bytes) in variants(PRESETS, &file, &header(&file)).0 {
        fs::write(source.with_file_name(format!("{stem}.{}", piece.name)), bytes).unwrap();
    }
}

#[test]
fn gain_maps_go_along_where_all_of_the_picture_is_shown() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ultra-hdr");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    look(&folder, &[]);
    let bright = folder.join("bright.jpg");
    // What is put in front of the index moves the map as far as the index itself.
    let turned = folder.join("turned.jpg");
    fs::write(&turned, oriented(&fs::read(&bright).unwrap(), 6)).unwrap();
    let mut sources = vec![(bright.clone(), false), (turned, true)];
    if let Some(corpus) = report::corpus("an Ultra HDR photograph of a phone") {
        let name = "Ultra_HDR_Samples__Ultra_HDR_Samples_Originals_05.jpg";
        let phone = folder.join("phone.jpg");
        fs::copy(corpus.join("gainmap").join(name), &phone).unwrap();
        sources.push((phone, false));
    }
    for (source, turned) in sources {
        make(&source);
        let name = source.file_stem().unwrap().to_string_lossy().into_owned();
        let of = |piece: &str| {
            let ours = source.with_file_name(format!("{name}.{piece}"));
            // The turned one is judged by the file as it was.
            let source = if turned { &bright } else { &source };
            json!({"ours": ours, "source": source, "turned": turned})
        };
        let seen = look(&folder, &["small.jpeg", "small.webp", "cut.jpeg", "grey.jpeg"].map(of));
        let [small, webp, cut, grey] = &seen[..] else { panic!("four files were looked at") };
        report::say("golden", format_args!("gain map of {name}: {small:?}"));
        assert!(small.mapped && small.numbers.unwrap() < 1e-3, "{name}: {small:?}");
        assert!(small.brightest > 2.0 && small.light < 0.1, "{name}: {small:?}");
        assert!(!webp.mapped && !cut.mapped && !grey.mapped, "{name}: {seen:?}");
        assert!(webp.brightest <= 1.001 && webp.light > small.light, "{name}: {webp:?}");
        let file = fs::read(folder.join(format!("{name}.small.jpeg"))).unwrap();
        let xmp = b"http://ns.adobe.com";
        assert!(!file.windows(xmp.len()).any(|part| part == xmp), "{name} carries XMP");
    }
}
