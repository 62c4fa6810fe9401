//! Real and hostile files that nobody here made, where `DARKROOM_CORPUS` points to them.

use std::collections::BTreeMap;

use imaging::{
    Assets, FaultCode, Format, Header, HeaderError, Limits, Presets, Unlimited, Whole, open,
};

use crate::report;

/// Where our answer differs from Pillow's, and why.
const EXCEPTIONS: &[(&str, Option<FaultCode>, &str)] = &[
    ("jpeg/libjpeg-turbo__testimgari.jpg", Some(FaultCode::UnsupportedFormat), "arithmetic coding"),
    ("jpeg/imgproxy__test1.arith.jpg", Some(FaultCode::UnsupportedFormat), "arithmetic coding"),
    (
        "jpeg/zune-image__non_interleaved_420_64x64.jpg",
        Some(FaultCode::UnsupportedFormat),
        "a sequential scan for each component: zune-jpeg 0.5.15 loses some",
    ),
    (
        "jpeg/zune-image__non_interleaved_440_64x64.jpg",
        Some(FaultCode::UnsupportedFormat),
        "the same",
    ),
    (
        "hostile/Pillow__truncated_app14.jpg",
        Some(FaultCode::Damaged),
        "a segment shorter than its kind",
    ),
    (
        "hostile/Pillow__hopper_bad_exif.jpg",
        Some(FaultCode::Damaged),
        "impossible Huffman codes: libjpeg warns and fills up",
    ),
    ("hostile/jpeg-decoder__subtract-with-overflow.jpg", Some(FaultCode::Damaged), "the same"),
    (
        "hostile/image-png__x_interlaced_chck.png",
        Some(FaultCode::Damaged),
        "pngcheck: an error; Pillow ignores it",
    ),
    ("png/image-png__cicp_pq.png", None, "Pillow does not know the chunk"),
    (
        "hostile/Pillow__png_decompression_dos.png",
        None,
        "Pillow refuses a text chunk that is not read here",
    ),
    (
        "hostile/Pillow__unknown_compression_method.png",
        None,
        "the method of an iCCP chunk, which is not read here",
    ),
];

fn outcome(file: &[u8]) -> Result<(u32, u32), FaultCode> {
    let limits = Limits::default();
    limits.check_bytes(file.len() as u64).map_err(|fault| fault.code)?;
    let header = match Header::parse(file, Whole::Yes) {
        Ok(header) => header,
        Err(HeaderError::Fault(fault)) => return Err(fault.code),
        Err(HeaderError::NeedMore) => panic!("all of the file was given"),
    };
    let plan = Presets::built_in().plan(&header);
    limits.check_plan(&header, &plan).map_err(|fault| fault.code)?;
    let mut rows = open(file, &header, &limits).map_err(|fault| fault.code)?;
    let mut pieces = 0;
    plan.run(&mut *rows, Assets::NONE, &Unlimited, &mut |piece, result| {
        assert!(result.is_ok(), "{}: {result:?}", piece.name);
        pieces += 1;
    })
    .map_err(|fault| fault.code)?;
    assert_eq!(pieces, plan.pieces.len());
    Ok((header.width, header.height))
}

#[test]
fn the_corpus_is_read_as_its_manifest_says() {
    let Some(root) = report::corpus("files of the corpus as its manifest has them") else { return };
    let manifest = std::fs::read_to_string(root.join("manifest.tsv")).unwrap();
    let mut lines = manifest.lines();
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for line in lines {
        let fields: BTreeMap<&str, &str> = columns.iter().copied().zip(line.split('\t')).collect();
        let name = fields["name"];
        let Ok(file) = std::fs::read(root.join(name)) else { continue };
        if Format::sniff(&file).is_none() {
            assert!(outcome(&file).is_err(), "{name}");
            continue;
        }
        seen += 1;
        let answer = outcome(&file);
        let expected = EXCEPTIONS.iter().find(|(exception, ..)| *exception == name);
        let fine = match expected {
            Some((_, code, _)) => answer.err() == *code,
            None => answer.is_ok() == (fields["pil_decode"] == "ok"),
        };
        if !fine {
            wrong.push(format!("{name}: {answer:?}, Pillow says {}", fields["pil_decode"]));
        } else if let Ok((width, height)) = answer
            && fields["vips_size"] != format!("{width}x{height}")
            && fields["exiftool_size"] != format!("{width}x{height}")
        {
            wrong.push(format!("{name}: {width}x{height}, libvips says {}", fields["vips_size"]));
        }
    }
    assert!(seen > 200, "only {seen} JPEG and PNG files under {}", root.display());
    assert!(wrong.is_empty(), "{seen} files:\n{}", wrong.join("\n"));
    report::say("corpus", format_args!("{seen} JPEG and PNG files read as the manifest says"));
}
