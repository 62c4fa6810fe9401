//! No variant says where a picture was taken, by whom, or with what: `private.py` hides positions,
//! notes of the maker and a marker in every kind of source; exiftool and a search of the bytes find
//! them there, and nowhere else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use imaging::Format;
use serde_json::{Map, Value};

use super::draw;
use crate::{
    oracle::python,
    report::{self, Lack},
};

const TEST: &str = "what variants say";

/// Every way to write, as far as it may treat what stands beside the pixels differently.
const PRESETS: &str = "
[variants.still]
width = 24
formats = ['jpeg', 'png', 'webp', 'gif', 'avif']
[variants.same]
width = 999
formats = ['jpeg', 'png', 'webp', 'gif', 'avif']
[variants.small]
width = 20
formats = ['png']
palette = true
[variants.exact]
width = 20
formats = ['webp']
lossless = true
[variants.moving]
width = 22
animation = 'keep'
formats = ['gif', 'webp']
[variants.colours]
width = 26
color = 'keep'
formats = ['jpeg', 'png', 'webp']
";

/// What exiftool may find: facts of containers and codecs, and of colour.
const ALLOWED: [&str; 9] = [
    "SourceFile",
    "ExifTool:",
    "File:",
    "JFIF:",
    "PNG:",
    "RIFF:",
    "GIF:",
    "QuickTime:",
    "ICC_Profile:",
];

/// The marker, as text in every width, and as raw profiles have it; the position as rationals in
/// both orders, and as texts.
fn needles() -> Vec<(&'static str, Vec<u8>)> {
    let marker = "wHeReIwAs-7731";
    let hex = |text: &str| hex::encode(text).into_bytes();
    let wide = |to: fn(u16) -> [u8; 2]| marker.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let mut all = vec![
        ("marker", marker.as_bytes().to_vec()),
        ("marker, UTF-16LE", wide(u16::to_le_bytes)),
        ("marker, UTF-16BE", wide(u16::to_be_bytes)),
        ("marker, in hexadecimal", hex(marker)),
    ];
    for (name, degrees, texts) in [
        ("latitude", 473_769_013_u32, ["47.3769", "47,22.6", "47 deg"]),
        ("longitude", 85_417_937, ["8.54179", "8,32.5", "8 deg 32"]),
    ] {
        let order = |to: fn(u32) -> [u8; 4]| [to(degrees), to(10_000_000)].concat();
        all.push((name, order(u32::to_le_bytes)));
        all.push((name, order(u32::to_be_bytes)));
        all.push((name, hex::encode(order(u32::to_le_bytes)).into_bytes()));
        all.extend(texts.map(|text| (name, text.as_bytes().to_vec())));
    }
    all
}

/// What files of a folder give away, by name; `None` without exiftool.
fn leaks(folder: &Path) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let arguments = ["-config", "", "-q", "-json", "-G0:1", "-a", "-u", "-ee", "-struct"];
    let output = Command::new("exiftool").args(arguments).arg(folder).output().ok()?;
    let tags: Vec<Map<String, Value>> = serde_json::from_slice(&output.stdout).unwrap();
    let needles = needles();
    let mut leaks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for tags in tags {
        let path = PathBuf::from(tags["SourceFile"].as_str().unwrap());
        let file = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let found = leaks.entry(name).or_default();
        found.extend(
            tags.iter().filter(|(tag, value)| tells(tag, value)).map(|(tag, _)| tag.clone()),
        );
        let has = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
        found.extend(
            needles.iter().filter(|(_, n)| has(n)).map(|(name, _)| format!("bytes:{name}")),
        );
    }
    Some(leaks)
}

/// Whether a tag tells more than how its file is to be shown.
fn tells(tag: &str, value: &Value) -> bool {
    let derived = tag == "Composite:ImageSize" || tag == "Composite:Megapixels";
    let known = ALLOWED.iter().any(|group| tag.starts_with(group)) || derived;
    let words =
        ["GPS", "Comment", "Title", "Author", "Artist", "Owner", "Caption", "Warning", "Error"];
    let spoken = words.iter().any(|word| tag.contains(word));
    !known || spoken || value.to_string().contains("wHeReIwAs")
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("privacy").join(name)
}

/// The seeds, made once, with what each must be found to hold.
fn seeds() -> &'static BTreeMap<String, BTreeSet<String>> {
    static MADE: OnceLock<BTreeMap<String, BTreeSet<String>>> = OnceLock::new();
    MADE.get_or_init(|| {
        let found = python::run("imaging/private.py", &[&folder("sources")], &Value::Null);
        serde_json::from_value(found).unwrap()
    })
}

/// Whether a leak is of a kind.
fn is(leak: &str, kind: &str) -> bool {
    match kind {
        "exif" => leak.starts_with("EXIF:"),
        "gps" => leak.contains("GPSLatitude"),
        "maker" => leak.starts_with("MakerNotes:"),
        "xmp" => leak.starts_with("XMP:"),
        "iptc" => leak.starts_with("IPTC:"),
        _ => leak.starts_with("bytes:"),
    }
}

