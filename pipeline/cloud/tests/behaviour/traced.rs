//! What the functions say of an image, and in whose trace.

use std::{collections::BTreeSet, process::Command, sync::Arc, time::Duration};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::{
    MessageSystemAttributeName, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};
use cloud::SystemClock;
use domain::{
    Code, ImageId, Key, Message, Outbox as _, PieceId, Problem, Revision, Sha256, StageName,
    message::Body, trace::trace_id,
};
use serde_json::{Value, json};

use crate::harness::{
    client::Client,
    home::{Home, Terms},
    lambda::binary,
    moto::{Moto, Stack},
    pictures::photograph,
};

const PATIENCE: Duration = Duration::from_mins(1);

/// The lines about an image: each in its trace, and with all that it takes to find it.
fn about(home: &Home, id: &str) -> Vec<Value> {
    let trace = trace_id(id.parse().unwrap());
    let all: Vec<_> = home.functions.values().flat_map(|function| function.log()).collect();
    let lines: Vec<_> = all.iter().filter(|line| line["image"] == *id).cloned().collect();
    assert!(!lines.is_empty(), "nobody says anything of {id}");
    for line in &lines {
        assert_eq!(line["trace"], *trace, "{line:#}");
        assert!(line["attempt"].as_u64() >= Some(1), "{line:#}");
        for name in ["stage", "kind", "message", "level", "target", "timestamp"] {
            assert!(line[name].is_string(), "{name} of {line:#}");
        }
    }
    let others = all.iter().filter(|line| line["image"] != *id && line["trace"] == *trace);
    assert_eq!(others.count(), 0, "nobody else is in its trace");
    lines
}

