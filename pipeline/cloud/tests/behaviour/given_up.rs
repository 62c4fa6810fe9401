//! What SQS itself gives up: it was received too often, because nobody came to an end with it.

use std::time::Duration;

use domain::StageName;
use serde_json::{Value, json};

use super::{
    cloud_home::{CloudHome, count_images, say},
    house::PATIENCE,
};
use crate::harness::{client::terms, home::Terms, pictures::small};

/// Six receives are over soon.
const TERMS: Terms = Terms { visibility: 3, timeout: Duration::from_secs(3), ..Terms::USUAL };

async fn until_dead(home: &CloudHome, count: u64) {
    let begun = tokio::time::Instant::now();
    while home.home.waiting(&home.home.dead).await < count {
        assert!(begun.elapsed() < PATIENCE, "fewer than {count} messages are given up");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn letters(home: &CloudHome) -> Vec<Value> {
    let (status, letters) = home.client.call("GET", "/v1/dead-letters", None).await;
    assert_eq!(status, 200, "{letters:#}");
    letters["dead_letters"].as_array().unwrap().clone()
}

/// Two pictures end whoever asks anything about them, before it can write down that it was ended. Their
/// messages come out of their queue together, each received often before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_ends_everyone_who_looks_is_buried_once_and_not_started_again() {
    const KILLERS: usize = 2;
    count_images("given up by a queue", KILLERS + 2);
    let home = CloudHome::start(TERMS).await;
    // They are given up one after the other; this has them arrive in one batch.
    let held = home.home.mappings["dead"].hold().await;
    let mut killers = Vec::new();
    for _ in 0..KILLERS {
        let created = home.client.create(terms(small(), "image/jpeg")).await;
        home.home.proxy.doom("resize", &created.id);
        assert_eq!(created.put(small()).await.unwrap().0, 200);
        killers.push(created.id);
    }
    until_dead(&home, KILLERS as u64).await;
    let killed = home.home.proxy.dooms();
    assert!(killed >= 2 * KILLERS as u64, "{killed}");
    // Nobody else is kept from being made meanwhile.
    let other = home.client.upload(small(), "image/jpeg").await;
    home.client.until(&other, "ready", PATIENCE).await;
    assert_eq!(letters(&home).await, Vec::<Value>::new());
    drop(held);

    for id in &killers {
        let failed = home.client.until(id, "failed", PATIENCE).await;
        assert_eq!(failed["problem"]["code"], "crashed", "{failed:#}");
    }
    home.home.until_idle(PATIENCE).await;
    let mut buried: Vec<_> = letters(&home).await.iter().map(|it| it["image_id"].clone()).collect();
    buried.sort_by_key(Value::to_string);
    killers.sort();
    assert_eq!(json!(buried), json!(killers));
    assert_eq!(home.home.proxy.dooms(), killed, "a killer was started again");
    let later = home.client.upload(small(), "image/jpeg").await;
    home.client.until(&later, "ready", PATIENCE).await;
    say(&format!(
        "{KILLERS} messages that SQS gave up killed {killed} starts, and none after that"
    ));
}

/// Nobody can say of what cannot be read whose it was, so it stays with what was given up until it is too
/// old for SQS, where people look at it: an alarm counts that queue. It stops nothing that came with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_cannot_be_read_is_given_up_and_stops_nobody() {
    const UNREADABLE: [&str; 3] = ["not json", "{\"message\":\"of no kind\"}", "[]"];
    count_images("beside what cannot be read", 4);
    let home = CloudHome::start(TERMS).await;
    let held = home.home.mappings["dead"].hold().await;
    for (stage, body) in
        [StageName::Ingest, StageName::Resize, StageName::Fanout].into_iter().zip(UNREADABLE)
    {
        home.say(stage, body.to_owned()).await;
    }
    for _ in 0..2 {
        let id = home.client.upload(small(), "image/jpeg").await;
        home.client.until(&id, "ready", PATIENCE).await;
    }
    let killer = home.client.create(terms(small(), "image/jpeg")).await;
    home.home.proxy.doom("resize", &killer.id);
    assert_eq!(killer.put(small()).await.unwrap().0, 200);
    let count = UNREADABLE.len() as u64;
    until_dead(&home, count + 1).await;
    drop(held);
    // What can be read is buried, though it came with what cannot.
    home.client.until(&killer.id, "failed", PATIENCE).await;
    let buried: Vec<_> = letters(&home).await.iter().map(|it| it["image_id"].clone()).collect();
    assert_eq!(json!(buried), json!([killer.id]));
    let begun = tokio::time::Instant::now();
    while home.home.waiting(&home.home.dead).await != count {
        assert!(begun.elapsed() < PATIENCE, "the queue of what was given up is not as it was");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let id = home.client.upload(small(), "image/jpeg").await;
    home.client.until(&id, "ready", PATIENCE).await;
    for queue in home.home.stack.queues.values() {
        assert_eq!(home.home.waiting(queue).await, 0, "{queue}");
    }
    assert_eq!(home.home.waiting(&home.home.dead).await, count);
}
