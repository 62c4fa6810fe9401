//! What is read, and refused, before and instead of decoding.

use imaging::{
    Assets, Channels, FaultCode, Format, Header, HeaderError, Limits, Orientation, Presets,
    Unlimited, Whole, open,
};

use super::draw;

fn refused(file: &[u8]) -> FaultCode {
    match Header::parse(file, Whole::Yes) {
        Ok(header) => match open(file, &header, &Limits::default()) {
            Ok(mut rows) => {
                Presets::built_in()
                    .plan(&header)
                    .run(&mut *rows, Assets::NONE, &Unlimited, &mut |_, _| {})
                    .unwrap_err()
                    .code
            }
            Err(fault) => fault.code,
        },
        Err(HeaderError::Fault(fault)) => fault.code,
        Err(HeaderError::NeedMore) => panic!("all of the file was given"),
    }
}

/// A PNG's signature and header chunk, without the checksum's truth.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    file.extend(width.to_be_bytes());
    file.extend(height.to_be_bytes());
    file.extend(b"\x08\x02\0\0\0\0\0\0\0\0\0\0\0IDAT\0\0\0\0");
    file
}

#[test]
fn content_decides_the_format() {
    let picture = draw::photograph(8, 8);
    assert_eq!(Format::sniff(&draw::png(&picture)), Some(Format::Png));
    assert_eq!(Format::sniff(&draw::jpeg(&picture)), Some(Format::Jpeg));
    for other in [b"BMW is no bitmap".as_slice(), b"RIFF\0\0\0\0WAVE", b"<html/>", b"", b"\xff\xd8"]
    {
        assert_eq!(Format::sniff(other), None);
    }
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(*format));
        assert_eq!(format.extension(), format.name());
    }
}

#[test]
fn headers_agree_with_an_independent_reader() {
    for (width, height) in [(1, 1), (3, 700), (640, 480)] {
        let picture = draw::translucent(width, height);
        for file in [draw::png(&picture), draw::jpeg(&picture)] {
            let seen = image::load_from_memory(&file).unwrap();
            let header = draw::header(&file);
            assert_eq!((header.width, header.height), (seen.width(), seen.height()));
            assert_eq!(header.channels.has_alpha(), seen.color().has_alpha());
            assert_eq!((header.depth, header.frames), (8, 1));
        }
    }
    let grey = draw::png(&image::DynamicImage::new_luma16(5, 4));
    let header = draw::header(&grey);
    assert_eq!((header.channels, header.depth), (Channels::Grey, 16));
}

#[test]
fn every_shorter_head_asks_for_more_or_says_the_same() {
    let picture = draw::photograph(40, 30);
    for file in [draw::png(&picture), draw::oriented(&draw::jpeg(&picture), 6)] {
        let all = draw::header(&file);
        let mut enough = 0;
        for length in 0..file.len() {
            match Header::parse(&file[..length], Whole::No) {
                Ok(header) => {
                    assert_eq!(header, all);
                    enough += 1;
                }
                Err(HeaderError::NeedMore) => assert_eq!(enough, 0, "at {length}"),
                Err(HeaderError::Fault(fault)) => panic!("at {length}: {fault}"),
            }
        }
        assert!(enough > 0);
    }
}

#[test]
fn claims_are_refused_before_decoding() {
    assert_eq!(refused(&claims(100_000, 100_000)), FaultCode::SideTooLong);
    assert_eq!(refused(&claims(60_000, 60_000)), FaultCode::TooManyPixels);
    assert_eq!(refused(&claims(0, 3)), FaultCode::Damaged);
    assert_eq!(refused(&claims(u32::MAX, u32::MAX)), FaultCode::Damaged);

    let file = draw::png(&draw::photograph(50, 40));
    let header = draw::header(&file);
    let limits = Limits::default();
    let refuse = |limits: Limits| open(&file, &header, &limits).err().map(|fault| fault.code);
    assert_eq!(refuse(limits.clone()), None);
    assert_eq!(refuse(Limits { pixels: 2_000, ..limits.clone() }), None);
    assert_eq!(refuse(Limits { pixels: 1_999, ..limits.clone() }), Some(FaultCode::TooManyPixels));
    assert_eq!(refuse(Limits { side: 49, ..limits.clone() }), Some(FaultCode::SideTooLong));
    assert_eq!(refuse(Limits { bytes: 99, ..limits.clone() }), Some(FaultCode::TooLarge));
    assert_eq!(refuse(Limits { memory: 99, ..limits.clone() }), Some(FaultCode::TooMuchMemory));
    let frames = Header { frames: 1_001, ..header.clone() };
    assert_eq!(limits.check(&frames).unwrap_err().code, FaultCode::TooManyFrames);
    let plan = Presets::built_in().plan(&header);
    assert!(limits.check_plan(&header, &plan).is_ok());
    let tight = Limits { memory: plan.memory(&header) - 1, ..limits };
    assert_eq!(tight.check_plan(&header, &plan).unwrap_err().code, FaultCode::TooMuchMemory);
}

