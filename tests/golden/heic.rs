//! Photographs of phones in HEIC, from the file to a variant: like those of the PNGs that libheif has
//! made of them, whose colours and sizes other cases hold to libvips.

use std::fs;

use imaging::{Format, Orientation};
use serde_json::json;

use super::{between, shown};
use crate::{imaging::draw::header, oracle::python, report};

const PRESETS: &str = "[variants.a]\nwidth = 240\nheight = 240\nformats = [\"png\"]";

#[test]
fn phones_photographs_come_out_upright_and_as_libheif_has_them() {
    let Some(corpus) = report::corpus("photographs of phones in HEIC") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut photographs = Vec::new();
    for entry in fs::read_dir(corpus.join("camera")).unwrap() {
        let path = entry.unwrap().path();
        let file = fs::read(&path).unwrap();
        if Format::sniff(&file) == Some(Format::Heic) {
            photographs.push((
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                path,
                file,
            ));
        }
    }
    assert!(photographs.len() >= 4, "{} of the corpus are HEIC", photographs.len());
    let tasks: Vec<_> = photographs.iter().map(|(name, path, _)| json!([name, path])).collect();
    python::run("golden/heic.py", &[folder.path()], &json!(tasks));
    let mut wrong = Vec::new();
    for (name, _, file) in &photographs {
        let png = fs::read(folder.path().join(format!("{name}.png"))).unwrap();
        let (ours, theirs) = (header(file), header(&png));
        assert_eq!((ours.upright(), theirs.orientation), (theirs.upright(), Orientation::Upright));
        let [ours, theirs] = [(file, &ours), (&png, &theirs)]
            .map(|(file, header)| shown(name, file, header, PRESETS));
        let found = between(&ours, &theirs).unwrap();
        report::say("golden", format_args!("{name}: {found}"));
        let near = found.mean <= 0.5 && found.most <= 8.0;
        if !near {
            wrong.push(format!("{name}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
