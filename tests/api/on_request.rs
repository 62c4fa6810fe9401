//! `/i/{id}/{variant}` of what is made when it is first asked for: who has it made, who waits for it,
//! and what they hear.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use api::Requests;
use async_trait::async_trait;
use domain::{
    Clock as _, Code, ImageId, Message, Outbox, Problem, StageName, StoreError,
    image::{Outcome, Progress},
    message::Body,
};

use super::{
    client::{Reply, Request},
    server::{Options, Server, piece, private},
};

const OFFERED: &str = "
[variants.small]
width = 200
formats = ['jpeg']
[variants.hero]
width = 1600
formats = ['avif', 'webp', 'jpeg']
when = 'request'
";

/// A server whose answers wait for so long, and an image that is ready.
fn serve(wait: Duration) -> (Server, ImageId) {
    let requests = Requests { wait, poll: Duration::from_millis(5), ..Requests::default() };
    let server = Server::with(Options { requests, ..Options::default() });
    server.offer(OFFERED);
    let id = server.image();
    server.finish(id, &[("small.jpeg", b"small")]);
    (server, id)
}

fn impatient() -> (Server, ImageId) {
    serve(Duration::from_millis(30))
}

fn ask(server: &Server, id: ImageId, name: &str, accept: Option<&str>) -> Reply {
    let request = Request::get(&format!("/i/{id}/{name}"));
    server.call(&match accept {
        Some(accept) => request.header("Accept", accept),
        None => request,
    })
}

/// The files that the fan-out was asked for, message by message.
fn asked(server: &Server, id: ImageId) -> Vec<String> {
    let waiting = server.waiting(StageName::Fanout).into_iter();
    waiting
        .filter_map(|message| match message.body {
            Body::Requested { image, files } if image == id => Some(files.join(" ")),
            _ => None,
        })
        .collect()
}

/// What fan-out and resize do with what was asked for.
fn make(server: &Server, id: ImageId, name: &str) {
    order(server, id, name);
    assert_eq!(server.make(id, name, name.as_bytes()), Progress::Underway);
}

fn order(server: &Server, id: ImageId, name: &str) {
    let pieces = BTreeSet::from([piece(name)]);
    let presets = server.run(server.catalog.image(id)).unwrap().requests[name].presets.clone();
    let order = server.catalog.order(id, &pieces, &presets);
    assert_eq!(server.run(order).unwrap(), pieces, "asked for");
}

#[track_caller]
fn leads_to(reply: &Reply, file: &str) {
    assert_eq!(reply.status, 302, "{}", reply.text());
    let location = reply.header("location").unwrap();
    assert!(location.ends_with(&format!("/{file}")), "{location}");
}

#[test]
fn who_asks_first_waits_until_it_is_there() {
    let (server, id) = serve(Duration::from_secs(15));
    let replies: Vec<Reply> = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..16).map(|_| scope.spawn(|| ask(&server, id, "hero.webp", None))).collect();
        while asked(&server, id).is_empty() {
            thread::sleep(Duration::from_millis(2));
        }
        thread::sleep(Duration::from_millis(50));
        make(&server, id, "hero.webp");
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    for reply in &replies {
        leads_to(reply, "hero.webp");
        assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
    }
    assert_eq!(asked(&server, id), ["hero.webp"], "sixteen clients, one message");
    let bytes = server.get(&server.path(&replies[0].header("location").into()));
    assert_eq!((bytes.status, bytes.body.as_slice()), (200, b"hero.webp".as_slice()));
    assert!(bytes.header("cache-control").unwrap().contains("immutable"));

    let record = server.get(&format!("/v1/images/{id}")).ok(200);
    let hero = record["variants"].as_array().unwrap().iter().find(|v| v["name"] == "hero").unwrap();
    assert_eq!(hero["url"].as_str(), replies[0].header("location"));
    assert_eq!(record["status"], "ready");
    leads_to(&ask(&server, id, "hero.webp", None), "hero.webp");
    assert_eq!(asked(&server, id).len(), 1, "it is kept");
}

#[test]
fn who_has_waited_long_enough_is_told_to_come_again() {
    let (server, id) = impatient();
    for _ in 0..5 {
        let reply = ask(&server, id, "hero.webp", None);
        reply.problem(Code::NotYetMade);
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("2")));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    assert_eq!(asked(&server, id).len(), 1);
    server.clock.advance(Requests::default().patience);
    ask(&server, id, "hero.webp", None).problem(Code::NotYetMade);
    assert_eq!(asked(&server, id).len(), 2, "what may be lost is asked for again");
    make(&server, id, "hero.webp");
    leads_to(&ask(&server, id, "hero.webp", None), "hero.webp");
}