#[test]
fn an_animation_counts_every_pixel_that_is_read_and_written() {
    let header = Header {
        width: 100,
        height: 100,
        frames: 10,
        ..draw::header(&draw::png(&draw::photograph(50, 40)))
    };
    let plan = |animation: &str| {
        let text = format!(
            "[variants.a]\nwidth = 50\nanimation = \"{animation}\"\nformats = [\"gif\", \"webp\"]"
        );
        Presets::parse(&text).unwrap().plan(&header)
    };
    // 10 frames of 100×100, and twice of 50×50.
    let limits = |motion| Limits { motion, ..Limits::default() };
    let refused = |motion| limits(motion).check_plan(&header, &plan("keep")).err();
    assert_eq!(refused(150_000), None);
    let fault = refused(149_999).unwrap();
    assert_eq!(fault.code, FaultCode::TooManyFrames);
    assert!(fault.detail.contains("150000"), "{fault}");
    assert_eq!(limits(0).check_plan(&header, &plan("first")), Ok(()));
}

#[test]
fn a_cut_file_is_truncated_wherever_it_is_cut() {
    let picture = draw::photograph(200, 150);
    for file in [draw::jpeg(&picture), draw::png(&picture)] {
        for share in 1..20 {
            let length = file.len() * share / 20;
            assert_eq!(refused(&file[..length]), FaultCode::Truncated, "{length} bytes");
        }
    }
    let jpeg = draw::jpeg(&picture);
    assert_eq!(refused(&jpeg[..jpeg.len() - 2]), FaultCode::Truncated);
}

#[test]
fn damage_is_named_as_such() {
    let mut png = draw::png(&draw::photograph(64, 64));
    let middle = png.len() / 2;
    png[middle] ^= 0x55;
    assert_eq!(refused(&png), FaultCode::Damaged);
    assert_eq!(refused(b""), FaultCode::Empty);
    assert_eq!(refused(b"%PDF-1.7 is a document"), FaultCode::UnsupportedFormat);
    assert_eq!(refused(b"GIF89a\x01\0\x01\0"), FaultCode::Truncated);
    assert_eq!(refused(b"\xff\xd8\xff\xd9"), FaultCode::Damaged);
}

#[test]
fn garbage_never_panics() {
    let picture = draw::photograph(48, 40);
    for file in [draw::png(&picture), draw::oriented(&draw::jpeg(&picture), 3)] {
        let mut state = 1_u32;
        for _ in 0..2_000 {
            let mut broken = file.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = state as usize % broken.len().min(700);
                broken[at] = (state >> 24) as u8;
            }
            let Ok(header) = Header::parse(&broken, Whole::Yes) else { continue };
            if let Ok(mut rows) =
                open(&broken, &header, &Limits { pixels: 1_000_000, ..Limits::default() })
            {
                let _ = Presets::built_in().plan(&header).run(
                    &mut *rows,
                    Assets::NONE,
                    &Unlimited,
                    &mut |_, _| {},
                );
            }
        }
    }
}

#[test]
fn odd_exif_is_no_orientation() {
    let jpeg = draw::jpeg(&draw::photograph(9, 9));
    for (number, wanted) in [(0, 1), (1, 1), (5, 5), (8, 8), (9, 1), (255, 1)] {
        let header = draw::header(&draw::oriented(&jpeg, number));
        assert_eq!(header.orientation, Orientation::from_exif(wanted).unwrap());
    }
}
