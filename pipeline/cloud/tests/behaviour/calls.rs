//! Processes that are killed at every request that they make to AWS: before anybody heard of it, and after
//! it was done. Redelivery heals each of them, and where nobody redelivers, the client asks again. Or only
//! the answer is lost, and the SDK asks again what was done already.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    cloud_home::{CloudHome, count_images, say},
    house::PATIENCE,
};
use crate::harness::{
    client::terms,
    home::Terms,
    pictures::small,
    proxy::{Aim, Moment},
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
    let home = CloudHome::start(TERMS).await;
    let undisturbed = home.client.upload(small(), "image/jpeg").await;
    home.client.until(&undisturbed, "ready", PATIENCE).await;
    home.home.until_idle(PATIENCE).await;
    let wanted = stored(&home).await[&undisturbed].clone();
    let makers = ["ingest", "metadata", "resize"];
    let kills = aims(&home, &makers, &undisturbed);
    count_images("killed at every request", kills.len() + 1);

    let mut all = BTreeMap::new();
    for aim in kills {
        let created = home.client.create(terms(small(), "image/jpeg")).await;
        home.home.proxy.aim(Aim { image: created.id.clone(), ..aim.clone() });
        assert_eq!(created.put(small()).await.unwrap().0, 200);
        all.insert(created.id, aim);
    }
    let ready = home.client.until_ready(all.len() + 1, PATIENCE).await;
    let hits = home.home.proxy.hits();
    let missed: Vec<_> =
        all.iter().filter(|(id, _)| !hits.iter().any(|hit| hit.image == **id)).collect();
    count(&hits, &makers);
    // Who announces is who happens to be last, metadata or resize: what one image's had to ask, the
    // other's may not.
    assert!(missed.len() * 5 <= all.len(), "not killed: {missed:#?}");
    say(&format!("{} kills were aimed, {} hit", all.len(), hits.len()));
    let found = stored(&home).await;
    for (id, aim) in &all {
        assert_eq!(ready[id]["variants"].as_array().unwrap().len(), 6, "{aim:?}");
        assert_eq!(found[id], wanted, "{aim:?} left other objects");
    }

    erase(&home, &undisturbed, all.into_keys().collect()).await;
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
