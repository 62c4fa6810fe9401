//! Dead letters.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Code, DeadLetters as _, Message, Outbox, Problem, StageName, Status, StoreError, message::Body,
    ports::Role,
};
use serde_json::{Value, json};

use super::{
    client::{Reply, Request},
    server::{Options, Server, jpeg, piece},
};

fn redrive(server: &Server, secret: Option<&str>, body: &Value) -> Reply {
    let request = Request::new("POST", "/v1/dead-letters/redrive").json(body);
    server.call(&match secret {
        Some(secret) => request.key(secret),
        None => request,
    })
}

fn ids(page: &Value) -> Vec<String> {
    let letters = page["dead_letters"].as_array().unwrap().iter();
    letters.map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_letter_says_what_was_given_up_and_why() {
    let server = Server::start();
    let id = server.image();
    let letter = server.bury(id, "metadata");
    let found = server.get(&format!("/v1/dead-letters/{letter}")).ok(200);
    assert_eq!(
        found,
        json!({
            "id": letter, "image_id": id.to_string(), "stage": "metadata",
            "message": { "message": "describe", "image": id.to_string(), "piece": piece("metadata").to_string() },
            "reason": { "code": "crashed", "detail": "the worker was lost at each of 3 attempts" },
            "buried_at": "2026-11-23T08:00:00.123456Z",
        })
    );
    assert_eq!(server.get("/v1/dead-letters").ok(200)["dead_letters"], json!([found]));
    server.get("/v1/dead-letters/nonsense").problem(Code::UnknownDeadLetter);
    server.get("/v1/dead-letters/%ff").problem(Code::UnknownDeadLetter);
}

#[test]
fn redriving_opens_the_image_sends_the_work_and_discards_the_letter() {
    let server = Server::start();
    let id = server.image();
    server.accept(id);
    server.expect(id, &["metadata"]);
    let letter = server.bury(id, "metadata");
    let reason = domain::Problem::new(Code::Crashed, "lost");
    server.record(id, "metadata", domain::image::Outcome::Failed(reason));
    server.flip(id);
    let needless = server.bury(id, "unwanted");

    let answer = redrive(&server, None, &json!({ "ids": [letter, needless] })).ok(200);
    assert_eq!(answer, json!({ "redriven": [letter], "needless": [needless], "more": false }));
    let image = server.run(server.catalog.image(id)).unwrap();
    assert_eq!(image.status, Status::Processing);
    let sent = server.waiting(StageName::Metadata);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body, Body::Describe { image: id, piece: piece("metadata") });
    assert_eq!(server.get("/v1/dead-letters").ok(200)["dead_letters"], json!([]));
    redrive(&server, None, &json!({ "ids": [letter] })).problem(Code::UnknownDeadLetter);
}

#[test]
fn where_one_letter_is_unknown_none_is_taken_back() {
    let server = Server::start();
    let letter = server.bury(server.image(), "metadata");
    let detail = redrive(&server, None, &json!({ "ids": [letter, "nonsense"] }))
        .problem(Code::UnknownDeadLetter);
    assert!(detail.contains("nonsense"), "{detail}");
    assert_eq!(ids(&server.get("/v1/dead-letters").ok(200)), [letter]);
}

#[test]
fn redriving_takes_one_of_two_forms() {
    let server = Server::start();
    let many: Vec<_> = (0..1001).map(|n| n.to_string()).collect();
    for body in [
        json!({}),
        json!({ "all": false }),
        json!({ "all": 1 }),
        json!({ "ids": [], }),
        json!({ "ids": "x" }),
        json!({ "ids": [1] }),
        json!({ "ids": many }),
        json!({ "ids": ["x"], "all": true }),
        json!({ "everything": true }),
    ] {
        redrive(&server, None, &body).problem(Code::InvalidParameter);
    }
    let answer = redrive(&server, None, &json!({ "all": true })).ok(200);
    assert_eq!(answer, json!({ "redriven": [], "needless": [], "more": false }));
}

