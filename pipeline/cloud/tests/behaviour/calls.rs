//! Processes that are killed at every request that they make to AWS: before anybody heard of it, and after
//! it was done. Redelivery heals each of them, and where nobody redelivers, the client asks again. Or only
//! the answer is lost, and the SDK asks again what was done already.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    cloud_home::{CloudHome, count_images, say},
    house::{House as _, PATIENCE},
};
use crate::harness::{
    client::terms,
    home::Terms,
    pictures::small,
    proxy::{ANY, Aim, Moment},
};

/// A visibility time that the slowest handler keeps: what is redelivered earlier loses a start that nobody
/// has lost.
const TERMS: Terms =
    Terms { visibility: 10, timeout: Duration::from_secs(10), batch: 1, ..Terms::USUAL };

/// What is stored of each image, by file and digest.
type Stored = BTreeMap<String, BTreeSet<(String, String)>>;

async fn stored(home: &CloudHome) -> Stored {
    let mut all = Stored::new();
    let s3 = &home.home.stack.clients.s3;
    let list = s3.list_objects_v2().bucket(&home.home.stack.buckets.media);
    let mut pages = list.into_paginator().send();
    while let Some(page) = pages.next().await {
        for object in page.unwrap().contents() {
            let key = object.key().unwrap();
            let Some((folder, rest)) = key.split_once('/') else { continue };
            let Some((id, file)) = rest.split_once('/') else { continue };
            let entry = (format!("{folder}/{file}"), object.e_tag().unwrap().to_owned());
            all.entry(id.to_owned()).or_default().insert(entry);
        }
    }
    all
}

