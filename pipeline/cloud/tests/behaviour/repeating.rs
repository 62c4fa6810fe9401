//! What comes again, late, or in another order than it happened.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use super::{
    cloud_home::count_images,
    house::{House, PATIENCE, Plan, Sent, in_both, shown},
};
use crate::harness::{
    client::terms,
    home::Terms,
    pictures::{photograph, small},
    random::Random,
};

/// What is said again of an image.
#[derive(Clone, Copy)]
enum Saying {
    Arrived,
    Accepted,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_events_of_each_upload_are_one_image_each() {
    const IMAGES: usize = 3;
    const EVENTS: usize = 100;
    count_images("a hundred events each", IMAGES);
    in_both(Plan::default(), async |house: &dyn House| {
        let bytes = photograph();
        let mut random = Random(20_261_124);
        let mut uploads = Vec::new();
        for _ in 0..IMAGES {
            uploads.push(house.client().create(terms(&bytes, "image/jpeg")).await);
        }
        // Some come before what they are about.
        for upload in &uploads {
            for _ in 0..EVENTS / 10 {
                house.say_arrived(upload, &bytes, Sent::NotYet).await;
            }
            house.say_accepted(&upload.id).await;
        }
        for upload in &uploads {
            assert_eq!(upload.put(&bytes).await.unwrap().0, 200);
        }
        let mut events: Vec<_> = (0..IMAGES)
            .flat_map(|image| (0..EVENTS * 9 / 10).map(move |number| (image, number)))
            .map(|(image, number)| match number % 4 {
                3 => (image, Saying::Accepted),
                _ => (image, Saying::Arrived),
            })
            .collect();
        random.shuffle(&mut events);
        // The first half while there is work, the second long after it.
        let half = events.len() / 2;
        for (number, (image, saying)) in events.into_iter().enumerate() {
            if number == half {
                for upload in &uploads {
                    house.client().until(&upload.id, "ready", PATIENCE).await;
                }
            }
            match saying {
                Saying::Arrived => house.say_arrived(&uploads[image], &bytes, Sent::Yes).await,
                Saying::Accepted => house.say_accepted(&uploads[image].id).await,
            }
        }
        house.settle().await;
        let mut all = Vec::new();
        for upload in &uploads {
            let shown = shown(house, &upload.id).await;
            assert_eq!(shown.record["variants"].as_array().unwrap().len(), 6, "{shown:?}");
            all.push((shown, house.stored(&upload.id).await));
        }
        let renders = house.renders().await;
        assert!(renders <= 2 * IMAGES as u64, "{renders} renders of {IMAGES} images");
        let overlapping = house.ingests_at_once().is_none_or(|most| most > 1);
        assert!(overlapping, "no two events were handled at the same time");
        all
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_erased_stays_erased_whatever_is_said_of_it() {
    count_images("erased", 3);
    // What was erased is looked for once more, after three of these.
    let terms_of = Terms { visibility: 8, timeout: Duration::from_secs(8), ..Terms::USUAL };
    in_both(Plan { terms: terms_of, ..Plan::default() }, async |house: &dyn House| {
        let client = house.client();
        let create = || client.create(terms(small(), "image/jpeg"));
        // Erased once it is ready, in the middle of its work, and before its bytes came.
        let (ready, working, pending) = (create().await, create().await, create().await);
        assert_eq!(ready.put(small()).await.unwrap().0, 200);
        client.until(&ready.id, "ready", PATIENCE).await;
        assert_eq!(working.put(small()).await.unwrap().0, 200);
        for upload in [&ready, &working, &pending] {
            let (status, said) =
                client.call("DELETE", &format!("/v1/images/{}", upload.id), None).await;
            assert_eq!(status, 202, "{said:#}");
        }
        // The URL is still good where nobody but the bucket looks at it.
        let late = pending.put(small()).await.unwrap().0;
        assert!(matches!(late, 200 | 410), "{late}");
        for _ in 0..3 {
            for upload in [&ready, &working, &pending] {
                let sent = if upload.id == pending.id { Sent::NotYet } else { Sent::Yes };
                house.say_arrived(upload, small(), sent).await;
                house.say_accepted(&upload.id).await;
            }
        }
        // Everything that was said has been heard.
        house.settle().await;
        let mut all = Vec::new();
        for upload in [&ready, &working, &pending] {
            assert_eq!(house.stored(&upload.id).await, BTreeSet::new(), "left of {}", upload.id);
            let (status, record) =
                client.call("GET", &format!("/v1/images/{}", upload.id), None).await;
            let again = client.call("DELETE", &format!("/v1/images/{}", upload.id), None).await.0;
            all.push((status, record["status"].clone(), record["code"].clone(), again));
        }
        assert_eq!(client.all("ready").await.len(), 0);
        assert_eq!(json!(all.len()), json!(3));
        all
    })
    .await;
}
