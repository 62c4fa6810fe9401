//! One pixel, one column, one row, in every format that can hold them: made in every fit, or refused
//! in words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use imaging::{FaultCode, Fit, Format, Header, Made, Presets, Whole, Work};
use serde_json::Value;

use super::{draw, made::outcomes};
use crate::{oracle::python, report};

/// Every fit; and the picture as large as it is, which not every format can hold.
fn presets() -> Presets {
    let formats = "formats = ['png', 'jpeg', 'webp', 'gif', 'avif']";
    let mut text = format!("[variants.same]\nwidth = 65535\n{formats}\n");
    for (name, _) in Fit::ALL {
        for (more, enlarge) in [("", "false"), ("-larger", "true")] {
            write!(
                text,
                "[variants.{name}{more}]\nfit = '{name}'\nwidth = 50\nheight = 20\n\
                 enlarge = {enlarge}\nformats = ['png', 'jpeg']\n"
            )
            .unwrap();
        }
    }
    Presets::parse(&text).unwrap()
}

/// What may be refused, and is made nowhere: a side that the output's format cannot say.
fn cannot_hold(format: Format, width: u32, height: u32) -> bool {
    let most = match format {
        Format::WebP => 16_383,
        Format::Avif => 16_384,
        _ => 65_535,
    };
    width.max(height) > most
}

#[test]
fn the_least_and_the_longest_pictures_are_made_in_every_fit() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shapes");
    let names = python::run("imaging/every.py", &[Path::new("shapes"), &folder], &Value::Null);
    let names: Vec<String> = serde_json::from_value(names).unwrap();
    let presets = presets();
    let mut shapes: BTreeMap<Format, BTreeSet<(u32, u32)>> = BTreeMap::new();
    let (mut made, mut refused) = (0, 0);
    for name in &names {
        let file = fs::read(folder.join(name)).unwrap();
        let header = Header::parse(&file, Whole::Yes).unwrap_or_else(|e| panic!("{name}: {e}"));
        if header.format == Format::Heic && !cfg!(feature = "heic") {
            continue;
        }
        let (stem, _) = name.split_once('.').unwrap();
        assert_eq!(format!("{}x{}", header.width, header.height), stem, "{name}");
        shapes.entry(header.format).or_default().insert((header.width, header.height));
        let plan = presets.plan(&header);
        for (piece, result) in outcomes(&plan, &file, &header).0 {
            let Work::Variant(planned) = &piece.work else { continue };
            let (width, height) = (planned.width, planned.height);
            match result {
                Ok(Made::Variant { bytes, .. }) => {
                    let seen = draw::header(&bytes);
                    assert_eq!((seen.width, seen.height), (width, height), "{name} {}", piece.name);
                    made += 1;
                }
                Ok(Made::Derived { .. }) => panic!("a variant was planned"),
                Err(fault) => {
                    assert!(
                        cannot_hold(planned.format, width, height)
                            && fault.code == FaultCode::SideTooLong
                            && fault.detail.contains(&width.max(height).to_string()),
                        "{name} {}: {fault}",
                        piece.name
                    );
                    refused += 1;
                }
            }
        }
    }
    for (format, shapes) in &shapes {
        report::say("shapes", format_args!("{}: {shapes:?}", format.name()));
    }
    report::say("shapes", format_args!("{made} variants made, {refused} refused"));
    assert!(made > 500 && refused > 0);
    let longest = [(1, 20_000), (20_000, 1)];
    for format in Format::ALL {
        match format {
            Format::Heic if !cfg!(feature = "heic") => {}
            // A side that the format itself, or its only encoder, cannot say.
            Format::WebP => assert!(shapes[format].contains(&(1, 16_383))),
            Format::Heic => assert!(shapes[format].contains(&(1, 1))),
            _ => assert!(longest.iter().all(|shape| shapes[format].contains(shape)), "{format:?}"),
        }
    }
}
