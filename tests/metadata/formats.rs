//! What single formats do that no fixture shows: other ways to keep a block, and several of them.

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use serde_json::json;

use super::{
    build::{
        APP1, boxed, boxes, exif_segment, iptc, jpeg, photoshop_segment, png, resources_of, xmp,
        xmp_segment,
    },
    reading::{exposed, raw},
};
use crate::pipeline::draw::{self, Tag};

/// An EXIF block whose maker is this.
fn block(make: &'static [u8]) -> Vec<u8> {
    draw::tiff(&[(0x010f, Tag::Text(make))], &[], &[])
}

fn make(bytes: &[u8]) -> Option<String> {
    exposed(bytes).0.fields.camera.and_then(|camera| camera.make)
}

#[expect(clippy::unnecessary_wraps, reason = "what is found is compared with an option")]
fn found(make: &str) -> Option<String> {
    Some(make.to_owned())
}

#[test]
fn in_jpeg_the_first_block_counts_and_may_go_on() {
    let one = exif_segment(&block(b"One\0"));
    assert_eq!(make(&jpeg(&[one.clone(), exif_segment(&block(b"Two\0"))])), found("One"));
    assert_eq!(make(&jpeg(&[(APP1, b"Exif\0".to_vec()), one])), found("One"));
    let whole = block(b"A maker whose name is long enough\0");
    let (begin, end) = whole.split_at(whole.len() - 10);
    assert_eq!(
        make(&jpeg(&[exif_segment(begin), exif_segment(end)])),
        found("A maker whose name is long enough")
    );
    // Fill bytes stand before a marker, and nothing is looked for behind the picture's beginning.
    let mut filled = jpeg(&[exif_segment(&block(b"One\0"))]);
    filled.splice(2..2, [0xff; 5]);
    assert_eq!(make(&filled), found("One"));
    let behind = jpeg(&[(0xda, vec![0; 10]), exif_segment(&block(b"One\0"))]);
    assert_eq!(make(&behind), None);
    let packets = [xmp("<dc:format>1</dc:format>"), xmp("<dc:format>2</dc:format>")];
    let both: Vec<_> = packets.iter().map(|packet| xmp_segment(packet)).collect();
    assert_eq!(raw(&jpeg(&both))["xmp"]["dc:format"], "1");
    assert_eq!(raw(&jpeg(&[(0xfe, b"Hello\0".to_vec())]))["text"]["comment"], "Hello\0");
}

#[test]
fn photoshops_resources_may_span_segments_and_hold_anything() {
    let sets = iptc(&[(1, 90, b"\x1b%G"), (2, 5, "Früh".as_bytes()), (2, 200, &[0, 1].repeat(50))]);
    let (id, all) = photoshop_segment(&[(0x03ed, &[1, 2, 3]), (0x0404, &sets), (0x0425, &[0; 16])]);
    let (begin, end) = all[14..].split_at(40);
    let parts = [begin, end].map(|part| (id, [b"Photoshop 3.0\0", part].concat()));
    let raw = raw(&jpeg(&parts));
    assert_eq!(raw["iptc"]["ObjectName"], "Früh");
    assert_eq!(raw["iptc"]["2:200"], json!({"bytes": 100}));
    // A charset that is named is taken, and one that is not is none.
    let title = |sets: &[(u8, u8, &[u8])]| {
        exposed(&jpeg(&[photoshop_segment(&[(0x0404, &iptc(sets))])])).0.fields.title
    };
    assert_eq!(title(&[(1, 90, b"\x1b.A"), (2, 5, b"Fr\xfch")]), found("Früh"));
    assert_eq!(title(&[(2, 5, "Früh".as_bytes())]), found("Früh"));
    assert_eq!(title(&[(2, 5, b"Fr\xfch")]), found("Fr\u{fffd}h"), "Latin-1 is a guess");
    assert_eq!(title(&[(3, 5, b"Not this record")]), None);
    // A length of its own, and moments that are none.
    let long = [&[0x1c, 2, 5, 0x80, 4, 0, 0, 0, 5][..], b"Hafen"].concat();
    let segment = photoshop_segment(&[(0x0404, &long)]);
    assert_eq!(exposed(&jpeg(&[segment])).0.fields.title, found("Hafen"));
    let taken = |date: &[u8], time: &[u8]| {
        let sets = iptc(&[(2, 55, date), (2, 60, time)]);
        exposed(&jpeg(&[photoshop_segment(&[(0x0404, &sets)])])).0.fields.taken_at
    };
    assert_eq!(taken(b"20190301", b"123456"), found("2019-03-01T12:34:56"));
    assert_eq!(taken(b"20190301", b"123456-0330"), found("2019-03-01T12:34:56-03:30"));
    for never in [("20190301", ""), ("20190001", "123456"), ("2019031", "123456"), ("", "x")] {
        assert_eq!(taken(never.0.as_bytes(), never.1.as_bytes()), None, "{never:?}");
    }
}

