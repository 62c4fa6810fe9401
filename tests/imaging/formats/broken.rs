//! Fixtures that were cut or changed: a fault, or a picture, and never the end of the process.

use super::*;

#[test]
fn cut_files_are_faults_or_whole_pictures() {
    for fixture in FIXTURES {
        let mut refused = 0;
        for share in 1..16 {
            let length = fixture.file.len() * share / 16;
            match exhaust(&fixture.file[..length]) {
                Ok(()) => {}
                Err(FaultCode::Truncated) => refused += 1,
                Err(FaultCode::Damaged | FaultCode::UnsupportedFormat) => refused += 1,
                Err(other) => panic!("{} of {length} bytes: {other:?}", fixture.name),
            }
        }
        assert!(refused >= 8, "{}: only {refused} of 15 cuts are seen", fixture.name);
    }
}

#[test]
fn flipped_bits_never_get_past_the_crate() {
    for fixture in FIXTURES.iter().chain([&Fixture {
        name: "plain.heic",
        file: HEIC,
        channels: Channels::Rgb,
        depth: Depth::Eight,
        tolerance: 0,
    }]) {
        let mut state = 1_u32;
        for _ in 0..120 {
            let mut broken = fixture.file.to_vec();
            for _ in 0..2 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % broken.len();
                broken[at] ^= 1 << (state >> 5 & 7);
            }
            let start = std::time::Instant::now();
            let _ = exhaust(&broken);
            assert!(start.elapsed().as_secs() < 10, "{}", fixture.name);
        }
    }
}

/// The decoder makes room for what the picture itself says, and limits know only the header.
#[test]
fn a_webp_that_gives_two_sizes_is_damaged_before_anything_is_decoded() {
    let mut larger = include_bytes!("../fixtures/alpha.webp").to_vec();
    assert_eq!(&larger[12..16], b"VP8X");
    larger[24] += 1;
    assert_eq!(super::header(&larger), Err(FaultCode::Damaged));

    let mut picture = include_bytes!("../fixtures/animated.webp").to_vec();
    let chunk = picture.windows(4).position(|kind| kind == b"ANMF").unwrap();
    picture[chunk + 8 + 6] -= 1;
    assert_eq!(exhaust(&picture), Err(FaultCode::Damaged));
}

/// Tools that take metadata out leave the flags behind.
#[test]
fn a_webp_that_announces_metadata_it_has_not_is_read() {
    let whole = include_bytes!("../fixtures/alpha.webp");
    let mut announced = whole.to_vec();
    announced[20] |= 0x0c;
    let pixels = |file: &[u8]| {
        let header = super::header(file).unwrap();
        samples(&mut *open(file, &header, &Limits::default()).unwrap())
    };
    assert_eq!(pixels(&announced), pixels(whole));
}