fn handled(lines: &[Value]) -> BTreeSet<&str> {
    let handled = lines.iter().filter(|line| line["message"] == "handled");
    handled.map(|line| line["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_image_is_one_trace() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let client = Client::of(&home);
    let good = client.upload(&photograph(), "image/jpeg").await;
    let bad = client.upload(b"this is no image, whatever its type says", "image/jpeg").await;
    client.until(&good, "ready", PATIENCE).await;
    client.until(&bad, "rejected", PATIENCE).await;
    // A copy that comes in somebody else's trace.
    let value = MessageSystemAttributeValue::builder()
        .data_type("String")
        .string_value("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
    home.stack
        .clients
        .sqs
        .send_message()
        .queue_url(&home.stack.queues[&StageName::Fanout])
        .message_body(json!({ "message": "accepted", "image": good }).to_string())
        .message_system_attributes(
            MessageSystemAttributeNameForSends::AwsTraceHeader,
            value.build().unwrap(),
        )
        .send()
        .await
        .unwrap();
    home.until_idle(PATIENCE).await;

    let lines = about(&home, &good);
    let all = ["accepted", "completed", "describe", "notify", "render", "uploaded"];
    assert_eq!(handled(&lines), all.into());
    let stages: BTreeSet<_> = lines.iter().map(|line| line["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["fanout", "ingest", "metadata", "resize"].into());
    let accepted = lines.iter().filter(|line| line["kind"] == "accepted");
    assert!(accepted.count() >= 2, "the copy is among them");

    let lines = about(&home, &bad);
    let rejected = lines.iter().find(|line| line["message"] == "rejected").unwrap();
    assert_eq!((&rejected["stage"], &rejected["kind"]), (&json!("ingest"), &json!("uploaded")));

    // A request to the API has the trace of its invocation.
    let log = home.functions["api"].log();
    let answered: Vec<_> = log.iter().filter(|line| line["message"] == "answered").collect();
    assert!(answered.len() >= 2);
    for line in answered {
        assert!(line["xrayTraceId"].as_str().unwrap().starts_with("Root=1-"), "{line:#}");
    }
}

/// Its id is found out by ingest; what is said before belongs to its trace all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_adopted_image_is_one_trace_too() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let bucket = home.stack.buckets.adopted.as_ref().unwrap();
    let put = home.stack.clients.s3.put_object().bucket(bucket).key("holiday/one.jpg");
    put.body(ByteStream::from(photograph())).send().await.unwrap();
    let begun = tokio::time::Instant::now();
    let log = || home.functions["ingest"].log();
    while !log().iter().any(|line| line["message"] == "handled") {
        assert!(begun.elapsed() < PATIENCE, "nothing is ingested");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    home.until_idle(PATIENCE).await;
    let ids: BTreeSet<String> =
        log().iter().filter_map(|line| line["image"].as_str().map(str::to_owned)).collect();
    assert_eq!(ids.len(), 1);
    let lines = about(&home, ids.first().unwrap());
    assert!(handled(&lines).is_superset(&["accepted", "render", "uploaded"].into()), "{lines:#?}");
}

#[tokio::test]
async fn a_message_carries_the_trace_of_its_image() {
    let stack = Stack::make(Moto::shared()).await;
    let queues = stack.queues(Arc::new(SystemClock));
    let mint = |byte| ImageId::mint(1_764_000_000_123, &[byte; 10]);
    let revision = Revision::short(Sha256::of(b""));
    let piece = PieceId { name: "metadata".to_owned(), revision };
    let describe = |image| -> Message { Body::Describe { image, piece: piece.clone() }.into() };
    let uploaded = Body::Uploaded {
        key: Key::Upload { image: mint(2) },
        bucket: None,
        size: 1,
        etag: String::new(),
        sequencer: None,
    };
    queues.send(&[describe(mint(0)), describe(mint(1)), uploaded.into()]).await.unwrap();
    // Its obituary is about the same image.
    queues.bury(&describe(mint(3)), &Problem::new(Code::Crashed, "lost")).await.unwrap();
    let mut carried = BTreeSet::new();
    for queue in stack.queues.values() {
        let asked = stack.clients.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
        let all = asked.message_system_attribute_names(MessageSystemAttributeName::All);
        for message in all.send().await.unwrap().messages() {
            let header =
                &message.attributes().unwrap()[&MessageSystemAttributeName::AwsTraceHeader];
            carried.insert(header.clone());
        }
    }
    assert_eq!(carried, (0..4).map(|byte| format!("Root={}", trace_id(mint(byte)))).collect());

    // A worker asks for it, too. What came without belongs to its own record, however often it is lent.
    queues.send(&[describe(mint(4))]).await.unwrap();
    let lent = queues.poll(StageName::Metadata, 1, PATIENCE, Duration::ZERO).await.unwrap();
    assert_eq!(lent[0].trace, format!("Root={}", trace_id(mint(4))));
    let sweep = json!({ "message": "sweep" }).to_string();
    let send = stack.clients.sqs.send_message().queue_url(&stack.queues[&StageName::Fanout]);
    send.message_body(sweep).send().await.unwrap();
    let poll = || queues.poll(StageName::Fanout, 1, Duration::ZERO, Duration::from_secs(1));
    let (first, again) = (poll().await.unwrap(), poll().await.unwrap());
    assert!(first[0].trace.starts_with("Root=1-"), "{:?}", first[0]);
    assert_eq!(first[0].trace, again[0].trace);
    assert_ne!(first[0].delivery.receipt, again[0].delivery.receipt);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_command_line_shows_a_life_in_the_cloud() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let client = Client::of(&home);
    let id = client.upload(&photograph(), "image/jpeg").await;
    client.until(&id, "ready", PATIENCE).await;
    let (status, life) = client.call("GET", &format!("/v1/images/{id}/trace"), None).await;
    assert_eq!(status, 200, "{life:#}");
    assert_eq!(life["trace_id"], trace_id(id.parse().unwrap()));
    let (url, key) = (home.url.clone(), home.key.clone());
    let run = move |id: String| {
        let mut command = Command::new(binary("darkroom"));
        command.args(["trace", &id, "--endpoint", &url]).env_clear().env("DARKROOM_KEY", &key);
        command.output().expect("the root package's binary is built: ./dev test does")
    };
    let absent = ImageId::mint(1, &[0; 10]).to_string();
    let asked = id.clone();
    let told = tokio::task::spawn_blocking(move || [run(asked), run(absent)]);
    let [told, unknown] = told.await.unwrap();
    let said = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success() && said.starts_with(&format!("{id} is ready\n")), "{said}");
    assert_eq!(said.matches("  made ").count(), 8, "{said}");
    assert!(said.lines().last().unwrap().contains("  ready"), "{said}");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("(unknown_image)"));
}