/// All variants of a file, by the name of the piece.
fn variants(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (made, _) = super::made::variants(PRESETS, file, &draw::header(file));
    made.into_iter().map(|(piece, bytes)| (piece.name, bytes)).collect()
}

#[test]
fn nothing_but_the_picture_goes_out() {
    let (sources, made) = (folder("sources"), folder("made"));
    let seeds = seeds();
    let Some(held) = leaks(&sources) else {
        return report::not_run(TEST, Lack::Tool("exiftool", "libimage-exiftool-perl"));
    };
    for (name, kinds) in seeds {
        for kind in kinds {
            let found = held[name].iter().any(|leak| is(leak, kind));
            assert!(found, "{name} should hold {kind}, so that it can be lost: {:?}", held[name]);
        }
    }
    let _ = fs::remove_dir_all(&made);
    fs::create_dir_all(&made).unwrap();
    let mut formats = BTreeSet::new();
    for name in seeds.keys() {
        let file = fs::read(sources.join(name)).unwrap();
        let format = Format::sniff(&file).unwrap();
        if format == Format::Heic && !cfg!(feature = "heic") {
            continue;
        }
        formats.insert(format);
        for (piece, bytes) in variants(&file) {
            fs::write(made.join(format!("{name}-{piece}")), bytes).unwrap();
        }
    }
    let found = leaks(&made).unwrap();
    let written = fs::read_dir(&made).unwrap().count();
    let leaking: Vec<_> = found.iter().filter(|(_, leaks)| !leaks.is_empty()).collect();
    assert!(leaking.is_empty(), "{leaking:#?}");
    assert_eq!(found.len(), written, "exiftool looked at every file");
    let read = Format::ALL.len() - usize::from(!cfg!(feature = "heic"));
    assert!(formats.len() == read && written > 300, "{formats:?}: {written} files");
    report::say(
        "privacy",
        format_args!("{} sources that tell, {written} variants that do not", seeds.len()),
    );
}

#[test]
fn a_variant_that_takes_its_sources_exif_along_is_found_out() {
    let (sources, made) = (folder("sources"), folder("leaking"));
    let _ = seeds();
    let file = fs::read(sources.join("plain.png")).unwrap();
    let block = fs::read(sources.parent().unwrap().join("block.tif")).unwrap();
    let _ = fs::remove_dir_all(&made);
    fs::create_dir_all(&made).unwrap();
    let mut names = Vec::new();
    for (piece, bytes) in variants(&file) {
        let name = format!("leak-{piece}");
        fs::write(made.join(&name), with_exif(&bytes, &block)).unwrap();
        names.push(name);
    }
    let Some(found) = leaks(&made) else {
        return report::not_run(TEST, Lack::Tool("exiftool", "libimage-exiftool-perl"));
    };
    for name in names {
        let leaks = &found[&name];
        for needle in ["bytes:marker", "bytes:latitude", "bytes:longitude"] {
            assert!(leaks.contains(needle), "{name}: {leaks:?}");
        }
        // What stands in a place of its own is found by exiftool, too.
        let own = name.ends_with("jpeg") || name.ends_with("png") || name.ends_with("webp");
        assert!(
            !own || ["gps", "maker"].iter().all(|kind| leaks.iter().any(|l| is(l, kind))),
            "{name}: {leaks:?}"
        );
    }
}

/// What a careless encoder would do: the block where each format has it, or in a comment.
fn with_exif(file: &[u8], block: &[u8]) -> Vec<u8> {
    let long = |length: usize| u32::try_from(length).unwrap();
    match Format::sniff(file).unwrap() {
        Format::Jpeg => {
            let body = [b"Exif\0\0", block].concat();
            let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
            [&file[..2], b"\xff\xe1", &length, &body, &file[2..]].concat()
        }
        Format::Png => {
            let body = [b"eXIf", block].concat();
            let sum = crate::fuzz::damage::crc32(&body).to_be_bytes();
            [&file[..33], &long(block.len()).to_be_bytes(), &body, &sum, &file[33..]].concat()
        }
        Format::WebP => {
            let mut file = [file, b"EXIF", &long(block.len()).to_le_bytes(), block].concat();
            file.resize(file.len().next_multiple_of(2), 0);
            let length = long(file.len() - 8).to_le_bytes();
            file[4..8].copy_from_slice(&length);
            file
        }
        Format::Gif => {
            let (end, rest) = file.split_last().unwrap();
            let mut file = [rest, b"\x21\xfe"].concat();
            for part in block.chunks(255) {
                file.push(u8::try_from(part.len()).unwrap());
                file.extend(part);
            }
            file.extend([0, *end]);
            file
        }
        _ => [file, &long(block.len() + 8).to_be_bytes(), b"free", block].concat(),
    }
}
