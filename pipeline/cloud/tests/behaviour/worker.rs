//! `darkroom-worker` in the place of the functions: the same images, the same ends; and when it is told to
//! stop, or is killed, whatever it had is finished by the next.

use std::time::Duration;

use serde_json::json;

use super::{
    cloud_home::{CloudHome, count_images, say},
    house::PATIENCE,
};
use crate::harness::{
    client::terms,
    home::{Hands, Terms},
    pictures::{fixture, large, small},
    proxy::{Aim, Moment},
    worker::{DRAIN, Worker},
};

/// A loan as short as a worker's may be.
const TERMS: Terms = Terms { hands: Hands::Workers, visibility: 10, ..Terms::USUAL };

async fn until_begun(home: &CloudHome, id: &str) {
    let begun = tokio::time::Instant::now();
    while home.home.proxy.calls("worker", id).iter().all(|call| call != "s3 PutObject") {
        assert!(begun.elapsed() < PATIENCE, "nobody makes variants of {id}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_does_what_functions_do() {
    const PICTURES: [(&str, &str); 3] = [
        ("progressive.jpg", "image/jpeg"),
        ("alpha.webp", "image/webp"),
        ("deep.png", "image/png"),
    ];
    count_images("by a worker", PICTURES.len() + 4);
    let home = CloudHome::start(TERMS).await;
    let mut worker = Worker::start(&home.home, 0).await;
    let mut good = Vec::new();
    for (name, content_type) in PICTURES {
        good.push(home.client.upload(&fixture(name), content_type).await);
    }
    let bad = home.client.upload(b"this is no image, whatever its type says", "image/jpeg").await;
    for _ in 0..3 {
        good.push(home.client.upload(small(), "image/jpeg").await);
    }
    for id in &good {
        let record = home.client.until(id, "ready", PATIENCE).await;
        assert_eq!(record["variants"].as_array().unwrap().len(), 6, "{record:#}");
    }
    let rejected = home.client.until(&bad, "rejected", PATIENCE).await;
    assert_eq!(rejected["problem"]["code"], "unsupported_format");
    let (_, letters) = home.client.call("GET", "/v1/dead-letters", None).await;
    assert_eq!(letters["dead_letters"], json!([]));
    home.home.until_idle(PATIENCE).await;
    assert_eq!(home.home.functions["fanout"].invocations(), 0, "no function did it");
    // Where there is nothing to do it ends as soon as its queues have answered.
    worker.tell("TERM");
    assert_eq!(worker.end(DRAIN).await.code(), Some(0));
    assert_eq!(worker.health().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_is_told_to_stop_drains_and_the_next_one_finishes() {
    const IMAGES: usize = 24;
    count_images("through a worker's end", IMAGES);
    let home = CloudHome::start(TERMS).await;
    let mut ids = Vec::new();
    for _ in 0..IMAGES {
        ids.push(home.client.upload(large(), "image/jpeg").await);
    }
    let mut worker = Worker::start(&home.home, 0).await;
    let begun = tokio::time::Instant::now();
    while home.client.all("ready").await.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "nothing is ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    worker.tell("TERM");
    let told = tokio::time::Instant::now();
    let mut heard = Vec::new();
    while let Some(status) = worker.health().await {
        heard.push(status);
        assert!(told.elapsed() < DRAIN, "it answers still");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(worker.end(DRAIN.saturating_sub(told.elapsed())).await.code(), Some(0));
    let took = told.elapsed();
    // The first may have been asked before the signal had come.
    assert!(heard.len() > 1 && heard[1..].iter().all(|status| *status == 503), "{heard:?}");
    let ready = home.client.all("ready").await.len();
    say(&format!("a worker drained in {took:?}: {ready} of {IMAGES} images are ready"));
    assert!(ready < IMAGES, "there was nothing left to finish");
    let _next = Worker::start(&home.home, 1).await;
    for id in &ids {
        let record = home.client.until(id, "ready", PATIENCE).await;
        assert_eq!(record["variants"].as_array().unwrap().len(), 6, "{record:#}");
    }
    home.home.until_idle(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_killed_worker_had_is_finished_by_the_next() {
    count_images("of killed workers", 3);
    let home = CloudHome::start(TERMS).await;
    let mut worker = Worker::start(&home.home, 0).await;
    let undisturbed = home.client.upload(small(), "image/jpeg").await;
    let wanted = home.client.until(&undisturbed, "ready", PATIENCE).await["variants"].clone();
    let calls = home.home.proxy.calls("worker", &undisturbed);
    // In the middle of ingest, and in the middle of making variants.
    for (number, operation) in (1..).zip(["s3 CopyObject", "s3 PutObject"]) {
        let call = calls.iter().position(|call| call == operation).unwrap();
        let created = home.client.create(terms(small(), "image/jpeg")).await;
        let aim =
            Aim { function: "worker", image: created.id.clone(), call, moment: Moment::After };
        home.home.proxy.aim(aim);
        assert_eq!(created.put(small()).await.unwrap().0, 200);
        assert_eq!(worker.end(PATIENCE).await.code(), None, "it was killed");
        assert_ne!(home.client.record(&created.id).await["status"], "ready");
        worker = Worker::start(&home.home, number).await;
        let record = home.client.until(&created.id, "ready", PATIENCE).await;
        let digests = |variants: &serde_json::Value| -> Vec<_> {
            variants.as_array().unwrap().iter().map(|it| it["sha256"].clone()).collect()
        };
        assert_eq!(digests(&record["variants"]), digests(&wanted));
    }
    // A picture that is at work when its worker is killed, whatever that was doing.
    let id = home.client.upload(large(), "image/jpeg").await;
    until_begun(&home, &id).await;
    worker.tell("KILL");
    assert_eq!(worker.end(PATIENCE).await.code(), None);
    let _next = Worker::start(&home.home, 3).await;
    home.client.until(&id, "ready", PATIENCE).await;
    home.home.until_idle(PATIENCE).await;
    let (_, letters) = home.client.call("GET", "/v1/dead-letters", None).await;
    assert_eq!(letters["dead_letters"], json!([]));
}