#[test]
fn a_tenant_sees_and_takes_back_its_own_letters_only() {
    let server = Server::with_keys();
    let (a, b) = (server.key("a"), server.key("b"));
    let of_a: Vec<_> =
        (0..3).map(|_| server.bury(server.create_as(Some(&a), &jpeg(10)).id, "metadata")).collect();
    let of_b = server.bury(server.create_as(Some(&b), &jpeg(10)).id, "metadata");
    let of_the_home = server.bury_message(&Body::Sweep { cursor: None }.into());
    let list = |secret: &str| server.call(&Request::get("/v1/dead-letters").key(secret)).ok(200);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(ids(&list(&a))), sorted(of_a.clone()));
    assert_eq!(ids(&list(&b)), std::slice::from_ref(&of_b));
    for letter in [&of_b, &of_the_home] {
        let target = format!("/v1/dead-letters/{letter}");
        server.call(&Request::get(&target).key(&a)).problem(Code::UnknownDeadLetter);
        redrive(&server, Some(&a), &json!({ "ids": [letter] })).problem(Code::UnknownDeadLetter);
    }
    let answer = redrive(&server, Some(&a), &json!({ "all": true })).ok(200);
    let gone =
        answer["redriven"].as_array().unwrap().len() + answer["needless"].as_array().unwrap().len();
    assert_eq!(gone, 3);
    assert_eq!(ids(&list(&b)), [of_b]);
    assert!(server.run(server.queue.letter(&of_the_home)).is_ok());

    let operator = server.key_as("c", Role::Operator);
    assert_eq!(ids(&list(&operator)), std::slice::from_ref(&of_the_home));
    let target = format!("/v1/dead-letters/{of_the_home}");
    assert_eq!(server.call(&Request::get(&target).key(&operator)).status, 200);
    let answer = redrive(&server, Some(&operator), &json!({ "all": true })).ok(200);
    assert_eq!(answer["redriven"], json!([of_the_home]));
}

#[test]
fn letters_come_in_pages_whose_cursors_say_nothing_of_others() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let server = Server::with_keys();
    let (a, b) = (server.key("a"), server.key("b"));
    let mut own = Vec::new();
    for n in 0..10 {
        let secret = if n % 2 == 0 { &a } else { &b };
        let letter = server.bury(server.create_as(Some(secret), &jpeg(10)).id, "metadata");
        server.clock.advance(std::time::Duration::from_secs(1));
        if n % 2 == 0 {
            own.push(letter);
        }
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    for _ in 0..4 {
        let page = server.call(&Request::get(&format!("/v1/dead-letters{query}")).key(&a)).ok(200);
        assert!(ids(&page).len() <= 2);
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let position = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
        assert!(own.iter().any(|letter| position.contains(letter)), "{position} is another's");
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, own, "each once, the oldest first");
    let reply = server.call(&Request::get("/v1/dead-letters?status=ready").key(&a));
    reply.problem(Code::InvalidParameter);
}

#[test]
fn whoever_sits_at_the_machine_sees_the_homes_letters_too() {
    let server = Server::start();
    let letter = server.bury_message(&Body::Sweep { cursor: None }.into());
    let page = server.get("/v1/dead-letters").ok(200);
    assert_eq!(ids(&page), std::slice::from_ref(&letter));
    assert_eq!(page["dead_letters"][0]["image_id"], Value::Null);
    let answer = redrive(&server, None, &json!({ "all": true })).ok(200);
    assert_eq!(answer["redriven"], json!([letter]));
    let sent = server.waiting(StageName::Fanout);
    assert_eq!(sent.last().unwrap().body, Body::Sweep { cursor: None });
}

/// An outbox that takes one message, and then is full.
#[derive(Default)]
struct Full(AtomicBool);

#[async_trait]
impl Outbox for Full {
    async fn send(&self, _: &[Message]) -> Result<(), StoreError> {
        if !self.0.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let retry_after = Duration::from_secs(1);
        Err(StoreError::Busy { retry_after, reason: "the disk is full".to_owned() })
    }

    async fn bury(&self, _: &Message, _: &Problem) -> Result<(), StoreError> {
        unreachable!("nothing is buried here")
    }
}

#[test]
fn a_redrive_that_ends_early_tells_what_it_did_and_that_there_is_more() {
    let outbox: Arc<dyn Outbox> = Arc::<Full>::default();
    let server = Server::with(Options { outbox: Some(outbox), ..Options::default() });
    let first = server.bury_message(&Body::Sweep { cursor: None }.into());
    server.clock.advance(Duration::from_secs(1));
    let query = domain::query::Filter::default();
    let second = server.bury_message(&Body::Reprocess { query, cursor: None }.into());
    let answer = redrive(&server, None, &json!({ "all": true })).ok(200);
    assert_eq!(answer, json!({ "redriven": [first], "needless": [], "more": true }));
    assert_eq!(ids(&server.get("/v1/dead-letters").ok(200)), std::slice::from_ref(&second));
    // Where nothing was done, the reason is the answer.
    redrive(&server, None, &json!({ "all": true })).problem(Code::Busy);
    assert_eq!(ids(&server.get("/v1/dead-letters").ok(200)), [second]);
}
