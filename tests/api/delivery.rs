//! The bytes of variants.

use std::time::Duration;

use domain::{Code, ImageId, Key, Objects as _, Sha256};

use super::{
    client::Request,
    server::{Server, private, source},
};

const BYTES: &[u8] = b"0123456789";

fn variant(server: &Server) -> (ImageId, String) {
    let id = server.image();
    server.finish(id, &[("small.webp", BYTES)]);
    (id, server.variant(id, "small.webp"))
}

#[test]
fn a_public_variant_is_served_for_ever() {
    let server = Server::start();
    let (_, target) = variant(&server);
    for method in ["GET", "HEAD"] {
        let reply = server.call(&Request::new(method, &target));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.body, if method == "GET" { BYTES } else { b"" });
        let etag = format!("\"{}\"", Sha256::of(BYTES));
        for (name, value) in [
            ("content-length", "10"),
            ("content-type", "image/webp"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("etag", &etag),
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cross-origin-resource-policy", "cross-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{method} {name}");
        }
    }
}

#[test]
fn the_type_is_that_of_the_extension() {
    let server = Server::start();
    let id = server.image();
    let kinds = [("a.jpeg", "image/jpeg"), ("a.png", "image/png"), ("a.webp", "image/webp")];
    server.finish(id, &kinds.map(|(name, _)| (name, b"<script>".as_slice())));
    for (name, kind) in kinds {
        let reply = server.get(&server.variant(id, name));
        assert_eq!(reply.header("content-type"), Some(kind));
    }
}

#[test]
fn one_range_is_served_as_rfc_9110_says() {
    let server = Server::start();
    let (_, target) = variant(&server);
    let part = |text: &'static str, range: &'static str| (206, text, Some(range));
    let whole = (200, "0123456789", None);
    let cases = [
        ("bytes=0-0", part("0", "bytes 0-0/10")),
        ("bytes=2-4", part("234", "bytes 2-4/10")),
        ("bytes=9-9", part("9", "bytes 9-9/10")),
        ("bytes=7-", part("789", "bytes 7-9/10")),
        ("bytes=0-", part("0123456789", "bytes 0-9/10")),
        ("bytes=8-99", part("89", "bytes 8-9/10")),
        ("bytes=8-18446744073709551615", part("89", "bytes 8-9/10")),
        ("bytes=-3", part("789", "bytes 7-9/10")),
        ("bytes=-99", part("0123456789", "bytes 0-9/10")),
        // Not of the form, another unit, more than one: all bytes.
        ("bytes=4-2", whole),
        ("bytes=a-b", whole),
        ("bytes=-", whole),
        ("bytes=+1-2", whole),
        ("bytes", whole),
        ("lines=0-1", whole),
        ("bytes=0-1,4-5", whole),
    ];
    for (range, (status, text, content_range)) in cases {
        let reply = server.call(&Request::get(&target).header("Range", range));
        assert_eq!((reply.status, reply.text().as_str()), (status, text), "{range}");
        assert_eq!(reply.header("content-range"), content_range, "{range}");
        assert_eq!(reply.header("content-length"), Some(text.len().to_string().as_str()));
    }
    for range in ["bytes=10-", "bytes=10-12", "bytes=99-", "bytes=-0"] {
        let reply = server.call(&Request::get(&target).header("Range", range));
        let detail = reply.problem(Code::RangeNotSatisfiable);
        assert!(detail.contains("10"), "{detail}");
        assert_eq!(reply.header("content-range"), Some("bytes */10"), "{range}");
    }
}

#[test]
fn conditions_are_judged_in_order() {
    let server = Server::start();
    let (_, target) = variant(&server);
    let etag = format!("\"{}\"", Sha256::of(BYTES));
    let weak = format!("W/{etag}");
    let among = format!("\"x\", {weak}");
    let cases: [(&[(&str, &str)], u16); 13] = [
        (&[("If-None-Match", &etag)], 304),
        (&[("If-None-Match", &weak)], 304),
        (&[("If-None-Match", &among)], 304),
        (&[("If-None-Match", "*")], 304),
        (&[("If-None-Match", "\"x\"")], 200),
        (&[("If-Match", &etag)], 200),
        (&[("If-Match", "*")], 200),
        (&[("If-Match", &weak)], 412),
        (&[("If-Match", "\"x\""), ("If-None-Match", &etag)], 412),
        (&[("Range", "bytes=0-1"), ("If-Range", &etag)], 206),
        (&[("Range", "bytes=0-1"), ("If-Range", "\"x\"")], 200),
        (&[("Range", "bytes=0-1"), ("If-Range", &weak)], 200),
        (&[("Range", "bytes=99-"), ("If-None-Match", &etag)], 304),
    ];
    for (headers, status) in cases {
        let request =
            headers.iter().fold(Request::get(&target), |r, (name, value)| r.header(name, value));
        let reply = server.call(&request);
        assert_eq!(reply.status, status, "{headers:?}");
        match status {
            304 => {
                assert_eq!((reply.header("etag"), reply.body.len()), (Some(etag.as_str()), 0));
                let caching = reply.header("cache-control").unwrap();
                assert!(caching.contains("immutable"), "{caching}");
            }
            412 => {
                reply.problem(Code::PreconditionFailed);
            }
            _ => {}
        }
    }
}

