//! Bytes that make no sense: some answer, never a panic, and no more work than was set as bounds.

use std::fs;

use metadata::Exposition;
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    build::{boxed, exif_segment, jpeg, png},
    containers::fixtures,
    exiftool::files,
    reading::{Cost, exposed},
};
use crate::{
    pipeline::draw::{self, Tag},
    report,
};

/// The bounds of `metadata::container::file`: read, never timed.
const MOST_READS: u64 = 256;
const MOST_BYTES: u64 = 64 << 20;

/// Reads bytes as a file, and holds every bound to what came of it.
fn judge(bytes: &[u8]) -> Cost {
    let (exposition, cost) = exposed(bytes);
    hold(&exposition, cost);
    cost
}

/// Every bound, whatever was read.
pub fn hold(exposition: &Exposition, cost: Cost) {
    assert!(cost.reads <= MOST_READS && cost.bytes <= MOST_BYTES, "{cost:?}");
    let fields = serde_json::to_vec(&exposition.fields).unwrap();
    assert!(fields.len() < 3_000, "{} bytes of fields", fields.len());
    if let Some(raw) = &exposition.raw {
        assert!((raw.len() as u64) < metadata::MOST_RAW, "{} bytes of raw metadata", raw.len());
        serde_json::from_slice::<serde_json::Value>(raw).unwrap();
    }
}

#[test]
fn every_beginning_of_every_fixture_is_read() {
    let mut read = 0;
    for bytes in fixtures().values() {
        for end in 0..bytes.len() {
            judge(&bytes[..end]);
            read += 1;
        }
    }
    report::say("metadata", format_args!("{read} beginnings of fixtures read, none with a panic"));
    assert!(read > 20_000);
}

/// What happens to a file: bytes are overwritten, a piece is repeated, the end is lost.
#[derive(Clone, Debug)]
struct Damage {
    overwritten: Vec<(Index, Vec<u8>)>,
    repeated: (Index, usize),
    end: Option<Index>,
}

impl Damage {
    fn to(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (at, with) in &self.overwritten {
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + with.len());
            bytes[at..end].copy_from_slice(&with[..end - at]);
        }
        let at = self.repeated.0.index(bytes.len());
        let piece = bytes[at..bytes.len().min(at + self.repeated.1)].to_vec();
        bytes.splice(at..at, piece);
        if let Some(end) = &self.end {
            bytes.truncate(end.index(bytes.len()));
        }
        bytes
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    // Lengths and counts break where they are nothing, or the most that they can be.
    let with = prop_oneof![
        vec(any::<u8>(), 1..5),
        (1_usize..9).prop_map(|length| vec![0xff; length]),
        (1_usize..9).prop_map(|length| vec![0; length]),
    ];
    (vec((any::<Index>(), with), 0..6), (any::<Index>(), 0_usize..60), any::<Option<Index>>())
        .prop_map(|(overwritten, repeated, end)| Damage { overwritten, repeated, end })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each case damages every fixture.
    #[test]
    fn damaged_fixtures_are_read_as_far_as_they_go(damage in damage()) {
        for bytes in fixtures().values() {
            judge(&damage.to(bytes));
        }
    }
}

/// Every file of the corpus, whole, cut off at eight places and damaged at eight.
#[test]
fn damaged_files_of_the_corpus_are_read_as_far_as_they_go() {
    const TEST: &str = "damaged files of the corpus";
    let Some(corpus) = report::corpus(TEST) else { return };
    let mut read = 0;
    let mut most = Cost::default();
    // A generator of our own (Knuth's MMIX), so that every run damages the same.
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    for path in files(&corpus) {
        let mut bytes = fs::read(&path).unwrap();
        let cost = judge(&bytes);
        most = Cost { reads: most.reads.max(cost.reads), bytes: most.bytes.max(cost.bytes) };
        for eighth in 0..8 {
            judge(&bytes[..bytes.len() * eighth / 8]);
        }
        // Metadata stands in front, nearly always.
        let front = bytes.len().min(8 << 10);
        for _ in 0..8 {
            let at = random(front);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = [0, 0xff, 0x80, u8::try_from(random(256)).unwrap()][random(4)];
            }
            judge(&bytes);
        }
        read += 17;
    }
    report::say(
        "metadata",
        format_args!(
            "{read} whole, cut and damaged files of the corpus read, none with a panic; of a whole \
             one at most {} bytes in {} reads",
            most.bytes, most.reads
        ),
    );
}

