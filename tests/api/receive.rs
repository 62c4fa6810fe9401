//! `PUT /in/{id}`.

use std::{
    io::Write as _,
    num::NonZeroU64,
    sync::Arc,
    time::{Duration, Instant},
};

use api::Pace;
use domain::{
    Code, ImageId, Key, Sha256, StageName, message::Body, ports::UploadTerms, signing::Signed,
};
use serde_json::json;

use super::{
    client::{Request, connect, read},
    full::Full,
    server::{Created, Options, Server, jpeg, moment},
};

const BYTES: &[u8] = b"ten bytes.";

fn created(server: &Server) -> Created {
    server.create(&jpeg(BYTES.len()))
}

fn with_checksum(server: &Server) -> Created {
    let sum = Sha256::of(BYTES).to_base64();
    let length = BYTES.len();
    server.create(
        &json!({ "content_length": length, "content_type": "image/jpeg", "checksum_sha256": sum }),
    )
}

/// Nothing was stored and nobody was told.
#[track_caller]
fn nothing_came(server: &Server, upload: &Created) {
    assert!(!server.holds(&upload.key()));
    assert_eq!(server.waiting(StageName::Ingest), []);
}

/// The URL's parameters, one of them changed.
fn altered(target: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let (path, query) = target.split_once('?').unwrap();
    let pairs = query.split('&').map(|pair| {
        let (key, value) = pair.split_once('=').unwrap();
        if key == name { format!("{key}={}", change(value)) } else { pair.to_owned() }
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

#[test]
fn the_bytes_are_there_and_the_pipeline_is_told_before_the_answer() {
    let server = Server::start();
    for upload in [created(&server), with_checksum(&server)] {
        let reply = server.call(&upload.put(BYTES));
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(
            server.run(domain::Objects::read(&*server.objects, &upload.key())).unwrap(),
            BYTES
        );
        let etag = Sha256::of(BYTES).to_string();
        assert_eq!(reply.header("etag"), Some(format!("\"{etag}\"").as_str()));
        let sent = server.waiting(StageName::Ingest);
        let expected =
            Body::Uploaded { key: upload.key(), bucket: None, size: 10, etag, sequencer: None };
        assert_eq!(sent.last().unwrap().body, expected);
    }
    assert_eq!(server.waiting(StageName::Ingest).len(), 2);
}

#[test]
fn a_body_of_another_size_is_refused() {
    let server = Server::start();
    for wrong in [&BYTES[..9], b"eleven byte"] {
        let upload = created(&server);
        let detail = server.call(&upload.put(wrong)).problem(Code::SizeMismatch);
        assert!(detail.contains("10") && detail.contains(&wrong.len().to_string()), "{detail}");
        nothing_came(&server, &upload);
    }
}

#[test]
fn a_body_that_ends_early_leaves_nothing() {
    let server = Server::start();
    let upload = created(&server);
    let mut stream = connect(server.address);
    let whole = upload.put(BYTES).bytes(server.address);
    stream.write_all(&whole[..whole.len() - 1]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
    assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    nothing_came(&server, &upload);
}

#[test]
fn one_byte_behind_the_announced_ones_is_not_part_of_the_object() {
    let server = Server::start();
    let upload = created(&server);
    let reply = server.call(&upload.put(b"ten bytes.!").header("Content-Length", "10"));
    assert_eq!(reply.status, 200);
    assert_eq!(server.run(domain::Objects::read(&*server.objects, &upload.key())).unwrap(), BYTES);
}

#[test]
fn a_body_without_a_length_is_refused() {
    let server = Server::start();
    let upload = created(&server);
    let chunked =
        upload.put(b"a\r\nten bytes.\r\n0\r\n\r\n").header("Transfer-Encoding", "chunked");
    server.call(&chunked).problem(Code::LengthRequired);
    nothing_came(&server, &upload);
}

#[test]
fn another_type_is_refused() {
    let server = Server::start();
    let upload = created(&server);
    for wrong in [Some("image/png"), Some("image/JPEG"), None] {
        let mut request = Request::new("PUT", &upload.target).body(BYTES);
        if let Some(wrong) = wrong {
            request = request.header("content-type", wrong);
        }
        let detail = server.call(&request).problem(Code::TypeMismatch);
        assert!(detail.contains("image/jpeg"), "{detail}");
        nothing_came(&server, &upload);
    }
}

#[test]
fn another_checksum_is_refused() {
    let server = Server::start();
    let plain = |upload: &Created| {
        Request::new("PUT", &upload.target).header("content-type", "image/jpeg").body(BYTES)
    };
    let header = "x-amz-checksum-sha256";
    let upload = with_checksum(&server);
    // Left out, and another one.
    server.call(&plain(&upload)).problem(Code::ChecksumMismatch);
    let other = Sha256::of(b"other").to_base64();
    server.call(&plain(&upload).header(header, &other)).problem(Code::ChecksumMismatch);
    // The announced one, over other bytes.
    let detail = server.call(&upload.put(b"TEN BYTES.")).problem(Code::ChecksumMismatch);
    assert!(detail.contains(&Sha256::of(b"TEN BYTES.").to_base64()), "{detail}");
    nothing_came(&server, &upload);
    // One that was never announced.
    let upload = created(&server);
    let sum = Sha256::of(BYTES).to_base64();
    server.call(&plain(&upload).header(header, &sum)).problem(Code::ChecksumMismatch);
    nothing_came(&server, &upload);
}

#[test]
fn an_altered_url_is_refused() {
    let server = Server::start();
    let (upload, other) = (created(&server), created(&server));
    let of_other = format!("/in/{}?{}", other.id, upload.target.split_once('?').unwrap().1);
    let without = |name: &str| altered(&upload.target, name, |_| String::new());
    let cases = [
        altered(&upload.target, "expires", |n| (n.parse::<i64>().unwrap() + 1).to_string()),
        altered(&upload.target, "length", |_| "11".to_owned()),
        altered(&upload.target, "signature", |s| {
            s.replace(&s[..1], if s.starts_with('0') { "1" } else { "0" })
        }),
        altered(&upload.target, "signature", str::to_uppercase),
        of_other,
        without("expires"),
        without("length"),
        without("signature"),
        upload.target.split('?').next().unwrap().to_owned(),
    ];
    for target in cases {
        let request = Request::new("PUT", &target).header("content-type", "image/jpeg").body(BYTES);
        server.call(&request).problem(Code::SignatureInvalid);
        nothing_came(&server, &upload);
        nothing_came(&server, &other);
    }
    for extra in ["&acl=public", "&length=10"] {
        let target = format!("{}{extra}", upload.target);
        let request = Request::new("PUT", &target).header("content-type", "image/jpeg").body(BYTES);
        server.call(&request).problem(Code::InvalidParameter);
        nothing_came(&server, &upload);
    }
}

#[test]
fn an_expired_url_is_refused() {
    let server = Server::start();
    let (last, late) = (created(&server), created(&server));
    server.clock.advance(Duration::from_secs(3599));
    assert_eq!(server.call(&last.put(BYTES)).status, 200);
    server.clock.advance(Duration::from_secs(1));
    let detail = server.call(&late.put(BYTES)).problem(Code::UrlExpired);
    assert!(detail.contains("2026-11-23T09:00:00Z"), "{detail}");
    assert!(!server.holds(&late.key()));
}

#[test]
fn a_used_url_creates_nothing_and_tells_a_waiting_pipeline_again() {
    let server = Server::start();
    let upload = created(&server);
    assert_eq!(server.call(&upload.put(BYTES)).status, 200);
    server.call(&upload.put(b"TEN BYTES.")).problem(Code::AlreadyUploaded);
    assert_eq!(server.run(domain::Objects::read(&*server.objects, &upload.key())).unwrap(), BYTES);
    let sent = server.waiting(StageName::Ingest);
    assert_eq!(sent.len(), 2, "the event may have been lost: it is sent again");
    assert_eq!(sent[0], sent[1]);
    server.accept(upload.id);
    server.call(&upload.put(BYTES)).problem(Code::AlreadyUploaded);
    assert_eq!(server.waiting(StageName::Ingest).len(), 2, "nobody waits for it any more");
    // The upload of a finished image is cleared away in time; its URL stays used.
    server.run(domain::Objects::delete(&*server.objects, &upload.key())).unwrap();
    server.call(&upload.put(BYTES)).problem(Code::AlreadyUploaded);
    assert!(!server.holds(&upload.key()));
}

#[test]
fn an_erased_image_takes_nothing() {
    let server = Server::start();
    let upload = created(&server);
    let target = format!("/v1/images/{}", upload.id);
    assert_eq!(server.call(&Request::new("DELETE", &target)).status, 202);
    server.call(&upload.put(BYTES)).problem(Code::Erased);
    nothing_came(&server, &upload);
}

#[test]
fn an_image_erased_while_its_bytes_come_keeps_none_of_them() {
    let server = Server::start();
    let upload = created(&server);
    let whole = upload.put(BYTES).bytes(server.address);
    let mut stream = connect(server.address);
    stream.write_all(&whole[..whole.len() - 1]).unwrap();
    // Until the server has read the head, the erasure would come before it.
    std::thread::sleep(Duration::from_millis(100));
    server.run(server.catalog.erase(upload.id, moment("2026-11-23T08:00:01Z"))).unwrap();
    stream.write_all(&whole[whole.len() - 1..]).unwrap();
    read(&mut stream).problem(Code::Erased);
    nothing_came(&server, &upload);
}

#[test]
fn a_signed_url_of_an_image_that_never_was_creates_nothing() {
    let server = Server::start();
    let key = Key::Upload { image: ImageId::mint(1, &[1; 10]) };
    let Signed { url, .. } = server.signer.put(
        &key,
        &UploadTerms {
            content_length: 10,
            content_type: "image/jpeg".to_owned(),
            checksum_sha256: None,
            expires_at: moment("2026-11-23T09:00:00Z"),
        },
    );
    let target = server.path(&json!(url));
    let request = Request::new("PUT", &target).header("content-type", "image/jpeg").body(BYTES);
    server.call(&request).problem(Code::UnknownImage);
    assert!(!server.holds(&key));
    for id in ["nonsense", "0193-A", "%ff"] {
        let target = format!("/in/{id}?expires=1&length=10&signature=0");
        server.call(&Request::new("PUT", &target).body(BYTES)).problem(Code::UnknownImage);
    }
}

#[test]
fn a_body_that_stands_still_is_cut_off() {
    let idle = Duration::from_millis(200);
    let pace = Pace { idle, ..Pace::default() };
    let server = Server::with(Options { pace, ..Options::default() });
    let upload = created(&server);
    let whole = upload.put(BYTES).bytes(server.address);
    let mut stream = connect(server.address);
    stream.write_all(&whole[..whole.len() - 5]).unwrap();
    let start = Instant::now();
    read(&mut stream).problem(Code::TooSlow);
    assert!(start.elapsed() + Duration::from_millis(20) >= idle);
    nothing_came(&server, &upload);
}

#[test]
fn a_slow_body_that_keeps_coming_is_taken() {
    let pace = Pace { idle: Duration::from_millis(400), least: NonZeroU64::MIN };
    let server = Server::with(Options { pace, ..Options::default() });
    let upload = created(&server);
    let whole = upload.put(BYTES).bytes(server.address);
    let mut stream = connect(server.address);
    let (head, body) = whole.split_at(whole.len() - BYTES.len());
    stream.write_all(head).unwrap();
    for byte in body {
        std::thread::sleep(Duration::from_millis(60));
        stream.write_all(&[*byte]).unwrap();
    }
    assert_eq!(read(&mut stream).status, 200);
}

#[test]
fn a_body_that_trickles_is_cut_off() {
    let least = NonZeroU64::new(1 << 30).unwrap();
    let pace = Pace { idle: Duration::from_millis(200), least };
    let server = Server::with(Options { pace, ..Options::default() });
    let upload = server.create(&jpeg(1_000_000));
    let head = upload.put(b"").header("Content-Length", "1000000").bytes(server.address);
    let mut stream = connect(server.address);
    stream.write_all(&head).unwrap();
    let mut trickling = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        // Never still for long, until the server hangs up.
        while trickling.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let detail = read(&mut stream).problem(Code::TooSlow);
    assert!(detail.contains("bytes a second"), "{detail}");
    sender.join().unwrap();
    nothing_came(&server, &upload);
}

#[test]
fn a_full_store_says_so_and_keeps_nothing() {
    let server = Server::with(Options { room: 9, ..Options::default() });
    let upload = created(&server);
    server.call(&upload.put(BYTES)).problem(Code::StorageFull);
    nothing_came(&server, &upload);
}

#[test]
fn a_store_that_gives_up_in_the_middle_is_heard_too() {
    let objects: fn(_) -> _ = |signer| Arc::new(Full(signer)) as _;
    let server = Server::with(Options { objects: Some(objects), ..Options::default() });
    let bytes = vec![b'x'; 4_000_000];
    let upload = server.create(&jpeg(bytes.len()));
    server.call(&upload.put(&bytes)).problem(Code::StorageFull);
    assert_eq!(server.waiting(StageName::Ingest), []);
}

#[test]
fn a_client_that_is_still_sending_hears_why_it_was_refused() {
    let server = Server::start();
    let bytes = vec![b'x'; 4_000_000];
    let upload = server.create(&jpeg(bytes.len()));
    let request =
        Request::new("PUT", &upload.target).header("content-type", "image/png").body(&bytes);
    server.call(&request).problem(Code::TypeMismatch);
    nothing_came(&server, &upload);
}

#[test]
fn a_client_that_asks_first_is_refused_before_it_sends() {
    let server = Server::start();
    let upload = created(&server);
    let request = Request::new("PUT", &upload.target)
        .header("content-type", "image/png")
        .header("Content-Length", "10")
        .header("Expect", "100-continue");
    let reply = server.call(&request);
    reply.problem(Code::TypeMismatch);
    // One that is let in is told to go on.
    let mut stream = connect(server.address);
    let request = upload.put(b"").header("Content-Length", "10").header("Expect", "100-continue");
    stream.write_all(&request.bytes(server.address)).unwrap();
    let mut go_on = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(BYTES).unwrap();
    assert_eq!(read(&mut stream).status, 200);
}