#[test]
fn a_long_object_comes_whole_and_in_parts() {
    let server = Server::start();
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    let id = server.image();
    server.finish(id, &[("large.png", &bytes)]);
    let target = server.variant(id, "large.png");
    assert!(server.get(&target).body == bytes);
    let reply = server.call(&Request::get(&target).header("Range", "bytes=1048570-2500000"));
    assert_eq!(reply.header("content-range"), Some("bytes 1048570-2500000/3000000"));
    assert!(reply.body == bytes[1_048_570..=2_500_000]);
}

#[test]
fn a_private_variant_needs_its_own_signature() {
    let server = Server::start();
    let id = server.create(&private()).id;
    server.finish(id, &[("small.webp", BYTES), ("large.webp", b"large")]);
    let record = server.get(&format!("/v1/images/{id}")).ok(200);
    let url = |name: &str| {
        let variants = record["variants"].as_array().unwrap();
        server.path(&variants.iter().find(|v| v["name"] == name).unwrap()["url"])
    };
    let target = url("small");
    let reply = server.get(&target);
    assert_eq!((reply.status, reply.body.as_slice()), (200, BYTES));
    assert_eq!(reply.header("cache-control"), Some("private, max-age=3600"));
    let (path, query) = target.split_once('?').unwrap();
    let of_large = url("large");
    for wrong in [
        path.to_owned(),
        format!("{path}?expires=99999999999&{}", query.split_once('&').unwrap().1),
        format!("{path}?{}", of_large.split_once('?').unwrap().1),
        format!("{path}?{query}0"),
    ] {
        server.get(&wrong).problem(Code::SignatureInvalid);
    }
    server.get(&format!("{target}&download=1")).problem(Code::InvalidParameter);
    // Nor does it lie in the public folder.
    server.get(&path.replacen("/p/", "/v/", 1)).problem(Code::UnknownObject);
    server.clock.advance(Duration::from_secs(3599));
    assert_eq!(server.get(&target).header("cache-control"), Some("private, max-age=1"));
    server.clock.advance(Duration::from_secs(1));
    server.get(&target).problem(Code::UrlExpired);
}

#[test]
fn an_erased_image_is_gone_before_its_objects_are() {
    let server = Server::start();
    let (id, target) = variant(&server);
    assert_eq!(server.get(&target).status, 200);
    server.call(&Request::new("DELETE", &format!("/v1/images/{id}"))).ok(202);
    assert!(server.holds(&Key::parse(&target[1..]).unwrap()));
    server.get(&target).problem(Code::Erased);
}

#[test]
fn what_is_not_there_is_said_to_be_unknown() {
    let server = Server::start();
    let (id, target) = variant(&server);
    let revision = target.split('/').nth(3).unwrap();
    for path in [
        format!("/v/{id}/{revision}/large.webp"),
        format!("/v/{id}/0000000000000000/small.webp"),
        format!("/v/{id}/{revision}/small.WEBP"),
        format!("/v/{id}/{revision}/small%2Ewebp"),
        format!("/v/{id}/{revision}/..%2F..%2Fo"),
        format!("/v/{id}/x/small.webp"),
        "/v/x/x/x".to_owned(),
    ] {
        server.get(&path).problem(Code::UnknownObject);
    }
    let other = ImageId::mint(1, &[1; 10]);
    server.get(&format!("/v/{other}/{revision}/small.webp")).problem(Code::UnknownImage);
}

#[test]
fn uploads_and_originals_are_not_served() {
    let server = Server::start();
    let (id, _) = variant(&server);
    let original = Key::Original { image: id, hash: source().sha256 };
    server.run(server.objects.write_if_absent(&original, "original".into())).unwrap();
    server.get(&format!("/{}", original.path())).problem(Code::UnknownRoute);
    let reply = server.get(&format!("/in/{id}"));
    reply.problem(Code::MethodNotAllowed);
    assert_eq!(reply.header("allow"), Some("PUT"));
}
