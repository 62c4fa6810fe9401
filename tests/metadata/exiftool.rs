//! The normalised fields of every file of the corpus, as exiftool reads them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{
    expected::{answers, count, differences, name},
    reading::exposed,
};
use crate::report::{self, Lack};

/// Fields of files that differ, and why ours is what it should be.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("avif/libavif__seine_hdr_rec2020.avif", "taken_at", FRACTION),
    ("gainmap/libavif__seine_sdr_gainmap_srgb.avif", "taken_at", FRACTION),
    ("gainmap/libavif__seine_sdr_gainmap_srgb.jpg", "taken_at", FRACTION),
    (
        "hostile/Pillow__hopper_bad_exif.jpg",
        "orientation",
        "the directory says 32 entries and has 6: exiftool drops it all, we keep what is there",
    ),
    (
        "hostile/image-tiff__colormap-shl-overflow.tiff",
        "orientation",
        "exiftool stops at the first value that lies outside, we go on behind it",
    ),
    (
        "hostile/image-tiff__id_000038_sig_06_src_000066_op_havoc_rep_32",
        "make",
        "a number where the maker's name should be is no name",
    ),
    ("svg/resvg-test-suite__attribute-value-via-ENTITY-reference.svg", "title", DOCTYPE),
    ("svg/resvg-test-suite__elements-via-ENTITY-reference-1.svg", "title", DOCTYPE),
    (
        "wrong-ext/imagor__filters_3Aformat_28jxl_29_3Aquality_2870_29-gopher-front.png",
        "orientation",
        "its EXIF is a brob box, for which exiftool wants a Perl module that Debian does not ask for",
    ),
];

const FRACTION: &str = "exiftool puts XMP's fraction of a second behind EXIF's moment";
const DOCTYPE: &str = "exiftool takes an SVG with a document type of its own for plain text";

/// Every file of every folder.
pub(super) fn files(corpus: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let folders = entries(corpus).into_iter().filter(|path| path.is_dir());
    let mut files: Vec<_> = folders.flat_map(|folder| entries(&folder)).collect();
    files.sort();
    files
}

#[test]
fn every_field_of_every_file_is_exiftools() {
    const TEST: &str = "metadata as exiftool reads it";
    let Some(corpus) = report::corpus(TEST) else { return };
    let files = files(&corpus);
    let Some((answers, died)) = answers(&files) else {
        return report::not_run(TEST, Lack::Tool("exiftool", "libimage-exiftool-perl"));
    };
    let mut exceptions: BTreeSet<(&str, &str)> =
        EXCEPTIONS.iter().map(|(file, field, _)| (*file, *field)).collect();
    let mut wrong = Vec::new();
    let mut kinds: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for (path, theirs) in &answers {
        let file = name(&corpus, path);
        let (exposition, _) = exposed(&fs::read(path).unwrap());
        let kind = theirs["File:FileType"].as_str().unwrap_or("none").to_owned();
        let (compared, saying, fields) = kinds.entry(kind).or_default();
        let known = count(&exposition.fields);
        *compared += 1;
        *saying += usize::from(known > 0);
        *fields += known;
        for (field, difference) in differences(&exposition.fields, theirs) {
            let listed = EXCEPTIONS.iter().find(|(f, what, _)| (*f, *what) == (&*file, field));
            match listed {
                Some((file, field, _)) => {
                    exceptions.remove(&(*file, *field));
                }
                None => wrong.push(format!("{file}: {difference}")),
            }
        }
    }
    for (kind, (compared, saying, fields)) in &kinds {
        report::say(
            "exiftool",
            format_args!(
                "{kind}: {compared} files compared, {saying} say something, {fields} fields"
            ),
        );
    }
    let fields: usize = kinds.values().map(|(_, _, fields)| fields).sum();
    report::say(
        "exiftool",
        format_args!(
            "{} files compared, {fields} fields, {} exceptions, {} over which exiftool died",
            answers.len(),
            EXCEPTIONS.len(),
            died.len()
        ),
    );
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(exceptions.is_empty(), "no longer exceptions: {exceptions:?}");
    assert!(answers.len() + died.len() == files.len() && died.len() <= 2, "{died:?}");
    assert!(fields >= 500, "{fields} fields only");
}
