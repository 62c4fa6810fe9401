//! Records, lists and erasure.

use std::time::Duration;

use domain::{
    Code, Key, Objects as _, Problem, Sha256, StageName,
    image::Outcome,
    message::Body,
    record::{Camera, Description, Exposure, Gps, Metadata, Placeholder},
};
use serde_json::{Value, json};

use super::{
    client::Request,
    server::{Server, jpeg, moment, piece, private},
};

#[test]
fn a_record_says_all_that_is_known() {
    let server = Server::start();
    let id = server.create(&json!({
        "content_length": 1000, "content_type": "image/jpeg", "filename": "a.jpg",
        "tags": { "k": "v" },
    }));
    let id = id.id;
    server.accept(id);
    let names = ["small.webp", "small.avif", "large.jpeg", "derived", "metadata"];
    server.expect(id, &names);
    server.make(id, "small.webp", b"webp");
    server.record(id, "small.avif", Outcome::Dropped("larger than webp".into()));
    let problem = Problem::new(Code::Crashed, "the worker was lost at each of 3 attempts");
    server.record(id, "large.jpeg", Outcome::Failed(problem));
    let placeholder = Placeholder { thumbhash: "AAAA".into(), color: "#8a7f70".into() };
    server.record(id, "derived", Outcome::Derived(placeholder));
    let fields = Metadata {
        taken_at: Some("2025-07-01T12:00:00+03:00".into()),
        camera: Some(Camera { make: Some("Maker".into()), model: None }),
        exposure: Some(Exposure { time_s: Some(0.008), iso: Some(100), ..Exposure::default() }),
        orientation: Some(6),
        gps: Some(Gps { latitude: 60.146_706, longitude: 24.906_772, altitude_m: None }),
        keywords: vec!["sea".into()],
        ..Metadata::default()
    };
    let raw = Sha256::of(b"{}");
    let description = Description { fields, raw: Some(raw) };
    server.record(id, "metadata", Outcome::Described(Box::new(description)));
    server.flip(id);

    let record = server.get(&format!("/v1/images/{id}")).ok(200);
    assert_eq!(record["image_id"], id.to_string());
    assert_eq!(record["tenant"], "local");
    assert_eq!(record["status"], "failed");
    assert_eq!(record["visibility"], "public");
    assert_eq!(record["filename"], "a.jpg");
    assert_eq!(record["tags"], json!({ "k": "v" }));
    assert_eq!(
        record["source"],
        json!({
            "format": "jpeg", "width": 3024, "height": 4032, "frames": 1, "bytes": 1000,
            "sha256": Sha256::of(b"source").to_string(), "declared_type": "image/jpeg",
        }),
        "upright"
    );
    let variants = record["variants"].as_array().unwrap();
    let find = |name: &str, format: &str| {
        variants.iter().find(|v| v["name"] == name && v["format"] == format).unwrap()
    };
    let revision = piece("small.webp").revision;
    assert_eq!(
        *find("small", "webp"),
        json!({
            "name": "small", "format": "webp", "width": 200, "height": 150, "bytes": 4,
            "sha256": Sha256::of(b"webp").to_string(),
            "url": format!("{}/v/{id}/{revision}/small.webp", server.signer.public_url()),
        })
    );
    assert_eq!(find("small", "avif")["dropped"], "larger than webp");
    assert_eq!(find("large", "jpeg")["failed"]["code"], "crashed");
    assert_eq!(record["placeholder"]["color"], "#8a7f70");
    assert_eq!(record["metadata"]["camera"]["make"], "Maker");
    assert_eq!(record["metadata"]["title"], Value::Null);
    assert_eq!(record["problem"]["code"], "crashed");

    // Raw metadata is fetched by a signed URL only, of a public image too.
    let key = Key::Metadata { image: id, hash: raw };
    server.run(server.objects.write_if_absent(&key, "{}".into())).unwrap();
    let target = server.path(&record["metadata"]["raw_url"]);
    let reply = server.call(&Request::get(&target));
    assert_eq!((reply.status, reply.text().as_str()), (200, "{}"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    server.get(&format!("/{}", key.path())).problem(Code::SignatureInvalid);
}

#[test]
fn a_private_images_urls_are_signed_and_end() {
    let server = Server::start();
    let id = server.create(&private()).id;
    server.finish(id, &[("small.webp", b"webp")]);
    let record = server.get(&format!("/v1/images/{id}")).ok(200);
    let target = server.path(&record["variants"][0]["url"]);
    assert!(target.starts_with(&format!("/p/{id}/")), "{target}");
    assert_eq!(server.get(&target).text(), "webp");
    server.clock.advance(Duration::from_hours(1));
    server.get(&target).problem(Code::UrlExpired);
    let record = server.get(&format!("/v1/images/{id}")).ok(200);
    assert_eq!(server.get(&server.path(&record["variants"][0]["url"])).text(), "webp");
}

#[test]
fn what_is_not_an_id_names_no_image() {
    let server = Server::start();
    let id = server.image().to_string();
    let unknown = "0193a1b2-c3d4-7000-8000-000000000000";
    for id in [unknown, "x", &id.to_uppercase(), &id.replace('-', ""), "%ff", "%00"] {
        server.get(&format!("/v1/images/{id}")).problem(Code::UnknownImage);
        server.get(&format!("/v1/images/{id}/events")).problem(Code::UnknownImage);
        server.get(&format!("/v1/images/{id}/trace")).problem(Code::UnknownImage);
        let delete = Request::new("DELETE", &format!("/v1/images/{id}"));
        server.call(&delete).problem(Code::UnknownImage);
        server.get(&format!("/i/{id}/small")).problem(Code::UnknownImage);
    }
}

#[test]
fn a_list_is_filtered_by_state_and_time_the_newest_first() {
    let server = Server::start();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(server.image().to_string());
        server.clock.advance(Duration::from_mins(1));
    }
    server.accept(ids[1].parse().unwrap());
    let list = |query: &str| -> Vec<String> {
        let page = server.get(&format!("/v1/images{query}")).ok(200);
        assert_eq!(page["next_cursor"], Value::Null);
        let images = page["images"].as_array().unwrap().iter();
        images.map(|image| image["image_id"].as_str().unwrap().to_owned()).collect()
    };
    let picked =
        |picks: &[usize]| -> Vec<String> { picks.iter().map(|n| ids[*n].clone()).collect() };
    assert_eq!(list(""), picked(&[3, 2, 1, 0]));
    assert_eq!(list("?status=processing"), picked(&[1]));
    assert_eq!(list("?status=pending"), picked(&[3, 2, 0]));
    assert_eq!(list("?status=erased"), picked(&[]));
    assert_eq!(list("?after=2026-11-23T08:01:00.123Z"), picked(&[3, 2, 1]), "from this moment on");
    assert_eq!(list("?before=2026-11-23T08:01:00.123Z"), picked(&[0]), "before this moment");
    assert_eq!(
        list("?after=2026-11-23T10:01:00%2B02:00&before=2026-11-23T08:02:30Z&status=pending"),
        picked(&[2])
    );
}

#[test]
fn a_list_comes_in_pages() {
    let server = Server::start();
    for n in 0..7 {
        server.image();
        // Some at the same moment.
        server.clock.advance(Duration::from_secs(n % 2));
    }
    let mut seen = Vec::new();
    let mut target = "/v1/images?limit=3".to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = server.get(&target).ok(200);
        let images = page["images"].as_array().unwrap();
        sizes.push(images.len());
        seen.extend(images.iter().map(|image| image["image_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/v1/images?limit=3&cursor={cursor}");
    }
    assert_eq!(sizes, [3, 3, 1]);
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 7, "each once");
}

#[test]
fn a_list_names_the_parameter_that_it_cannot_take() {
    let server = Server::start();
    let cases = [
        ("statu=ready", "statu"),
        ("status=Ready", "status"),
        ("status=ready&status=failed", "status"),
        ("after=yesterday", "after"),
        ("before=2026-11-23", "before"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("cursor=", "cursor"),
        ("cursor=%2F%2F", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("tenant=other", "tenant"),
    ];
    for (query, field) in cases {
        let reply = server.get(&format!("/v1/images?{query}"));
        reply.problem(Code::InvalidParameter);
        assert_eq!(reply.fields(), [field], "{query}");
    }
    assert_eq!(server.get("/v1/images?limit=100").status, 200);
}

#[test]
fn tenants_see_and_reach_their_own_images_only() {
    let server = Server::with_keys();
    let (a, b) = (server.key("a"), server.key("b"));
    let mut of_a = Vec::new();
    for _ in 0..3 {
        of_a.push(server.create_as(Some(&a), &jpeg(10)).id.to_string());
        server.clock.advance(Duration::from_secs(1));
    }
    let of_b = server.create_as(Some(&b), &jpeg(10)).id.to_string();
    let list = |secret: &str, query: &str| {
        server.call(&Request::get(&format!("/v1/images{query}")).key(secret)).ok(200)
    };
    let ids = |page: &Value| -> Vec<String> {
        let images = page["images"].as_array().unwrap().iter();
        images.map(|image| image["image_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&list(&b, "")), std::slice::from_ref(&of_b));
    let page = list(&a, "?limit=1");
    assert_eq!(ids(&page), [of_a[2].clone()]);
    // A cursor is good for its owner, in its list, as it was given.
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&list(&a, &format!("?cursor={cursor}"))), [of_a[1].clone(), of_a[0].clone()]);
    for (secret, list, cursor) in [
        (&b, "images", cursor.to_owned()),
        (&a, "dead-letters", cursor.to_owned()),
        (&a, "images", format!("AAAA{}", &cursor[4..])),
        (&a, "images", cursor[..cursor.len() - 4].to_owned()),
    ] {
        let target = format!("/v1/{list}?cursor={cursor}");
        let reply = server.call(&Request::get(&target).key(secret));
        reply.problem(Code::InvalidParameter);
        assert_eq!(reply.fields(), ["cursor"], "{target}");
    }
    for (method, path) in [
        ("GET", format!("/v1/images/{of_b}")),
        ("GET", format!("/v1/images/{of_b}/events")),
        ("DELETE", format!("/v1/images/{of_b}")),
    ] {
        server.call(&Request::new(method, &path).key(&a)).problem(Code::UnknownImage);
    }
    let record = server.call(&Request::get(&format!("/v1/images/{of_b}")).key(&b)).ok(200);
    assert_eq!((&record["status"], &record["tenant"]), (&json!("pending"), &json!("b")));
}

#[test]
fn erasing_leaves_a_tombstone_and_orders_the_rest() {
    let server = Server::start();
    let upload = server.create(&jpeg(10));
    let id = upload.id;
    assert_eq!(server.call(&upload.put(b"ten bytes.")).status, 200);
    server.finish(id, &[("small.webp", b"webp"), ("small.jpeg", b"jpeg")]);
    let target = format!("/v1/images/{id}");
    let body = server.call(&Request::new("DELETE", &target)).ok(202);
    assert_eq!(body["erased_at"], "2026-11-23T08:00:00.123456Z");
    let variant = |name: &str| server_path(id, name);
    let mut removed: Vec<_> =
        body["removed"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    removed.sort_unstable();
    let mut expected = [format!("in/{id}"), variant("small.jpeg"), variant("small.webp")];
    expected.sort();
    assert_eq!(removed, expected);
    let orders = server.waiting(StageName::Fanout);
    assert_eq!(orders.last().unwrap().body, Body::Erase { image: id, round: 0 });

    let record = server.get(&target).ok(200);
    assert_eq!(record["status"], "erased");
    assert_eq!(record["erased_at"], "2026-11-23T08:00:00.123456Z");
    assert_eq!((&record["source"], &record["variants"]), (&Value::Null, &json!([])));

    server.clock.advance(Duration::from_mins(1));
    let again = server.call(&Request::new("DELETE", &target)).ok(202);
    assert_eq!(again["erased_at"], body["erased_at"], "once");
    let sent = server.waiting(StageName::Fanout).into_iter();
    assert_eq!(sent.filter(|message| matches!(message.body, Body::Erase { .. })).count(), 2);
}

fn server_path(id: domain::ImageId, name: &str) -> String {
    super::server::public_key(id, name).path()
}

#[test]
fn the_record_is_never_cached_by_others() {
    let server = Server::start();
    let reply = server.get(&format!("/v1/images/{}", server.image()));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json()["created_at"], json!(moment("2026-11-23T08:00:00.123Z").to_string()));
}