/// An outbox that is busy once, and counts what it is told.
#[derive(Default)]
struct Busy(AtomicUsize);

#[async_trait]
impl Outbox for Busy {
    async fn send(&self, _: &[Message]) -> Result<(), StoreError> {
        if self.0.fetch_add(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        let retry_after = Duration::from_secs(3);
        Err(StoreError::Busy { retry_after, reason: "the disk is slow".to_owned() })
    }

    async fn bury(&self, _: &Message, _: &Problem) -> Result<(), StoreError> {
        unreachable!("nothing is buried here")
    }
}

#[test]
fn what_the_fan_out_was_not_told_the_next_who_asks_tells_it() {
    let outbox = Arc::new(Busy::default());
    let requests = Requests { wait: Duration::from_millis(30), ..Requests::default() };
    let options = Options { requests, outbox: Some(outbox.clone()), ..Options::default() };
    let server = Server::with(options);
    server.offer(OFFERED);
    let id = server.image();
    server.finish(id, &[("small.jpeg", b"small")]);
    ask(&server, id, "hero.webp", None).problem(Code::Busy);
    for _ in 0..3 {
        ask(&server, id, "hero.webp", None).problem(Code::NotYetMade);
        assert_eq!(outbox.0.load(Ordering::SeqCst), 2, "told once more, and only once");
    }
}

/// Waiting takes a place; asking does not.
#[test]
fn who_finds_no_place_to_wait_is_told_so_at_once() {
    let requests = Requests { waiting: 0, ..Requests::default() };
    let server = Server::with(Options { requests, ..Options::default() });
    server.offer(OFFERED);
    let id = server.image();
    server.finish(id, &[("small.jpeg", b"small")]);
    ask(&server, id, "hero.webp", None).problem(Code::NotYetMade);
    assert_eq!(asked(&server, id), ["hero.webp"]);
}

#[test]
fn a_server_that_is_about_to_stop_keeps_nobody_waiting() {
    let server = Server::with(Options { closing: true, ..Options::default() });
    server.offer(OFFERED);
    let id = server.image();
    server.finish(id, &[("small.jpeg", b"small")]);
    let begun = Instant::now();
    ask(&server, id, "hero.webp", None).problem(Code::NotYetMade);
    assert!(begun.elapsed() < Requests::default().wait, "{:?}", begun.elapsed());
}

#[test]
fn the_description_says_what_becomes_of_who_waits() {
    let server = Server::start();
    let description = server.get("/openapi.json").ok(200);
    let answers = &description["paths"]["/i/{id}/{variant}"]["get"]["responses"];
    assert!(answers["302"]["headers"]["Location"].is_object(), "{answers:#}");
    assert!(answers["503"]["headers"]["Retry-After"].is_object(), "{answers:#}");
    let problem = &answers["503"]["content"]["application/problem+json"]["schema"]["$ref"];
    assert_eq!(problem, "#/components/schemas/ProblemDetails");
}

#[test]
fn whoever_tries_names_makes_no_work() {
    let (server, id) = impatient();
    let version = server.run(server.catalog.image(id)).unwrap().version;
    for name in
        ["nothing", "hero.png", "hero.gif", "small.webp", "Hero", "hero.webp.webp", "derived"]
    {
        let reply = ask(&server, id, name, None);
        let detail = reply.problem(Code::UnknownVariant);
        assert!(detail.contains("hero.avif"), "{detail} names what may be asked for");
    }
    let other = ImageId::mint(1, &[1; 10]);
    ask(&server, other, "hero", None).problem(Code::UnknownImage);
    // Of images that are not there yet, or not any more, nothing may be asked.
    let pending = server.image();
    let processing = server.image();
    server.accept(processing);
    server.expect(processing, &["small.jpeg"]);
    for early in [pending, processing] {
        let reply = ask(&server, early, "hero.webp", None);
        reply.problem(Code::NotReady);
        assert_eq!((reply.status, reply.header("retry-after")), (404, Some("1")));
    }
    let erased = server.image();
    server.finish(erased, &[("small.jpeg", b"x")]);
    let now = server.clock.now();
    server.run(server.catalog.erase(erased, now)).unwrap();
    ask(&server, erased, "hero.webp", None).problem(Code::Erased);
    for image in [id, pending, processing, erased] {
        assert!(asked(&server, image).is_empty());
    }
    assert_eq!(server.run(server.catalog.image(id)).unwrap().version, version);
}

#[test]
fn of_a_private_image_only_its_owner_asks() {
    let requests = Requests { wait: Duration::from_millis(30), ..Requests::default() };
    let access = api::Access::Keys;
    let server = Server::with(Options { access, requests, ..Options::default() });
    server.offer(OFFERED);
    let (owner, other) = (server.key("owner"), server.key("other"));
    let id = server.create_as(Some(&owner), &private()).id;
    server.finish(id, &[("small.jpeg", b"small")]);
    let request = || Request::get(&format!("/i/{id}/hero.webp"));
    server.call(&request()).problem(Code::KeyRequired);
    server.call(&request().key(&other)).problem(Code::UnknownImage);
    assert!(asked(&server, id).is_empty());
    server.call(&request().key(&owner)).problem(Code::NotYetMade);
    assert_eq!(asked(&server, id).len(), 1);
    make(&server, id, "hero.webp");
    let reply = server.call(&request().key(&owner));
    assert_eq!(reply.header("cache-control"), Some("private, no-store"));
    let location = reply.header("location").unwrap();
    assert!(location.contains("/p/") && location.contains("signature="), "{location}");
}

#[test]
fn what_failed_says_why_and_is_not_asked_for_again() {
    let (server, id) = impatient();
    ask(&server, id, "hero.webp", None).problem(Code::NotYetMade);
    order(&server, id, "hero.webp");
    let why = Problem::new(Code::SideTooLong, "WebP has no sides over 16383");
    server.record(id, "hero.webp", Outcome::Failed(why));
    for _ in 0..3 {
        let detail = ask(&server, id, "hero.webp", None).problem(Code::SideTooLong);
        assert!(detail.contains("16383"));
    }
    assert_eq!(asked(&server, id).len(), 1);
    let record = server.get(&format!("/v1/images/{id}")).ok(200);
    assert_eq!(record["status"], "ready");
    // Another format of it may do.
    ask(&server, id, "hero", Some("image/webp")).problem(Code::NotYetMade);
    assert_eq!(asked(&server, id), ["hero.webp", "hero.jpeg"]);
}

#[test]
fn where_the_best_fails_the_next_best_is_made_for_who_waits() {
    let (server, id) = serve(Duration::from_secs(15));
    let until_asked = |messages: usize| {
        while asked(&server, id).len() < messages {
            thread::sleep(Duration::from_millis(2));
        }
    };
    let reply = thread::scope(|scope| {
        let client = scope.spawn(|| ask(&server, id, "hero", Some("image/webp")));
        until_asked(1);
        order(&server, id, "hero.webp");
        let why = Problem::new(Code::SideTooLong, "WebP has no sides over 16383");
        server.record(id, "hero.webp", Outcome::Failed(why));
        until_asked(2);
        make(&server, id, "hero.jpeg");
        client.join().unwrap()
    });
    leads_to(&reply, "hero.jpeg");
    assert_eq!(asked(&server, id), ["hero.webp", "hero.jpeg"]);
}

#[test]
fn accept_chooses_among_what_may_be_made() {
    const CHROME: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
    let (server, id) = impatient();
    for (accept, file) in [(None, "hero.jpeg"), (Some(CHROME), "hero.avif")] {
        ask(&server, id, "hero", accept).problem(Code::NotYetMade);
        assert_eq!(asked(&server, id).last().map(String::as_str), Some(file));
    }
    // What is there and will do is not waited past; the better one is on its way.
    make(&server, id, "hero.jpeg");
    let reply = ask(&server, id, "hero", Some(CHROME));
    leads_to(&reply, "hero.jpeg");
    assert_eq!(reply.header("vary"), Some("accept"));
    leads_to(&ask(&server, id, "hero", Some("image/webp,*/*;q=0.1")), "hero.jpeg");
    assert_eq!(asked(&server, id), ["hero.jpeg", "hero.avif", "hero.webp"]);
    make(&server, id, "hero.avif");
    leads_to(&ask(&server, id, "hero", Some(CHROME)), "hero.avif");
    // Who accepts none of the formats gets one all the same.
    leads_to(&ask(&server, id, "hero", Some("text/html")), "hero.jpeg");
    ask(&server, id, "hero", Some("image/webp")).problem(Code::NotYetMade);
}

#[test]
fn under_other_presets_the_old_one_serves_while_it_is_asked_for() {
    let (server, id) = impatient();
    ask(&server, id, "hero.webp", None).problem(Code::NotYetMade);
    make(&server, id, "hero.webp");
    server.offer(&OFFERED.replace("1600", "1700"));
    for _ in 0..3 {
        leads_to(&ask(&server, id, "hero.webp", None), "hero.webp");
    }
    assert_eq!(asked(&server, id), ["hero.webp", "hero.webp"], "once more by the new presets");
    // Where they do not offer it any more, what was made serves on.
    server.offer("[variants.small]\nwidth = 200\nformats = ['jpeg']\n");
    leads_to(&ask(&server, id, "hero.webp", None), "hero.webp");
    ask(&server, id, "hero.avif", None).problem(Code::UnknownVariant);
}
