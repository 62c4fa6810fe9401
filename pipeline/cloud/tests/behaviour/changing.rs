//! Presets that change while images come, and work that no invocation has the time for.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{
    cloud_home::{count_images, say},
    house::{House, PATIENCE, Plan, file, in_both, shown},
};
use crate::harness::{
    home::Terms,
    pictures::{large, small},
};

const BEFORE: &str = "[variants.one]\nwidth = 64\nformats = [\"jpeg\"]\n";
const AFTER: &str = "[variants.one]\nwidth = 48\nformats = [\"jpeg\", \"webp\"]\n\
                     [variants.two]\nwidth = 24\nformats = [\"png\"]\n\
                     [variants.later]\nwidth = 32\nformats = [\"png\"]\nwhen = \"request\"\n";

fn files(record: &Value) -> BTreeSet<String> {
    record["variants"].as_array().into_iter().flatten().map(file).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn presets_that_change_midway_hold_from_then_on() {
    const FIRST: usize = 4;
    let plan = Plan { terms: Terms { presets: Some(BEFORE), ..Terms::USUAL }, ..Plan::default() };
    count_images("while presets change", FIRST + 2);
    in_both(plan, async |house: &dyn House| {
        let client = house.client();
        let mut ids = Vec::new();
        for _ in 0..FIRST {
            ids.push(client.upload(small(), "image/jpeg").await);
        }
        let old = shown(house, &ids[0]).await;
        house.set_presets(AFTER).await;
        let begun = tokio::time::Instant::now();
        let last = loop {
            let id = client.upload(small(), "image/jpeg").await;
            let record = client.until(&id, "ready", PATIENCE).await;
            ids.push(id);
            if files(&record).len() > 1 {
                break ids[ids.len() - 1].clone();
            }
            assert!(begun.elapsed() < PATIENCE, "the presets are as before");
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        let new = shown(house, &last).await;
        // Whoever came in between has one set or the other, and no mixture.
        let sets = [files(&old.record), files(&new.record)];
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(sets, [names(&["one.jpeg"]), names(&["one.jpeg", "one.webp", "two.png"])]);
        for id in &ids {
            let between = shown(house, id).await;
            assert!(between == old || between == new, "{between:?}");
        }
        // What is offered on request now is offered of what came before.
        let url = format!("{}/i/{}/later.png", client.url(), ids[0]);
        let begun = tokio::time::Instant::now();
        let made = loop {
            let (status, body) = client.get(&url).await;
            if status == 200 {
                break body;
            }
            assert!(begun.elapsed() < PATIENCE, "{status}: {}", String::from_utf8_lossy(&body));
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        (old, new, made)
    })
    .await;
}

/// Eighty variants.
fn many() -> &'static str {
    static MANY: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    MANY.get_or_init(|| {
        let variant = |n: u32| {
            let width = 400 + n * 10;
            format!("[variants.v{n}]\nwidth = {width}\nformats = [\"webp\", \"png\"]\n")
        };
        (0..40).map(variant).collect()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_no_invocation_has_time_for_is_handed_on() {
    count_images("handed on", 1);
    let terms = Terms {
        presets: Some(many()),
        timeout: Duration::from_secs(4),
        visibility: 20,
        ..Terms::USUAL
    };
    let plan = Plan { terms, flags: &["--deadline", "4s"] };
    in_both(plan, async |house: &dyn House| {
        let id = house.client().upload(large(), "image/jpeg").await;
        house.client().until(&id, "ready", PATIENCE).await;
        let renders = house.renders().await;
        say(&format!("{renders} renders of one image"));
        assert!(renders > 1, "the work was handed on");
        shown(house, &id).await
    })
    .await;
}
