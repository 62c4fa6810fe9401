//! What is lost, and found again; what kills, and what is taken back.

use std::time::Duration;

use serde_json::json;

use super::{
    cloud_home::{count_images, say},
    house::{House, PATIENCE, Plan, in_both, shown},
};
use crate::harness::{
    client::terms,
    home::Terms,
    pictures::{giant, small},
};

/// Visibility and timeout as short as a giant allows.
const BRISK: Terms = Terms { visibility: 12, timeout: Duration::from_secs(12), ..Terms::USUAL };

/// Nothing is left of messages and of whoever had them; what is written down is all there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_sweeper_finds_what_was_lost() {
    count_images("swept", 5);
    in_both(Plan { terms: BRISK, ..Plan::default() }, async |house: &dyn House| {
        let client = house.client();
        let done = client.upload(small(), "image/jpeg").await;
        client.until(&done, "ready", PATIENCE).await;
        let working = client.upload(giant(), "image/jpeg").await;
        let begun = tokio::time::Instant::now();
        while client.record(&working).await["status"] != "processing" {
            assert!(begun.elapsed() < PATIENCE, "the giant is not begun");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        house.hold().await;
        let unheard = client.upload(small(), "image/jpeg").await;
        let never = client.create(terms(small(), "image/jpeg")).await.id;
        let erased = client.create(terms(small(), "image/jpeg")).await;
        assert_eq!(erased.put(small()).await.unwrap().0, 200);
        let (status, _) = client.call("DELETE", &format!("/v1/images/{}", erased.id), None).await;
        assert_eq!(status, 202);
        let held = [client.record(&working).await, client.record(&unheard).await];
        assert_eq!(
            held.map(|record| record["status"].clone()),
            [json!("processing"), json!("pending")]
        );
        house.lose(Duration::from_hours(2)).await;
        house.sweep().await;
        client.until(&working, "ready", PATIENCE).await;
        client.until(&unheard, "ready", PATIENCE).await;
        client.until(&never, "expired", PATIENCE).await;
        let begun = tokio::time::Instant::now();
        while !house.stored(&erased.id).await.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "an erased image is left");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let mut all = Vec::new();
        for id in [&done, &working, &unheard, &never] {
            let mut shown = shown(house, id).await;
            // It says when.
            if let Some(problem) = shown.record["problem"].as_object_mut() {
                problem.remove("detail");
            }
            all.push(shown);
        }
        all
    })
    .await;
}

/// The picture that kills whoever makes its variants has three starts, and holds nobody up. Where the
/// killer is gone, its letter is taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_picture_that_kills_is_given_up_and_taken_back() {
    const OTHERS: usize = 5;
    count_images("beside a killer", OTHERS + 1);
    let plan = Plan { terms: BRISK, flags: &["--workers", "2"] };
    in_both(plan, async |house: &dyn House| {
        let client = house.client();
        let poison = client.create(terms(giant(), "image/jpeg")).await;
        house.poison(&poison.id).await;
        assert_eq!(poison.put(giant()).await.unwrap().0, 200);
        let mut others = Vec::new();
        for _ in 0..OTHERS {
            others.push(client.upload(small(), "image/jpeg").await);
        }
        for id in &others {
            client.until(id, "ready", PATIENCE).await;
        }
        let failed = client.until(&poison.id, "failed", PATIENCE).await;
        let killed = house.cure().await;
        say(&format!("the killer killed {killed} starts"));
        assert_eq!(killed, 3, "three starts an image");
        let code = failed["problem"]["code"].clone();
        let (_, letters) = client.call("GET", "/v1/dead-letters", None).await;
        let letters = letters["dead_letters"].as_array().unwrap().clone();
        assert_eq!(letters.len(), 1, "{letters:#?}");
        assert_eq!(letters[0]["image_id"], json!(poison.id));
        let reason = letters[0]["reason"]["code"].clone();
        assert_eq!((&code, &reason), (&json!("crashed"), &json!("crashed")));

        let all = Some(json!({ "all": true }));
        let (status, answer) = client.call("POST", "/v1/dead-letters/redrive", all).await;
        assert_eq!(
            (status, answer["redriven"].as_array().map(Vec::len)),
            (200, Some(1)),
            "{answer:#}"
        );
        let record = client.until(&poison.id, "ready", PATIENCE).await;
        let (_, letters) = client.call("GET", "/v1/dead-letters", None).await;
        assert_eq!(letters["dead_letters"], json!([]));
        (shown(house, &poison.id).await, record["variants"].as_array().map(Vec::len))
    })
    .await;
}

/// What everything is written to does not answer for a while: that delays, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_does_not_answer_for_a_while_only_delays() {
    const IMAGES: usize = 8;
    count_images("through an outage", IMAGES);
    in_both(Plan { terms: BRISK, ..Plan::default() }, async |house: &dyn House| {
        let client = house.client();
        let uploads = async {
            let mut ids = Vec::new();
            for _ in 0..IMAGES {
                ids.push(client.upload_patiently(small(), "image/jpeg").await);
            }
            ids
        };
        let outages = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            house.outage(Duration::from_secs(6)).await;
        };
        let (ids, ()) = tokio::join!(uploads, outages);
        let mut all = Vec::new();
        for id in &ids {
            client.until(id, "ready", PATIENCE).await;
            all.push(shown(house, id).await);
        }
        all
    })
    .await;
}
