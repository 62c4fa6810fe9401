//! `POST /v1/uploads`.

use std::time::Duration;

use domain::{Code, Sha256, Status, Visibility};
use serde_json::{Value, json};

use super::{
    client::{Reply, Request},
    server::{Server, jpeg, moment},
};

fn post(server: &Server, body: &Value) -> Reply {
    server.call(&Request::new("POST", "/v1/uploads").json(body))
}

fn post_with_key(server: &Server, key: &str, body: &str) -> Reply {
    let request = Request::new("POST", "/v1/uploads").header("Idempotency-Key", key);
    server.call(&request.header("Content-Type", "application/json").body(body))
}

#[test]
fn creates_a_pending_image_and_says_how_to_send_it() {
    let server = Server::start();
    let checksum = Sha256::of(b"the bytes").to_base64();
    let reply = post(
        &server,
        &json!({
            "content_length": 9, "content_type": "image/jpeg", "checksum_sha256": checksum,
            "filename": "été.jpg", "tags": { "album": "Suomenlinna" }, "visibility": "private",
            "focal_point": { "x": 0.25, "y": 1 },
        }),
    );
    let body = reply.ok(201);
    let id = body["image_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(reply.header("location"), body["image_url"].as_str());
    assert_eq!(server.path(&body["image_url"]), format!("/v1/images/{id}"));
    assert_eq!(body["upload"]["method"], "PUT");
    assert!(server.path(&body["upload"]["url"]).starts_with(&format!("/in/{id}?")));
    assert_eq!(
        body["upload"]["headers"],
        json!({ "content-type": "image/jpeg", "x-amz-checksum-sha256": checksum }),
        "only what a client has to set itself"
    );
    assert_eq!(body["upload"]["expires_at"], "2026-11-23T09:00:00Z");

    let image = server.run(server.catalog.image(id)).unwrap();
    assert_eq!(image.status, Status::Pending);
    assert_eq!(image.tenant.as_str(), "local");
    assert_eq!(image.visibility, Visibility::Private);
    assert_eq!(image.created_at, moment("2026-11-23T08:00:00.123Z"));
    assert_eq!(image.expires_at, moment("2026-11-23T09:00:00Z"));
    assert_eq!(image.id.minted_at(), Some(image.created_at));
    assert_eq!(image.announced.content_length, 9);
    assert_eq!(image.announced.content_type, "image/jpeg");
    assert_eq!(image.announced.checksum_sha256, Some(Sha256::of(b"the bytes")));
    assert_eq!(image.filename.as_deref(), Some("été.jpg"));
    assert_eq!(image.tags["album"], "Suomenlinna");
    let point = image.focal_point.unwrap();
    assert_eq!((point.x.to_bits(), point.y.to_bits()), (0.25f32.to_bits(), 1f32.to_bits()));
}

#[test]
fn two_creations_make_two_images() {
    let server = Server::start();
    assert_ne!(server.image(), server.image());
}

#[test]
fn tells_all_that_is_wrong_at_once() {
    let server = Server::start();
    let reply = post(
        &server,
        &json!({
            "content_length": -3, "content_type": "jpeg", "checksum_sha256": "abc",
            "filename": "a\nb", "tags": { "x": 1 }, "visibility": "secret",
            "focal_point": { "x": 2, "y": 0 }, "folder": "holidays",
        }),
    );
    let detail = reply.problem(Code::InvalidParameter);
    let fields = [
        "content_length",
        "content_type",
        "checksum_sha256",
        "filename",
        "tags",
        "visibility",
        "focal_point",
        "folder",
    ];
    assert_eq!(reply.fields(), fields);
    for field in fields {
        assert!(detail.contains(field), "{detail} does not name {field}");
    }
    let reply = post(&server, &json!({}));
    reply.problem(Code::InvalidParameter);
    assert_eq!(reply.fields(), ["content_length", "content_type"]);
}

#[test]
fn each_field_is_taken_up_to_its_bound_and_not_beyond() {
    let server = Server::start();
    let tags =
        |count: usize| -> Value { (0..count).map(|n| (n.to_string(), json!("v"))).collect() };
    let cases = [
        ("content_type", json!("image/svg+xml; charset=utf-8"), json!("image/")),
        ("content_type", json!("application/octet-stream"), json!("image/jpeg\r\nX: y")),
        ("content_type", json!("a/b;c=\"d e\""), json!("a/b;c")),
        (
            "content_type",
            json!(format!("image/{}", "x".repeat(249))),
            json!(format!("image/{}", "x".repeat(250))),
        ),
        ("checksum_sha256", json!(Sha256::of(b"").to_base64()), json!(Sha256::of(b"").to_string())),
        ("checksum_sha256", Value::Null, json!("")),
        ("filename", json!("é".repeat(255)), json!("é".repeat(256))),
        ("filename", json!("../../etc/passwd"), json!("")),
        ("tags", tags(50), tags(51)),
        ("tags", json!({ "k".repeat(128): "v".repeat(256) }), json!({ "k".repeat(129): "v" })),
        ("tags", json!({ "k": "" }), json!({ "": "v" })),
        ("tags", json!({}), json!({ "k": "v".repeat(257) })),
        ("tags", json!({ "k": "ünï" }), json!({ "k": "a\u{0}" })),
        ("tags", Value::Null, json!(["k"])),
        ("visibility", json!("public"), json!(true)),
        ("focal_point", json!({ "x": 0, "y": 1 }), json!({ "x": 0, "y": 1.01 })),
        ("focal_point", json!({ "x": 0.5, "y": 0.5 }), json!({ "x": 0.5 })),
        ("focal_point", Value::Null, json!({ "x": 0, "y": 0, "z": 0 })),
        ("content_length", json!(100_000_000), json!(1.5)),
    ];
    for (field, good, bad) in cases {
        let mut body = jpeg(1000);
        body[field] = good.clone();
        assert_eq!(post(&server, &body).status, 201, "{field}: {good}");
        body[field] = bad.clone();
        let reply = post(&server, &body);
        reply.problem(Code::InvalidParameter);
        assert_eq!(reply.fields(), [field], "{bad}");
    }
}

#[test]
fn a_wrong_size_has_a_code_of_its_own() {
    let server = Server::start();
    let detail = post(&server, &jpeg(100_000_001)).problem(Code::TooLarge);
    assert!(detail.contains("100000001") && detail.contains("100000000"), "{detail}");
    post(&server, &jpeg(0)).problem(Code::Empty);
    let mut body = jpeg(100_000_001);
    body["folder"] = json!("x");
    let reply = post(&server, &body);
    reply.problem(Code::InvalidParameter);
    assert_eq!(reply.fields(), ["content_length", "folder"]);
}

#[test]
fn what_is_not_a_json_object_is_refused() {
    let server = Server::start();
    let deep = "[".repeat(10_000);
    let bodies: [&[u8]; 7] =
        [b"", b"{", b"[1]", b"null", b"{\"content_length\": 1,}", b"\xff\xfe", deep.as_bytes()];
    for body in bodies {
        let reply = server.call(&Request::new("POST", "/v1/uploads").body(body));
        reply.problem(Code::InvalidJson);
    }
}

#[test]
fn a_body_is_read_to_64_kib_and_no_further() {
    let server = Server::start();
    let padded = |length: usize| {
        let mut body = jpeg(1000).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        server.call(&Request::new("POST", "/v1/uploads").body(body))
    };
    assert_eq!(padded(65_536).status, 201);
    let detail = padded(65_537).problem(Code::TooLarge);
    assert!(detail.contains("65536"), "{detail}");
    // The answer arrives although the client was still sending.
    padded(4_000_000).problem(Code::TooLarge);
}

#[test]
fn a_repeated_request_gets_the_same_answer() {
    let server = Server::start();
    let first = post_with_key(
        &server,
        "k1",
        r#"{"content_length":7,"content_type":"image/png","tags":{"a":"1","b":"2"}}"#,
    );
    first.ok(201);
    server.clock.advance(Duration::from_mins(10));
    let again = post_with_key(
        &server,
        "k1",
        r#"{ "tags": {"b":"2","a":"1"}, "content_type": "image/png", "content_length": 7, "filename": null }"#,
    );
    again.ok(201);
    assert_eq!(again.text(), first.text(), "the same image, and the URL with the same end");
    assert_eq!(again.header("location"), first.header("location"));
    let other = post_with_key(
        &server,
        "k2",
        r#"{"content_length":7,"content_type":"image/png","tags":{"a":"1","b":"2"}}"#,
    );
    assert_ne!(other.ok(201)["image_id"], first.json()["image_id"]);
    assert_eq!(server.get("/v1/images").ok(200)["images"].as_array().unwrap().len(), 2);
}

#[test]
fn another_request_under_a_used_key_is_refused() {
    let server = Server::start();
    post_with_key(&server, "k1", &jpeg(7).to_string()).ok(201);
    post_with_key(&server, "k1", &jpeg(8).to_string()).problem(Code::IdempotencyKeyReused);
}

#[test]
fn a_key_belongs_to_its_tenant() {
    let server = Server::with_keys();
    let (a, b) = (server.key("a"), server.key("b"));
    let create = |secret: &str, length| {
        let request = Request::new("POST", "/v1/uploads").header("Idempotency-Key", "same");
        server.call(&request.key(secret).json(&jpeg(length)))
    };
    let first = create(&a, 7).ok(201);
    let second = create(&b, 8).ok(201);
    assert_ne!(first["image_id"], second["image_id"]);
}

#[test]
fn a_repeated_request_for_an_erased_image_says_so() {
    let server = Server::start();
    let body = post_with_key(&server, "k1", &jpeg(7).to_string()).ok(201);
    let target = server.path(&body["image_url"]);
    assert_eq!(server.call(&Request::new("DELETE", &target)).status, 202);
    post_with_key(&server, "k1", &jpeg(7).to_string()).problem(Code::Erased);
}

#[test]
fn an_idempotency_key_is_short_and_visible() {
    let server = Server::start();
    let body = jpeg(7).to_string();
    post_with_key(&server, &"k".repeat(255), &body).ok(201);
    for key in ["", "two words", "é", &"k".repeat(256)] {
        let reply = post_with_key(&server, key, &body);
        reply.problem(Code::InvalidParameter);
        assert_eq!(reply.fields(), ["Idempotency-Key"], "{key:?}");
    }
}
