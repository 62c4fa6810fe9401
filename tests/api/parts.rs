//! Uploads by parts: `POST /v1/uploads` for long ones, the parts, and their end.

use std::time::Duration;

use domain::{Code, ImageId, Key, Sha256, StageName, Status, message::Body, parts::WHOLE_MOST};
use serde_json::{Value, json};

use super::{
    client::{Reply, Request},
    server::{Options, Server, jpeg, moment},
};

/// Three mebibytes more than come as a whole.
const LENGTH: u64 = WHOLE_MOST + (3 << 20);

fn server() -> Server {
    Server::with(Options { upload: 1 << 30, ..Options::default() })
}

/// An upload that comes by parts, and its parts as the API told them.
struct Long {
    id: ImageId,
    upload: Value,
}

impl Long {
    fn create(server: &Server) -> Self {
        let reply = server.call(&Request::new("POST", "/v1/uploads").json(&long()));
        let body = reply.ok(201);
        Self {
            id: body["image_id"].as_str().unwrap().parse().unwrap(),
            upload: body["upload"].clone(),
        }
    }

    fn parts(&self) -> &[Value] {
        self.upload["parts"].as_array().unwrap()
    }

    fn request(server: &Server, part: &Value) -> Request {
        let request = Request::new("PUT", &server.path(&part["url"]));
        let headers = part["headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name, value.as_str().unwrap()));
        headers.fold(request, |request, (name, value)| request.header(name, value))
    }

    fn put(server: &Server, part: &Value, bytes: &[u8]) -> Reply {
        server.call(&Self::request(server, part).body(bytes))
    }

    /// Asks whether a part of this length may be sent, as whoever has much to send does (RFC 9110,
    /// section 10.1.1), and is refused.
    fn refused(server: &Server, part: &Value, length: u64) -> Reply {
        let request = Self::request(server, part).header("Content-Length", &length.to_string());
        server.call(&request.header("Expect", "100-continue"))
    }

    /// Sends these bytes as a part; answers what completing it has to say.
    fn send(&self, server: &Server, number: usize, bytes: &[u8]) -> Value {
        let reply = Self::put(server, &self.parts()[number - 1], bytes);
        assert_eq!(reply.status, 200, "{reply:?}");
        json!({ "number": number, "etag": reply.header("etag").unwrap() })
    }

    fn send_all(&self, server: &Server, bytes: &[u8]) -> Vec<Value> {
        let range = |part: &Value| {
            let (from, length) =
                (part["offset"].as_u64().unwrap(), part["length"].as_u64().unwrap());
            usize::try_from(from).unwrap()..usize::try_from(from + length).unwrap()
        };
        let parts = self.parts().iter().enumerate().rev();
        parts.map(|(at, part)| self.send(server, at + 1, &bytes[range(part)])).collect()
    }

    fn complete(&self, server: &Server, parts: &[Value]) -> Reply {
        let url = server.path(&self.upload["complete_url"]);
        server.call(&Request::new("POST", &url).json(&json!({ "parts": parts })))
    }

    fn key(&self) -> Key {
        Key::Upload { image: self.id }
    }
}

fn long() -> Value {
    json!({ "content_length": LENGTH, "content_type": "image/tiff" })
}

fn bytes() -> Vec<u8> {
    (0..LENGTH).map(|at| u8::try_from((at ^ (at >> 9) ^ (at >> 18)) % 251).unwrap()).collect()
}

#[test]
fn what_is_short_comes_as_a_whole() {
    let server = server();
    let reply = server.call(&Request::new("POST", "/v1/uploads").json(&json!({
        "content_length": WHOLE_MOST, "content_type": "image/tiff",
    })));
    let id = reply.ok(201)["image_id"].as_str().unwrap().to_owned();
    assert_eq!(reply.ok(201)["upload"]["method"], "PUT");
    for route in ["parts", "complete"] {
        let request = Request::new("POST", &format!("/v1/uploads/{id}/{route}"));
        server.call(&request.json(&json!({ "parts": [] }))).problem(Code::NotByParts);
    }
}

#[test]
fn parts_in_any_order_become_the_upload() {
    let server = server();
    let long = Long::create(&server);
    assert_eq!(long.upload["part_size"], 16 << 20);
    assert_eq!(long.upload["expires_at"], "2026-11-23T09:00:00Z", "as long as any URL");
    let ends: Vec<_> = long
        .parts()
        .iter()
        .map(|part| part["offset"].as_u64().unwrap() + part["length"].as_u64().unwrap())
        .collect();
    let begins = long.parts().iter().skip(1).map(|part| part["offset"].as_u64().unwrap());
    assert!(begins.eq(ends[..ends.len() - 1].iter().copied()), "{ends:?}");
    assert_eq!(ends.last(), Some(&LENGTH));
    let image = server.run(server.catalog.image(long.id)).unwrap();
    assert_eq!(image.expires_at, moment("2026-11-24T08:00:00Z"), "it waits for a day");

    let bytes = bytes();
    let parts = long.send_all(&server, &bytes);
    assert!(!server.holds(&long.key()), "nothing is there before it is completed");
    let reply = long.complete(&server, &parts);
    assert_eq!(reply.ok(202), json!({ "image_id": long.id.to_string() }));
    let stored = server.run(domain::Objects::read(&*server.objects, &long.key())).unwrap();
    assert_eq!(Sha256::of(&stored), Sha256::of(&bytes));
    let told = server.waiting(StageName::Ingest);
    let [message] = &told[..] else { panic!("{told:?}") };
    assert!(matches!(&message.body, Body::Uploaded { size: LENGTH, .. }), "{message:?}");
    assert!(!server.holds(&Key::Part { image: long.id, number: 1 }), "no part is left");

    // Whoever lost the answer asks again, also when the pipeline has gone on.
    assert_eq!(long.complete(&server, &parts).status, 202);
    server.accept(long.id);
    assert_eq!(long.complete(&server, &parts).status, 202);
    let again = format!("/v1/uploads/{}/parts", long.id);
    server.call(&Request::new("POST", &again)).problem(Code::AlreadyUploaded);
    Long::put(&server, &long.parts()[6], &bytes[6 << 24..]).problem(Code::AlreadyUploaded);
}

#[test]
fn what_is_said_of_parts_must_be_so() {
    let server = server();
    let long = Long::create(&server);
    let last = long.parts().len();
    let rest = usize::try_from(LENGTH).unwrap() - ((last - 1) << 24);
    let sent = long.send(&server, last, &vec![7; rest]);
    let all = |etag: &str| -> Vec<Value> {
        let of = |number| json!({ "number": number, "etag": etag });
        (1..last).map(of).chain([sent.clone()]).collect()
    };
    let detail = long.complete(&server, &all("\"x\"")).problem(Code::PartsMismatch);
    assert!(detail.contains("part 1 has not come"), "{detail}");
    let wrong = [
        (json!([]), "part 1 of 7 is not named"),
        (json!([sent, sent]), "part 7 is named twice"),
        (json!([{ "number": 8, "etag": "x" }]), "there is no part 8"),
        (json!([{ "number": 0, "etag": "x" }]), "there is no part 0"),
        (json!([{ "number": 1, "etag": "" }]), "an ETag of 0 bytes"),
        (json!([{ "number": 1 }]), "etag"),
        (json!({}), "must list all parts"),
        (Value::Null, "must list all parts"),
    ];
    for (parts, why) in wrong {
        let url = server.path(&long.upload["complete_url"]);
        let reply = server.call(&Request::new("POST", &url).json(&json!({ "parts": parts })));
        let detail = reply.problem(Code::InvalidParameter);
        assert!(detail.contains(why), "{parts}: {detail}");
    }
    // A part has the length that was signed, and its URL is nobody else's.
    let first = &long.parts()[0];
    Long::put(&server, first, b"too short").problem(Code::SizeMismatch);
    let mut other = first.clone();
    other["url"] = first["url"].as_str().unwrap().replace("/00001?", "/00002?").into();
    Long::refused(&server, &other, 1 << 24).problem(Code::SignatureInvalid);
    let mut other = first.clone();
    other["headers"] = json!({ "content-type": "text/html" });
    Long::refused(&server, &other, 1 << 24).problem(Code::SignatureInvalid);
    assert!(!server.holds(&Key::Part { image: long.id, number: 1 }));
    assert!(!server.holds(&long.key()));
    assert_eq!(server.waiting(StageName::Ingest), []);
}

#[test]
fn urls_of_parts_are_signed_again_for_a_day() {
    let server = server();
    let long = Long::create(&server);
    server.clock.advance(Duration::from_mins(61));
    Long::refused(&server, &long.parts()[0], 1 << 24).problem(Code::UrlExpired);
    let again = format!("/v1/uploads/{}/parts", long.id);
    let reply = server.call(&Request::new("POST", &again));
    let upload = reply.ok(200).clone();
    assert_eq!(upload["complete_url"], long.upload["complete_url"]);
    let renewed = Long { id: long.id, upload };
    renewed.send(&server, 1, &vec![0; 1 << 24]);

    server.clock.advance(Duration::from_hours(23));
    server.call(&Request::new("POST", &again)).problem(Code::UrlExpired);
    let of = |number| json!({ "number": number, "etag": "x" });
    let parts: Vec<_> = (1..=7).map(of).collect();
    long.complete(&server, &parts).problem(Code::UrlExpired);
}

#[test]
fn an_erased_upload_takes_nothing_more() {
    let server = server();
    let long = Long::create(&server);
    let parts = long.send_all(&server, &bytes());
    assert_eq!(
        server.call(&Request::new("DELETE", &format!("/v1/images/{}", long.id))).status,
        202
    );
    long.complete(&server, &parts).problem(Code::Erased);
    Long::refused(&server, &long.parts()[0], 1 << 24).problem(Code::Erased);
    let again = format!("/v1/uploads/{}/parts", long.id);
    server.call(&Request::new("POST", &again)).problem(Code::Erased);
    assert!(!server.holds(&long.key()));
    let image = server.run(server.catalog.image(long.id)).unwrap();
    assert_eq!(image.status, Status::Erased);
}

#[test]
fn a_repeated_creation_finds_the_parts_that_came() {
    let server = server();
    let ask = || {
        let request = Request::new("POST", "/v1/uploads").header("Idempotency-Key", "long-1");
        server.call(&request.json(&long()))
    };
    let create = || ask().ok(201).clone();
    let long = |body: &Value| Long {
        id: body["image_id"].as_str().unwrap().parse().unwrap(),
        upload: body["upload"].clone(),
    };
    let bytes = bytes();
    let (first, part) = (create(), 1 << 24);
    // The client breaks off after this, and knows its file and its key, and what it was answered.
    let mut sent = vec![long(&first).send(&server, 1, &bytes[..part])];
    let second = create();
    assert_eq!(first, second);
    let again = long(&second);
    assert!(server.holds(&Key::Part { image: again.id, number: 1 }));
    for (number, bytes) in (1..).zip(bytes.chunks(part)).skip(1) {
        sent.push(again.send(&server, number, bytes));
    }
    again.complete(&server, &sent).ok(202);
    let stored = server.run(domain::Objects::read(&*server.objects, &again.key())).unwrap();
    assert_eq!(Sha256::of(&stored), Sha256::of(&bytes));
    server.accept(again.id);
    let detail = ask().problem(Code::AlreadyUploaded);
    assert!(detail.contains(&again.id.to_string()), "{detail}");
}

#[test]
fn other_tenants_uploads_are_unknown() {
    let keys = api::Access::Keys;
    let server = Server::with(Options { upload: 1 << 30, access: keys, ..Options::default() });
    let (owner, other) = (server.key("owner"), server.key("other"));
    let request = Request::new("POST", "/v1/uploads").json(&long()).key(&owner);
    let id = server.call(&request).ok(201)["image_id"].as_str().unwrap().to_owned();
    for route in ["parts", "complete"] {
        let request = Request::new("POST", &format!("/v1/uploads/{id}/{route}"));
        let request = request.json(&json!({ "parts": [] }));
        server.call(&request).problem(Code::KeyRequired);
        let request = Request::new("POST", &format!("/v1/uploads/{id}/{route}"));
        let request = request.json(&json!({ "parts": [] })).key(&other);
        server.call(&request).problem(Code::UnknownImage);
    }
}

#[test]
fn no_more_than_the_limit_is_begun() {
    let server = server();
    let body = json!({ "content_length": (1u64 << 30) + 1, "content_type": "image/tiff" });
    server.call(&Request::new("POST", "/v1/uploads").json(&body)).problem(Code::TooLarge);
    // Where nothing is said, what is long is refused.
    let usual = Server::start();
    usual.call(&Request::new("POST", "/v1/uploads").json(&long())).problem(Code::TooLarge);
    assert_eq!(usual.call(&Request::new("POST", "/v1/uploads").json(&jpeg(9))).status, 201);
}