/// Every request of these functions about an image, in every way.
fn aims(home: &CloudHome, functions: &[&'static str], image: &str) -> Vec<Aim> {
    let mut all = Vec::new();
    for function in functions {
        let calls = home.home.proxy.calls(function, image);
        say(&format!("{function} asks {} times: {}", calls.len(), calls.join(", ")));
        for call in 0..calls.len() {
            for moment in [Moment::Before, Moment::After, Moment::Lost] {
                all.push(Aim { function, image: String::new(), call, moment });
            }
        }
    }
    all
}

fn count(hits: &[Aim], functions: &[&'static str]) {
    for function in functions {
        let of = |moment| {
            hits.iter().filter(|hit| hit.function == *function && hit.moment == moment).count()
        };
        let (before, after, lost) = (of(Moment::Before), of(Moment::After), of(Moment::Lost));
        say(&format!(
            "{function}: killed {before} times before a request and {after} after it; {lost} answers lost"
        ));
        assert!(before > 0 && after > 0 && lost > 0, "{function} was not killed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn functions_that_are_killed_at_any_request_are_healed() {
    // Who announces is who happens to be last, metadata or resize, and has more to ask: nearly always resize.
    const SAMPLES: usize = 3;
    const ROUNDS: usize = 8;
    let home = CloudHome::start(TERMS).await;
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        let id = home.client.upload(small(), "image/jpeg").await;
        home.client.until(&id, "ready", PATIENCE).await;
        home.home.until_idle(PATIENCE).await;
        samples.push((home.home.proxy.calls("resize", &id).len(), id));
    }
    samples.sort();
    let undisturbed = samples.pop().unwrap().1;
    let wanted = stored(&home).await[&undisturbed].clone();
    let makers = ["ingest", "metadata", "resize"];
    let kills = aims(&home, &makers, &undisturbed);
    count_images("killed at every request", kills.len() + SAMPLES);

    let (mut all, mut left, mut rounds) = (BTreeMap::new(), kills, 0);
    while !left.is_empty() {
        rounds += 1;
        assert!(rounds <= ROUNDS, "never hit: {left:#?}");
        let mut round = Vec::new();
        for aim in left.drain(..) {
            let created = home.client.create(terms(small(), "image/jpeg")).await;
            home.home.proxy.aim(Aim { image: created.id.clone(), ..aim.clone() });
            assert_eq!(created.put(small()).await.unwrap().0, 200);
            round.push(aim.clone());
            all.insert(created.id, aim);
        }
        home.client.until_ready(all.len() + SAMPLES, PATIENCE).await;
        // What this one's image did not have to ask, another's will.
        let hit: BTreeSet<_> = home.home.proxy.hits().into_iter().map(|hit| hit.image).collect();
        left = round
            .into_iter()
            .filter(|aim| !all.iter().any(|(id, aimed)| aimed == aim && hit.contains(id)))
            .collect();
    }
    let ready = home.client.until_ready(all.len() + SAMPLES, PATIENCE).await;
    let hits = home.home.proxy.hits();
    count(&hits, &makers);
    say(&format!("{} kills hit in {rounds} rounds, none missed", hits.len()));
    let found = stored(&home).await;
    for (id, aim) in &all {
        assert_eq!(ready[id]["variants"].as_array().unwrap().len(), 6, "{aim:?}");
        assert_eq!(found[id], wanted, "{aim:?} left other objects");
    }

    let others = samples.into_iter().map(|(_, id)| id);
    erase(&home, &undisturbed, all.into_keys().chain(others).collect()).await;
}

/// Erasing, by whoever answers the client and by whoever removes the objects.
async fn erase(home: &CloudHome, undisturbed: &str, mut ids: Vec<String>) {
    let erasers = ["api", "fanout"];
    let known = home.home.proxy.calls("api", undisturbed).len();
    delete(home, undisturbed).await;
    // The first round: the second, after three visibility times, asks the same.
    let begun = tokio::time::Instant::now();
    while stored(home).await.contains_key(undisturbed) {
        assert!(begun.elapsed() < PATIENCE, "it is not erased");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut kills = aims(home, &erasers, undisturbed);
    // What the API was asked before it was asked to erase.
    kills.retain(|aim| aim.function != "api" || aim.call >= known);
    let before = home.home.proxy.hits().len();
    for mut aim in kills {
        let id = ids.pop().expect("more images than kills");
        if aim.function == "api" {
            aim.call = aim.call - known + home.home.proxy.calls("api", &id).len();
        }
        home.home.proxy.aim(Aim { image: id.clone(), ..aim });
        delete(home, &id).await;
    }
    for id in ids {
        delete(home, &id).await;
    }
    home.home.until_idle(PATIENCE).await;
    let hits = home.home.proxy.hits();
    count(&hits[before..], &erasers);
    assert_eq!(stored(home).await, Stored::new(), "what is left of erased images");
}

async fn delete(home: &CloudHome, id: &str) {
    for _ in 0..20 {
        let (status, _) = home.client.call("DELETE", &format!("/v1/images/{id}"), None).await;
        if status == 202 {
            return;
        }
        // 502: whoever was asked died of it.
        assert_eq!(status, 502, "{id}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{id} cannot be erased");
}

/// The API that dies while it creates an upload, and the client that asks again; and whoever dies while it
/// sweeps away what that left. What the API asks of S3 is not told from what clients ask, so it is not struck.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creations_and_sweeps_that_are_killed_at_any_request_are_healed() {
    const DAY: Duration = Duration::from_hours(25);
    let home = CloudHome::start(TERMS).await;
    let wanted = [
        terms(small(), "image/jpeg"),
        serde_json::json!({ "content_length": 120_000_000, "content_type": "image/tiff" }),
    ];
    let mut created = 0;
    for wanted in wanted {
        let undisturbed = home.client.create(wanted.clone()).await.id;
        let kills = aims(&home, &["api"], &undisturbed);
        created += kills.len() + 1;
        let before = home.home.proxy.hits().len();
        for (number, aim) in (1..).zip(kills) {
            home.home.proxy.aim(Aim { image: ANY.to_owned(), ..aim.clone() });
            let begun = tokio::time::Instant::now();
            while home.client.call("POST", "/v1/uploads", Some(wanted.clone())).await.0 != 201 {
                assert!(begun.elapsed() < PATIENCE, "{aim:?}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            assert_eq!(home.home.proxy.hits().len(), before + number, "{aim:?} missed");
        }
    }
    count(&home.home.proxy.hits(), &["api"]);
    count_images("created again", created);

    // None of them was ever sent. The first sweep shows what there is to ask.
    let sample = home.client.create(terms(small(), "image/jpeg")).await.id;
    home.grow_old(DAY).await;
    swept(&home).await;
    assert_eq!(home.client.record(&sample).await["status"], "expired");
    let kills = aims(&home, &["fanout"], &sample);
    count_images("killed while sweeping", kills.len() + 1);
    for aim in kills {
        let image = home.client.create(terms(small(), "image/jpeg")).await.id;
        home.home.proxy.aim(Aim { image, ..aim });
    }
    home.grow_old(DAY).await;
    let begun = tokio::time::Instant::now();
    while !home.client.all("pending").await.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "there are uploads that nobody sweeps");
        swept(&home).await;
    }
    count(&home.home.proxy.hits(), &["fanout"]);
    let uploads = home.home.stack.clients.s3.list_multipart_uploads();
    let begun = uploads.bucket(&home.home.stack.buckets.uploads).send().await.unwrap();
    assert_eq!(begun.uploads().len(), 0, "parts are waited for still");
}

/// Sweeps, and waits until that has ended.
async fn swept(home: &CloudHome) {
    home.sweep().await;
    home.home.until_idle(PATIENCE).await;
}
