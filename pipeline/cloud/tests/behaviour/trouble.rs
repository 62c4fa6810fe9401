//! What a home makes of events that come again, processes that die, and services that fail.

use std::{collections::BTreeSet, time::Duration};

use domain::StageName;
use serde_json::json;

use super::{children, fixture, photograph};
use crate::harness::{
    client::Client,
    home::{Home, Terms},
    moto::Moto,
    proxy::Fault,
};

/// The event of S3 for an upload, as AWS writes it.
fn event(home: &Home, id: &str, size: usize) -> String {
    json!({ "Records": [{
        "eventVersion": "2.6",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": { "name": home.stack.buckets.uploads },
            "object": { "key": format!("in%2F{id}"), "size": size, "eTag": "x", "sequencer": "0A" },
        },
    }] })
    .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_events_of_one_upload_are_one_image() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let client = Client::of(&home);
    let bytes = photograph();
    let id = client.upload(&bytes, "image/jpeg").await;
    let queue = &home.stack.queues[&StageName::Ingest];
    let accepted = json!({ "message": "accepted", "image": id }).to_string();
    let fanout = &home.stack.queues[&StageName::Fanout];
    for number in 0..100 {
        // Mixed with what follows from it, early and late.
        let (queue, body) = match number % 4 {
            3 => (fanout, accepted.clone()),
            _ => (queue, event(&home, &id, bytes.len())),
        };
        let send = home.stack.clients.sqs.send_message().queue_url(queue).message_body(body);
        send.send().await.unwrap();
        if number == 60 {
            client.until(&id, "ready", Duration::from_secs(60)).await;
        }
    }
    home.until_idle(Duration::from_secs(60)).await;
    let record = client.until(&id, "ready", Duration::from_secs(60)).await;
    assert_eq!(record["variants"].as_array().unwrap().len(), 6);
    // Six variants, the original, and raw metadata where there are some: nothing was written twice.
    let listed = home.stack.clients.s3.list_objects_v2().bucket(&home.stack.buckets.media);
    let kept = listed.send().await.unwrap().contents().len();
    assert!((7..=8).contains(&kept), "{kept} objects");
    let renders = home.functions["resize"].invocations();
    assert!(renders <= 2, "{renders} renders of one image");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn functions_that_are_killed_lose_nothing() {
    const IMAGES: usize = 12;
    let terms =
        Terms { timeout: Duration::from_secs(10), visibility: 6, batch: 2, ..Terms::default() };
    let home = Home::start(Moto::shared(), terms).await;
    let client = Client::of(&home);
    let mut ids = Vec::new();
    for _ in 0..IMAGES {
        ids.push(client.upload(&photograph(), "image/jpeg").await);
    }
    // Whoever is at work, in turns, at moments that the work itself decides.
    let mut killed = 0;
    for round in 0..20_u64 {
        tokio::time::sleep(Duration::from_millis(40 + round * 37 % 160)).await;
        let names = ["ingest", "resize", "metadata", "fanout"];
        for pid in home.functions[names[usize::try_from(round).unwrap() % names.len()]].pids() {
            killed += usize::from(children::kill(pid));
        }
    }
    assert!(killed >= 10, "{killed} processes were killed");
    for id in &ids {
        let record = client.until(id, "ready", Duration::from_secs(120)).await;
        assert_eq!(record["variants"].as_array().unwrap().len(), 6, "{record:#}");
    }
    println!("killed: {killed} processes, {IMAGES} images ready");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn services_that_fail_only_delay() {
    let terms = Terms { faults: 9, visibility: 8, ..Terms::default() };
    let home = Home::start(Moto::shared(), terms).await;
    let client = Client::of(&home);
    let mut ids = Vec::new();
    for name in ["progressive.jpg", "alpha.webp", "grey.jpg", "cmyk.jpg", "deep.png"] {
        ids.push(client.upload_patiently(&fixture(name), "image/jpeg").await);
    }
    for id in &ids {
        let record = client.until(id, "ready", Duration::from_secs(120)).await;
        assert_eq!(record["variants"].as_array().unwrap().len(), 6, "{record:#}");
    }
    let faults = home.proxy.faults();
    println!("faults: {faults:?}");
    let kinds: BTreeSet<_> = faults.keys().copied().collect();
    let all =
        [Fault::Unavailable, Fault::Throttled, Fault::Slow, Fault::ResetBefore, Fault::ResetAfter];
    assert_eq!(kinds, all.into(), "each kind of trouble was there");
}
