//! An image's life, as the API answers it and as the command line shows it.

use std::time::Duration;

use domain::{
    Code, ImageId, Problem, StageName,
    image::{Outcome, Start},
    trace::trace_id,
};
use serde_json::{Value, json};

use super::{
    client::Request,
    server::{Server, jpeg, piece},
};
use crate::home::server::darkroom;

fn lost() -> Problem {
    Problem::new(Code::Crashed, "the worker was lost at each of 3 attempts")
}

fn second(server: &Server) {
    server.clock.advance(Duration::from_secs(1));
}

/// An image of which one piece was made, one failed after three starts, and one was dropped.
fn failed(server: &Server) -> ImageId {
    let id = server.image();
    second(server);
    server.accept(id);
    server.expect(id, &["small.webp", "small.avif", "large.jpeg"]);
    second(server);
    server.make(id, "small.webp", b"webp");
    server.record(id, "small.avif", Outcome::Dropped("larger than webp".into()));
    let now = domain::Clock::now(&*server.clock);
    let start = Start::Lost;
    let count = server.catalog.count(id, StageName::Resize, &start, now);
    assert_eq!(server.run(count).unwrap(), Some(1));
    second(server);
    server.bury(id, "large.jpeg");
    server.record(id, "large.jpeg", Outcome::Failed(lost()));
    server.flip(id);
    id
}

#[test]
fn a_life_is_told_in_order() {
    let server = Server::start();
    let id = failed(&server);
    let life = server.get(&format!("/v1/images/{id}/trace")).ok(200);
    let named = |name: &str| piece(name).to_string();
    let problem = json!({ "code": "crashed", "detail": lost().detail });
    assert_eq!(
        life,
        json!({
            "image_id": id.to_string(), "trace_id": trace_id(id), "status": "failed",
            "events": [
                { "at": "2026-11-23T08:00:00.123Z", "what": "created",
                  "detail": "1000 bytes announced as image/jpeg" },
                { "what": "accepted", "detail": "jpeg, 3024 x 4032, 1000 bytes" },
                { "at": "2026-11-23T08:00:01.123456Z", "what": "sent",
                  "detail": "what was missing of 3 pieces" },
                { "what": "started", "stage": "resize",
                  "detail": "1 of 3 starts, lost or under way" },
                { "what": "failed", "piece": named("large.jpeg"), "problem": problem },
                { "what": "dropped", "piece": named("small.avif"), "detail": "larger than webp" },
                { "what": "made", "piece": named("small.webp"), "detail": "200 x 150, 4 bytes" },
                { "at": "2026-11-23T08:00:03.123456Z", "what": "failed", "problem": problem },
            ],
        })
    );
}

#[test]
fn what_is_awaited_is_told_too() {
    let server = Server::start();
    let id = server.image();
    let events = |id: ImageId| {
        let life = server.get(&format!("/v1/images/{id}/trace")).ok(200);
        life["events"].as_array().unwrap().clone()
    };
    let pending = events(id);
    assert_eq!(pending.len(), 1);
    assert!(pending[0]["detail"].as_str().unwrap().contains("may come until"), "{pending:?}");

    second(&server);
    server.accept(id);
    server.expect(id, &["small.webp"]);
    let what = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["what"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(what(&events(id)), ["created", "accepted", "sent", "awaited", "touched"]);

    second(&server);
    server.make(id, "small.webp", b"webp");
    server.flip(id);
    let ready = events(id);
    assert_eq!(what(&ready), ["created", "accepted", "sent", "made", "ready"]);
    assert_eq!(ready[4]["at"], "2026-11-23T08:00:02.123456Z");

    second(&server);
    server.call(&Request::new("DELETE", &format!("/v1/images/{id}"))).ok(202);
    let erased = events(id);
    assert_eq!(what(&erased), ["created", "erased"], "of what was erased nothing more is told");
}

/// Others' lives are as unknown as those that never were.
#[test]
fn a_life_is_its_owners_affair() {
    let server = Server::with_keys();
    let (a, b) = (server.key("a"), server.key("b"));
    let id = server.create_as(Some(&a), &jpeg(10)).id;
    let target = format!("/v1/images/{id}/trace");
    server.call(&Request::get(&target).key(&a)).ok(200);
    server.call(&Request::get(&target).key(&b)).problem(Code::UnknownImage);
    server.get(&target).problem(Code::KeyRequired);
}

#[test]
fn a_trace_is_named_after_its_image() {
    let minted = ImageId::mint(1_764_000_000_123, &[0xab; 10]);
    let name = trace_id(minted);
    assert_eq!(&name[..11], "1-69248100-", "the seconds in which it was minted");
    let bits = minted.to_string().replace('-', "");
    assert_eq!(&name[11..], &bits[8..], "and the id's own bits");
    // The id of an adopted object has no moment.
    let adopted = ImageId::adopted(b"secret", "bucket", "key", "1");
    let bits = adopted.to_string().replace('-', "");
    assert_eq!(trace_id(adopted), format!("1-{}-{}", &bits[..8], &bits[8..]));
}

#[test]
fn the_command_line_shows_a_life_with_its_dead_letters() {
    let server = Server::start();
    let id = failed(&server).to_string();
    let others = server.image();
    server.bury(others, "metadata");
    let run = |flags: &[&str]| {
        let endpoint = format!("http://{}", server.address);
        let arguments = [&["trace", &id, "--endpoint", &endpoint][..], flags].concat();
        let output = darkroom(&arguments).output().unwrap();
        let complained = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{complained}");
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run(&[]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], format!("{id} is failed"));
    assert_eq!(lines[2], "since 2026-11-23T08:00:00.123Z");
    assert!(lines[3].starts_with("  +0.000 s  created      1000 bytes"), "{said}");
    assert!(lines[5].starts_with("  +1.000 s  sent  "), "{said}");
    let column = lines[3].find("created").unwrap();
    assert_eq!(lines[4].find("accepted"), Some(column), "{said}");
    let letter = lines.iter().position(|line| line.contains("  dead letter  metadata: ")).unwrap();
    assert!(lines[letter].starts_with("  +3.000 s") && lines[letter].contains("(crashed); "));
    assert!(lines.iter().any(|line| line.trim_start().starts_with("started")), "{said}");

    let line = run(&["--json"]);
    assert_eq!(line.lines().count(), 1, "{line}");
    let life: Value = serde_json::from_str(&line).unwrap();
    let mut answer = server.get(&format!("/v1/images/{id}/trace")).ok(200);
    let letters = server.get("/v1/dead-letters").ok(200)["dead_letters"].clone();
    let own = letters.as_array().unwrap().iter().filter(|letter| letter["image_id"] == *id);
    answer["dead_letters"] = own.cloned().collect();
    assert_eq!(answer["dead_letters"].as_array().unwrap().len(), 1);
    assert_eq!(life, answer);
}