/// A block whose one directory points to thousands of others, which overlap.
fn nested() -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08".to_vec();
    let count = 2_700_u16;
    block.extend(count.to_be_bytes());
    for n in 0..u32::from(count) {
        // EXIF's directory, one long, and each time another place.
        block.extend([0x87, 0x69, 0, 4, 0, 0, 0, 1]);
        block.extend((32_500 + 2 * n).to_be_bytes());
    }
    // Wherever one of those begins, it has thousands of entries.
    block.extend([0x0a, 0x00].repeat(16_000));
    block
}

#[test]
fn directories_that_overlap_make_no_more_fields_than_there_are_entries_for() {
    let file = jpeg(&[exif_segment(&nested())]);
    judge(&file);
    let raw = super::reading::raw(&file);
    let kept: usize = ["ifd0", "exif"]
        .iter()
        .filter_map(|directory| raw["exif"][directory].as_object())
        .map(serde_json::Map::len)
        .sum();
    let left_out = raw["left_out"].as_u64().unwrap_or_default();
    assert!(kept as u64 + left_out <= 5_000, "{kept} and {left_out}");
}

#[test]
fn what_is_scattered_over_a_file_is_not_looked_for_without_end() {
    // Three hundred values, each two hundred kilobytes behind the last.
    let mut scattered = b"II*\0\x08\0\0\0".to_vec();
    scattered.extend(300_u16.to_le_bytes());
    for n in 0..300_u32 {
        scattered.extend([0x00, 0xa5, 2, 0, 10, 0, 0, 0]);
        scattered.extend((100_000 + n * 200_000).to_le_bytes());
    }
    scattered.resize(61 << 20, 0);
    assert_eq!(judge(&scattered).reads, MOST_READS);
    // Chunks and sub-blocks without end.
    let mut chunks = png(&[(b"IHDR", vec![0; 13])]);
    let chunk = &png(&[(b"IDAT", vec![0; 4_000])])[8..];
    chunks.extend(chunk.repeat(20_000));
    let mut blocks = b"GIF89a\0\0\0\0\0\0\0\x21\xff\x0bXMP DataXMP".to_vec();
    blocks.extend([255; 256].repeat(320_000));
    for endless in [chunks, blocks] {
        assert!(endless.len() as u64 > MOST_BYTES);
        let cost = judge(&endless);
        assert!(cost.bytes > MOST_BYTES / 2, "{cost:?}");
    }
    // A list of boxes that goes nowhere, and one that comes back.
    judge(&[boxed(*b"ftyp", b"heic"), boxed(*b"free", &[]).repeat(100_000)].concat());
    judge(b"\0\0\0\x0cftypheic\0\0\0\x01free\0\0\0\0\0\0\0\0");
}

#[test]
fn what_stands_behind_the_pixels_is_found_without_reading_them() {
    let block = || draw::tiff(&[(0x010f, Tag::Text(b"Maker\0"))], &[], &[]);
    let pixels = 20 << 20;
    let mut webp = b"RIFF\0\0\0\0WEBPVP8 ".to_vec();
    webp.extend((u32::try_from(pixels).unwrap()).to_le_bytes());
    webp.resize(webp.len() + pixels, 1);
    webp.extend(b"EXIF");
    webp.extend(u32::try_from(block().len()).unwrap().to_le_bytes());
    webp.extend(block());
    let mut tiff = b"MM\0*".to_vec();
    // The directory of a block whose offsets count from here, moved behind the pixels.
    tiff.extend(u32::try_from(8 + pixels).unwrap().to_be_bytes());
    tiff.resize(tiff.len() + pixels, 1);
    tiff.extend([0, 1, 1, 0x0f, 0, 2, 0, 0, 0, 6]);
    tiff.extend(u32::try_from(8 + pixels + 18).unwrap().to_be_bytes());
    tiff.extend(b"\0\0\0\0Maker\0");
    let jxl = [
        boxed(*b"JXL ", b"\r\n\x87\n"),
        boxed(*b"jxlc", &vec![1; pixels]),
        boxed(*b"Exif", &[&[0; 4], &block()[..]].concat()),
    ]
    .concat();
    let png = png(&[(b"IDAT", vec![1; pixels]), (b"eXIf", block())]);
    for (container, file) in [("WebP", webp), ("TIFF", tiff), ("JPEG XL", jxl), ("PNG", png)] {
        let made = exposed(&file).0.fields.camera.and_then(|camera| camera.make);
        assert_eq!(made.as_deref(), Some("Maker"), "{container}");
        let cost = judge(&file);
        assert!(cost.bytes < 300 << 10 && cost.reads <= 4, "{container}: {cost:?}");
    }
    let mut jpeg = jpeg(&[exif_segment(&block())]);
    jpeg.resize(pixels, 1);
    assert!(judge(&jpeg).bytes <= 128 << 10);
}