/// How a text is kept under a keyword: a kind of chunk, and its data.
type Kind = fn(&str, &[u8]) -> (&'static [u8; 4], Vec<u8>);

/// As ImageMagick writes it: a name, a number of bytes, and lines of 72 digits.
fn raw_profile(name: &str, block: &[u8]) -> Vec<u8> {
    let digits = hex::encode(block);
    let lines: Vec<&str> =
        digits.as_bytes().chunks(72).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("\n{name}\n{:8}\n{}\n", block.len(), lines.join("\n")).into_bytes()
}

fn text(keyword: &str, text: &[u8]) -> (&'static [u8; 4], Vec<u8>) {
    (b"tEXt", [keyword.as_bytes(), &[0], text].concat())
}

fn compressed(keyword: &str, text: &[u8]) -> (&'static [u8; 4], Vec<u8>) {
    (b"zTXt", [keyword.as_bytes(), &[0, 0], &compress_to_vec_zlib(text, 6)].concat())
}

fn international(keyword: &str, text: &[u8]) -> (&'static [u8; 4], Vec<u8>) {
    let text = compress_to_vec_zlib(text, 6);
    (b"iTXt", [keyword.as_bytes(), b"\0\x01\0de\0Schl\xc3\xbcssel\0", &text].concat())
}

#[test]
fn png_keeps_raw_profiles_in_any_kind_of_text() {
    let prefixed = [b"Exif\0\0", &block(b"One\0")[..]].concat();
    let packet = xmp("<dc:format>image/png</dc:format>");
    let of_jpeg = [b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat();
    let sets = iptc(&[(2, 5, b"Hafen")]);
    for kind in [text as Kind, compressed, international] {
        let with = |name: &str, block: &[u8]| {
            let chunk = kind(&format!("Raw profile type {name}"), &raw_profile(name, block));
            png(&[chunk, (b"IEND", Vec::new())])
        };
        assert_eq!(make(&with("exif", &prefixed)), found("One"));
        assert_eq!(make(&with("exif", &block(b"One\0"))), found("One"));
        assert_eq!(make(&with("APP1", &prefixed)), found("One"));
        assert_eq!(raw(&with("APP1", &of_jpeg))["xmp"]["dc:format"], "image/png");
        assert_eq!(raw(&with("xmp", packet.as_bytes()))["xmp"]["dc:format"], "image/png");
        assert_eq!(raw(&with("iptc", &sets))["iptc"]["ObjectName"], "Hafen");
        let resources = resources_of(&[(0x0404, &sets)]);
        assert_eq!(raw(&with("iptc", &resources))["iptc"]["ObjectName"], "Hafen");
        assert_eq!(raw(&with("icc", &sets)), json!(null));
    }
    let broken = text("Raw profile type exif", b"\nexif\n 900\n00ff");
    assert_eq!(raw(&png(&[broken])), json!(null));
    // Before a profile comes the chunk made for it, where it comes first.
    let both = [
        (b"eXIf", block(b"Two\0")),
        text("Raw profile type exif", &raw_profile("exif", &prefixed)),
    ];
    assert_eq!(make(&png(&both)), found("Two"));
    // The prefix should not be there and is.
    assert_eq!(make(&png(&[(b"eXIf", prefixed)])), found("One"));
}

#[test]
fn png_texts_are_of_their_charset_and_under_a_bound() {
    let title = |chunk| exposed(&png(&[chunk])).0.fields.title;
    assert_eq!(title(text("Title", b"Fr\xfch")), found("Früh"), "Latin-1 by the standard");
    assert_eq!(title(compressed("Title", b"Fr\xfch")), found("Früh"));
    assert_eq!(title(international("Title", "Früh".as_bytes())), found("Früh"));
    let taken = |text: &str| {
        exposed(&png(&[self::text("Creation Time", text.as_bytes())])).0.fields.taken_at
    };
    assert_eq!(taken("2019-03-01T12:34:56+02:00"), found("2019-03-01T12:34:56+02:00"));
    assert_eq!(taken("Fri, 01 Mar 2019 12:34:56 -0330"), found("2019-03-01T12:34:56-03:30"));
    assert_eq!(taken("2019:03:01 12:34:56"), found("2019-03-01T12:34:56"));
    assert_eq!(taken("in spring"), None);
    // A kilobyte that becomes sixteen megabytes, a hundred times.
    let bomb = compressed("Title", &vec![b'x'; 16 << 20]);
    let behind = text("Author", b"Ada");
    let all: Vec<_> = std::iter::repeat_n(bomb, 100).chain([behind]).collect();
    let found = exposed(&png(&all)).0.fields;
    assert_eq!((found.title, found.creator.as_deref()), (None, Some("Ada")));
    // More texts than any file has.
    let many: Vec<_> = (0..1_000).map(|n| text(&format!("Key {n}"), b"x")).collect();
    assert_eq!(raw(&png(&many))["text"].as_object().unwrap().len(), 64);
}

/// The tables of a HEIF file: items of (identifier, type), what they describe, and where each lies.
fn heif(items: &[(u16, &[u8])], describes: &[(u16, u16)], places: &[u8], data: &[u8]) -> Vec<u8> {
    let entry = |(id, kind): &(u16, &[u8])| {
        boxed(*b"infe", &[&[2, 0, 0, 0], &id.to_be_bytes()[..], &[0, 0], kind].concat())
    };
    let count = u16::try_from(items.len()).unwrap().to_be_bytes();
    let entries = boxes(&items.iter().map(entry).collect::<Vec<_>>());
    let references: Vec<_> = describes
        .iter()
        .map(|(from, to)| boxed(*b"cdsc", &[from.to_be_bytes(), [0, 1], to.to_be_bytes()].concat()))
        .collect();
    let meta = [
        vec![0; 4],
        boxed(*b"pitm", &[0, 0, 0, 0, 0, 9]),
        boxed(*b"iinf", &[&[0; 4], &count[..], &entries].concat()),
        boxed(*b"iref", &[vec![0; 4], boxes(&references)].concat()),
        boxed(*b"iloc", places),
        boxed(*b"idat", data),
    ];
    [boxed(*b"ftyp", b"heic\0\0\0\0mif1heic"), boxed(*b"meta", &meta.concat())].concat()
}

#[test]
fn heif_items_lie_in_the_file_or_beside_their_tables() {
    let exif = |make| [&[0; 4], &block(make)[..]].concat();
    let (one, two) = (exif(b"One\0"), exif(b"Two\0"));
    let short = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    // Version 1 with numbers of two bytes: identifier, method, this file, one or two extents.
    let place = |id: u16, method: u16, extents: &[(usize, usize)]| {
        let mut bytes = [id, method, 0].map(u16::to_be_bytes).concat();
        bytes.extend(short(extents.len()));
        bytes.extend(extents.iter().flat_map(|&(at, length)| [short(at), short(length)]).flatten());
        bytes
    };
    let locations = |places: &[Vec<u8>]| {
        [&[1, 0, 0, 0, 0x22, 0][..], &short(places.len()), &places.concat()].concat()
    };
    let data = [one.clone(), two.clone()].concat();
    let all = [(1, &b"Exif\0"[..]), (2, b"Exif\0")];
    let within = locations(&[
        place(1, 1, &[(0, one.len())]),
        place(2, 1, &[(one.len(), 10), (one.len() + 10, two.len() - 10)]),
    ]);
    // The one that describes the primary picture; without any, the first.
    assert_eq!(make(&heif(&all, &[(1, 8), (2, 9)], &within, &data)), found("Two"));
    assert_eq!(make(&heif(&all, &[], &within, &data)), found("One"));
    // To the end, from another file, and from nowhere.
    let to_the_end = locations(&[place(1, 1, &[(one.len(), 0)])]);
    assert_eq!(make(&heif(&all[..1], &[], &to_the_end, &data)), found("Two"));
    let mut elsewhere = locations(&[place(1, 1, &[(0, one.len())])]);
    elsewhere[13] = 1;
    assert_eq!(make(&heif(&all[..1], &[], &elsewhere, &data)), None);
    let outside = locations(&[place(1, 1, &[(1, data.len())])]);
    assert_eq!(make(&heif(&all[..1], &[], &outside, &data)), None);
    // In the file, behind the tables.
    let places = |at| locations(&[place(1, 0, &[(at, one.len())])]);
    let at = heif(&all[..1], &[], &places(0), &[]).len() + 8;
    let file = [heif(&all[..1], &[], &places(at), &[]), boxed(*b"mdat", &one)].concat();
    assert_eq!(make(&file), found("One"));
    // XMP is told by its type, and only where it is not encoded further.
    let packet = xmp("<dc:format>image/heic</dc:format>");
    let here = locations(&[place(1, 1, &[(0, packet.len())])]);
    let with = |kind: &[u8]| raw(&heif(&[(1, kind)], &[], &here, packet.as_bytes()));
    assert_eq!(with(b"mime\0application/rdf+xml\0")["xmp"]["dc:format"], "image/heic");
    assert_eq!(with(b"mimeXMP\0application/rdf+xml\0\0")["xmp"]["dc:format"], "image/heic");
    assert_eq!(with(b"mime\0application/rdf+xml\0deflate\0"), json!(null));
    assert_eq!(with(b"mime\0text/plain\0"), json!(null));
}

/// A Brotli stream of one block that is not compressed (RFC 7932, 9.2).
fn stored(data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() - 1).unwrap();
    let head = (length << 4 | 1 << 20).to_le_bytes();
    [&head[..3], data, &[3]].concat()
}

#[test]
fn jpeg_xl_boxes_may_be_compressed() {
    let file = |all: &[Vec<u8>]| {
        let signature = boxed(*b"JXL ", b"\r\n\x87\n");
        [signature, boxed(*b"ftyp", b"jxl \0\0\0\0jxl "), boxes(all)].concat()
    };
    let exif = [&[0; 4], &block(b"One\0")[..]].concat();
    let brob = |kind: &[u8; 4], content: &[u8]| boxed(*b"brob", &[kind, content].concat());
    assert_eq!(make(&file(&[boxed(*b"Exif", &exif)])), found("One"));
    assert_eq!(make(&file(&[brob(b"Exif", &stored(&exif))])), found("One"));
    let packet = xmp("<dc:format>image/jxl</dc:format>");
    let compressed = brob(b"xml ", &stored(packet.as_bytes()));
    assert_eq!(raw(&file(&[compressed]))["xmp"]["dc:format"], "image/jxl");
    // The structure may begin later; and a stream that breaks off is none.
    let later = [&[0, 0, 0, 3, 7, 7, 7], &block(b"One\0")[..]].concat();
    assert_eq!(make(&file(&[boxed(*b"Exif", &later)])), found("One"));
    assert_eq!(make(&file(&[boxed(*b"Exif", &[0, 0, 0, 9, 1])])), None);
    let whole = stored(&exif);
    assert_eq!(make(&file(&[brob(b"Exif", &whole[..whole.len() - 5])])), None);
    // A stream of five bytes that asks for a window of a gigabyte gets none.
    assert_eq!(make(&file(&[brob(b"Exif", &[0x11, 0x1e, 0xff, 0xff, 0xff])])), None);
}

#[test]
fn svg_says_what_its_root_is_titled() {
    let svg = |inside: &str| {
        format!(
            "<?xml version='1.0'?><!-- drawn --><svg xmlns='http://www.w3.org/2000/svg' \
             xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
             xmlns:dc='http://purl.org/dc/elements/1.1/'>{inside}</svg>"
        )
    };
    let document = svg("<title>Hafen &amp; Meer</title><desc>Früh</desc><g><title>No</title></g>\
                        <metadata><rdf:RDF><rdf:Description dc:format='image/svg+xml'/></rdf:RDF>\
                        </metadata>");
    let fields = exposed(document.as_bytes()).0.fields;
    assert_eq!((fields.title, fields.description), (found("Hafen & Meer"), found("Früh")));
    assert_eq!(raw(document.as_bytes())["xmp"]["dc:format"], "image/svg+xml");
    assert_eq!(exposed(svg("<g><title>No</title></g>").as_bytes()).0.fields.title, None);
    let zip = |flags: u8, name: &[u8], document: &str| {
        let deflated = compress_to_vec(document.as_bytes(), 6);
        [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3], name, &deflated, &[0; 8]].concat()
    };
    for zipped in [zip(0, b"", &document), zip(8, b"a.svg\0", &document)] {
        assert_eq!(exposed(&zipped).0.fields.title, found("Hafen & Meer"));
    }
    // Of a document without end the beginning is read.
    let endless = svg(&format!("<title>Hafen</title>{}", " ".repeat(16 << 20)));
    assert_eq!(exposed(&zip(0, b"", &endless)).0.fields.title, found("Hafen"));
}
