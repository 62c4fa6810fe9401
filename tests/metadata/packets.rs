//! XMP in all the forms that RDF allows it, and some that nobody should send.

use serde_json::json;

use super::{
    build::{APP1, jpeg, xmp, xmp_segment},
    reading::{exposed, raw},
};

/// What a packet says, by path.
fn said(packet: &str) -> serde_json::Value {
    raw(&jpeg(&[xmp_segment(packet)]))["xmp"].clone()
}

#[test]
fn every_form_of_a_property_is_read() {
    assert_eq!(said(&xmp("<dc:format>image/png</dc:format>")), json!({"dc:format": "image/png"}));
    let short = xmp("").replace("rdf:about=''", "rdf:about='' dc:format='image/png'");
    // A prefix counts for the element that binds it, wherever in it that is done.
    assert_eq!(said(&short), json!({"dc:format": "image/png"}));
    let structure = json!({"exif:Flash/exif:Fired": "True", "exif:Flash/exif:Mode": "1"});
    for form in [
        "<exif:Flash rdf:parseType='Resource'><exif:Fired>True</exif:Fired>\
         <exif:Mode>1</exif:Mode></exif:Flash>",
        "<exif:Flash><rdf:Description><exif:Fired>True</exif:Fired>\
         <exif:Mode>1</exif:Mode></rdf:Description></exif:Flash>",
        "<exif:Flash><rdf:Description exif:Fired='True' exif:Mode='1'/></exif:Flash>",
        "<exif:Flash exif:Fired='True' exif:Mode='1'/>",
    ] {
        assert_eq!(said(&xmp(form)), structure, "{form}");
    }
    assert_eq!(
        said(&xmp("<dc:source rdf:resource='urn:x'/><dc:title><rdf:Alt>\
                   <rdf:li xml:lang='de'>Hafen</rdf:li></rdf:Alt></dc:title>\
                   <dc:type rdf:parseType='Resource'><rdf:value>a</rdf:value>\
                   <xmp:Label>b</xmp:Label></dc:type>")),
        json!({
            "dc:source": "urn:x", "dc:title[1]": "Hafen", "dc:title[1]/?xml:lang": "de",
            "dc:type": "a", "dc:type/xmp:Label": "b",
        })
    );
    assert_eq!(
        said(&xmp("<dc:format>a &amp;&#x20;&lt;<![CDATA[b & ]]>&nobody; c</dc:format>")),
        json!({"dc:format": "a & <b &  c"})
    );
}

#[test]
fn a_title_is_the_default_one_and_never_another_things() {
    let title = |properties: &str| exposed(&jpeg(&[xmp_segment(&xmp(properties))])).0.fields.title;
    let list = |items: &str| format!("<dc:title><rdf:Alt>{items}</rdf:Alt></dc:title>");
    let german = "<rdf:li xml:lang='de'>Hafen</rdf:li>";
    let default = "<rdf:li xml:lang='x-default'>Harbour</rdf:li>";
    assert_eq!(title(&list(&format!("{german}{default}"))).as_deref(), Some("Harbour"));
    assert_eq!(title(&list(german)).as_deref(), Some("Hafen"));
    assert_eq!(title("<dc:title>Bare</dc:title>").as_deref(), Some("Bare"));
    assert_eq!(
        title("<dc:source rdf:parseType='Resource'><dc:title>Its source's</dc:title></dc:source>"),
        None
    );
    // The prefix is nothing, the namespace is everything.
    let bound = |namespace: &str, prefix: &str| {
        title(&format!("<{prefix}:title xmlns:{prefix}='{namespace}'>Bound</{prefix}:title>"))
    };
    assert_eq!(bound("http://purl.org/dc/elements/1.1/", "any").as_deref(), Some("Bound"));
    assert_eq!(bound("http://example.org/", "dc"), None);
}

#[test]
fn positions_moments_and_numbers_are_read_as_xmp_writes_them() {
    let fields = |properties: &str| exposed(&jpeg(&[xmp_segment(&xmp(properties))])).0.fields;
    let place = |latitude: &str, longitude: &str| {
        let both = format!(
            "<exif:GPSLatitude>{latitude}</exif:GPSLatitude>\
             <exif:GPSLongitude>{longitude}</exif:GPSLongitude>"
        );
        fields(&both).gps.map(|gps| (gps.latitude, gps.longitude))
    };
    assert_eq!(place("60,8,48.1416N", "24,54.40626W"), Some((60.146_706, -24.906_771)));
    for nowhere in ["91,0N", "60,8.8", "N", "60,8,1,1N", "-60,8N", "60,xN", "0,0N"] {
        assert_eq!(place(nowhere, "0,0E"), None, "{nowhere}");
    }
    let taken = |text: &str| {
        fields(&format!("<photoshop:DateCreated>{text}</photoshop:DateCreated>")).taken_at
    };
    assert_eq!(taken("2019-03-01T12:34Z").as_deref(), Some("2019-03-01T12:34:00Z"));
    assert_eq!(
        taken("2019-03-01T12:34:56.5-03:30").as_deref(),
        Some("2019-03-01T12:34:56.5-03:30")
    );
    for never in
        ["2019", "2019-03", "2019-03-01", "2019-02-29T12:00:00", "2019-03-01T25:00:00", "x"]
    {
        assert_eq!(taken(never), None, "{never}");
    }
    let rating = |text: &str| fields(&format!("<xmp:Rating>{text}</xmp:Rating>")).rating;
    assert_eq!([rating("0"), rating("5.0"), rating("3")], [Some(0), Some(5), Some(3)]);
    assert_eq!([rating("-1"), rating("6"), rating("3.5"), rating("")], [None; 4]);
    let time = |text: &str| {
        fields(&format!("<exif:ExposureTime>{text}</exif:ExposureTime>")).exposure?.time_s
    };
    assert_eq!([time("1/125"), time("0.008")], [Some(0.008); 2]);
    assert_eq!([time("1/0"), time("0/0"), time("-1"), time("inf"), time("")], [None; 5]);
}

#[test]
fn a_packet_may_be_of_any_unicode() {
    let packet = xmp("<dc:format>früh</dc:format>");
    let wide = |unit: fn(u16) -> [u8; 2]| packet.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    for bytes in [
        packet.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", packet.as_bytes()].concat(),
        [packet.as_bytes(), &[0; 5]].concat(),
        wide(u16::to_le_bytes),
        wide(u16::to_be_bytes),
        [vec![0xff, 0xfe], wide(u16::to_le_bytes)].concat(),
    ] {
        let segment = [b"http://ns.adobe.com/xap/1.0/\0", &bytes[..]].concat();
        assert_eq!(raw(&jpeg(&[(APP1, segment)]))["xmp"]["dc:format"], "früh");
    }
}

/// Parts of a second packet, as JPEG has them.
fn portion(guid: &str, full: usize, offset: usize, bytes: &str) -> (u8, Vec<u8>) {
    let numbers = [full, offset].map(|number| u32::try_from(number).unwrap().to_be_bytes());
    let head = [b"http://ns.adobe.com/xmp/extension/\0", guid.as_bytes(), &numbers.concat()[..]];
    (APP1, [&head.concat()[..], bytes.as_bytes()].concat())
}

#[test]
fn an_extended_packet_is_put_together_and_nothing_else_is() {
    const OURS: &str = "0123456789ABCDEF0123456789ABCDEF";
    const OTHER: &str = "FEDCBA9876543210FEDCBA9876543210";
    let first = xmp_segment(&xmp(&format!(
        "<xmpNote:HasExtendedXMP>{OURS}</xmpNote:HasExtendedXMP><dc:format>first</dc:format>"
    )));
    let second = xmp("<dc:source>second</dc:source>");
    let (begin, end) = second.split_at(100);
    let source = |segments: &[(u8, Vec<u8>)]| {
        let raw = raw(&jpeg(segments));
        assert_eq!(raw["xmp"]["dc:format"], "first");
        (raw["xmp"]["dc:source"].as_str() == Some("second"), raw.get("faults").is_some())
    };
    let full = second.len();
    let head = || portion(OURS, full, 0, begin);
    let tail = || portion(OURS, full, 100, end);
    assert_eq!(source(&[first.clone(), head(), tail()]), (true, false));
    // In any order, between another's, and named in either case.
    let foreign = portion(OTHER, full, 0, begin);
    let small = portion(&OURS.to_lowercase(), full, 0, begin);
    assert_eq!(source(&[first.clone(), tail(), foreign.clone(), small]), (true, false));
    // With a gap, twice, of another length, or of nobody.
    assert_eq!(source(&[first.clone(), tail()]), (false, true));
    assert_eq!(source(&[first.clone(), head(), portion(OURS, full, 150, end)]), (false, true));
    assert_eq!(source(&[first.clone(), head(), head(), tail()]), (false, true));
    assert_eq!(source(&[first.clone(), portion(OURS, full + 1, 0, begin), tail()]), (false, true));
    assert_eq!(source(&[first.clone(), foreign]), (false, true));
    // Sixteen megabytes of portions are not kept.
    let long = "x".repeat(60_000);
    let many = (0..260).map(|n| portion(OURS, 15_600_000, n * 60_000, &long));
    let all: Vec<_> = std::iter::once(first).chain(many).collect();
    assert_eq!(source(&all), (false, true));
}

/// Depth, length, number, names and references: each has an end.
#[test]
fn a_packet_without_end_is_read_to_one() {
    let deep = |levels: usize| {
        let open = "<dc:x rdf:parseType='Resource'>".repeat(levels);
        xmp(&format!(
            "{open}<dc:y>bottom</dc:y>{}<dc:format>behind</dc:format>",
            "</dc:x>".repeat(levels)
        ))
    };
    let found = said(&deep(20));
    assert!(found.as_object().unwrap().values().any(|value| value == "bottom"));
    let found = said(&deep(1_500));
    assert_eq!(found, json!({"dc:format": "behind"}));
    let many = (0..3_000).fold(String::new(), |all, n| all + &format!("<dc:x{n}>1</dc:x{n}>"));
    let raw = raw(&jpeg(&[xmp_segment(&xmp(&many))]));
    assert_eq!(raw["xmp"].as_object().unwrap().len(), 1_000);
    assert_eq!(raw["left_out"], 2_000);
    let long = format!("<dc:{0}>1</dc:{0}><dc:format>behind</dc:format>", "x".repeat(1_000));
    assert_eq!(said(&xmp(&long)), json!({"dc:format": "behind"}));
    // A billion laughs are none: entities are not known, whoever declares them.
    let laughs = format!(
        "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>{}",
        xmp("<dc:format>[&b;]</dc:format>")
    );
    assert_eq!(said(&laughs), json!({"dc:format": "[]"}));
    // XML that breaks off keeps what came before.
    let broken =
        xmp("<dc:format>before</dc:format><dc:source>never").replace("</rdf:Desc", "</rdf:");
    let raw = super::reading::raw(&jpeg(&[xmp_segment(&broken)]));
    assert_eq!(raw["xmp"]["dc:format"], "before");
    assert!(raw["faults"][0].as_str().unwrap().starts_with("XMP: "), "{raw}");
}
