//! What an image costs, counted and not guessed: requests to each service and invocations. `darkroom
//! estimate` makes a bill of it, so what it takes for counted is held to what is.

#[expect(unreachable_pub, reason = "it is public where it belongs, in the home on one machine")]
mod estimate;

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use cloud::INDEXES;
use domain::StageName;
use serde_json::json;

use self::estimate::{
    Counts, Inputs,
    counted::{COUNTED, VARIANTS},
};
use super::cloud_home::{count_images, say};
use crate::harness::{
    client::{Client, terms},
    home::{Home, Terms},
    mapping::Mapping,
    moto::Moto,
    pictures::{described, photograph},
};

const IMAGES: u64 = 10;
const PATIENCE: Duration = Duration::from_mins(2);
/// Variants, derived values and metadata.
const PIECES: u64 = 8;
/// What processes ask once and no image does, by name, at most. Whatever else is asked is an image's.
const ONCE: [(&str, u64); 1] = [
    // Each process of the API writes down a tenant that it had not seen.
    ("dynamodb PutItem", 3),
];
fn of(all: &[(&str, u64)], wanted: &str) -> u64 {
    all.iter().find(|(name, _)| *name == wanted).map_or(0, |(_, count)| *count)
}

/// All that is counted, at a moment.
struct Tally {
    requests: BTreeMap<String, u64>,
    invocations: BTreeMap<&'static str, u64>,
    /// What the mappings ask of SQS.
    mapped: u64,
}

impl Tally {
    fn of(home: &Home) -> Self {
        let invocations = home.functions.iter().map(|(name, it)| (*name, it.invocations()));
        Self {
            requests: home.proxy.requests(),
            invocations: invocations.collect(),
            mapped: home.mappings.values().map(Mapping::requests).sum(),
        }
    }

    /// What came since another, which is of before any image: S3 has told of each bucket that it will tell.
    fn since(mut self, before: &Tally) -> Self {
        for (name, count) in &mut self.requests {
            *count -= before.count(name);
        }
        self.requests.retain(|_, count| *count > 0);
        for (name, count) in &mut self.invocations {
            *count -= before.invocations[name];
        }
        self.mapped -= before.mapped;
        self
    }

    fn count(&self, name: &str) -> u64 {
        self.requests.get(name).copied().unwrap_or_default()
    }

    /// Requests to SQS in all: S3's, which tells of every upload, and ours.
    fn sqs(&self) -> u64 {
        let ours = self.requests.iter().filter(|(name, _)| name.starts_with("sqs "));
        IMAGES + ours.map(|(_, count)| count).sum::<u64>() + self.mapped
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few hundred, for people")]
fn each(count: u64) -> String {
    format!("{:.2}", count as f64 / IMAGES as f64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_image_costs_as_few_requests_as_it_was_to() {
    count_images("counted alone", 10);
    let home = Home::start(Moto::shared(), Terms { batch: 1, ..Terms::default() }).await;
    let client = Client::of(&home);
    home.until_idle(PATIENCE).await;
    let before = Tally::of(&home);
    let mut ids = Vec::new();
    for _ in 0..IMAGES {
        ids.push(client.upload(&photograph(), "image/jpeg").await);
    }
    home.until_idle(PATIENCE).await;
    let mut tally = Tally::of(&home).since(&before);
    for id in &ids {
        client.until(id, "ready", PATIENCE).await;
    }
    // With the looks, of which only the invocation is counted.
    tally.invocations = Tally::of(&home).since(&before).invocations;
    println!("of {IMAGES} images, at batch 1:");
    for (name, count) in &tally.requests {
        println!("{name:<28} {count:>5} {:>6} an image", each(*count));
    }
    for (name, count) in &tally.invocations {
        println!("invocations of {name:<13} {count:>5}");
    }
    let count = |name: &str| tally.count(name);
    // The API's own write of each image is among these.
    let writes = count("dynamodb PutItem") + count("dynamodb UpdateItem");
    assert!(writes <= IMAGES * (PIECES + 3) + 5, "{writes} writes to the table");
    let puts = count("s3 PutObject") + count("s3 CopyObject") + count("s3 PutObject (upload)");
    assert!(puts <= IMAGES * (6 + 3), "{puts} writes to S3");
    say(&format!("at batch 1, {} requests to SQS an image", each(tally.sqs())));
    assert!(tally.sqs() <= IMAGES * 9, "{} requests to SQS", tally.sqs());
    assert_eq!(tally.invocations["resize"], IMAGES, "one decode an image");

    let wanted: BTreeMap<_, _> = COUNTED.requests().into_iter().collect();
    let invoked: BTreeMap<_, _> = COUNTED.invocations().into_iter().collect();
    let unknown: Vec<_> =
        tally.requests.keys().filter(|name| !wanted.contains_key(name.as_str())).collect();
    assert!(unknown.is_empty(), "pipeline/local/estimate/counted.rs does not have {unknown:?}");
    let requests =
        wanted.into_iter().map(|(name, each)| (name, each, count(name), of(&ONCE, name)));
    let invocations = invoked
        .into_iter()
        .map(|(name, each)| (name, each, tally.invocations[name], of(&ONCE, name)));
    for (name, each, counted, once) in requests.chain(invocations) {
        let expected = IMAGES * u64::from(each);
        assert!(
            (expected..=expected + once).contains(&counted),
            "{name}: {counted}, where pipeline/local/estimate/counted.rs has {expected}"
        );
    }
}

/// Every batch is full: what is to be handled waits until all of it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn images_that_come_together_share_requests() {
    const WORK: [StageName; 3] = [StageName::Ingest, StageName::Metadata, StageName::Resize];
    count_images("counted in batches", 10);
    let all = Terms { batch: 10, pictures: 10, lanes: 1, ..Terms::default() };
    let home = Home::start(Moto::shared(), all).await;
    let client = Client::of(&home);
    home.until_idle(PATIENCE).await;
    let before = Tally::of(&home);
    let mut held = Vec::new();
    for stage in WORK {
        held.push(home.mappings[stage.as_str()].hold().await);
    }
    let mut ids = Vec::new();
    for _ in 0..IMAGES {
        ids.push(client.upload(&photograph(), "image/jpeg").await);
    }
    for (stage, held) in WORK.into_iter().zip(held) {
        let queue = &home.stack.queues[&stage];
        assert_eq!(home.waiting(queue).await, IMAGES, "{stage:?}");
        drop(held);
        let begun = tokio::time::Instant::now();
        while home.waiting(queue).await > 0 {
            assert!(begun.elapsed() < PATIENCE, "{stage:?} does not come to an end");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    home.until_idle(PATIENCE).await;
    for id in &ids {
        client.until(id, "ready", PATIENCE).await;
    }
    let tally = Tally::of(&home).since(&before);
    for stage in WORK.map(StageName::as_str) {
        assert_eq!(tally.invocations[stage], 1, "{stage} was handed all of it at once");
    }
    let asked = tally.sqs();
    let (sent, mapped) = (tally.count("sqs SendMessageBatch"), tally.mapped);
    say(&format!(
        "at batch 10, {} requests to SQS an image: {IMAGES} of S3, {sent} sends and {mapped} of mappings for \
         {IMAGES} images",
        each(asked)
    ));
    assert!(asked <= IMAGES * 3, "{asked} requests to SQS for {IMAGES} images");
}

/// A photograph of a phone, as large in the table as the estimate takes it for, or somewhat smaller.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_item_is_as_large_as_it_is_estimated() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let client = Client::of(&home);
    let mut wanted = terms(described(), "image/jpeg");
    wanted["filename"] = json!("IMG_20261124_101112.jpg");
    let created = client.create(wanted).await;
    assert_eq!(created.put(described()).await.unwrap().0, 200);
    let record = client.until(&created.id, "ready", PATIENCE).await;
    assert!(record["metadata"].to_string().contains("Pixel 9"), "{record:#}");
    home.until_idle(PATIENCE).await;
    let get = home.stack.clients.dynamodb.get_item().table_name(&home.stack.name);
    let pk = AttributeValue::S(format!("image#{}", created.id));
    let item = get.key("pk", pk).send().await.unwrap().item.unwrap();
    let bytes = |name: &str| item.get(name).map(|value| name.len() + value_bytes(value));
    let own = item.keys().filter_map(|name| bytes(name)).sum::<usize>();
    // What DynamoDB adds for an item, and for each entry of an index.
    let added = 100;
    let entry = |(_, partition, sort): &(&str, &str, &str)| {
        Some(bytes("pk")? + bytes(partition)? + bytes(sort)? + added)
    };
    let indexed = INDEXES.iter().filter_map(entry).sum::<usize>();
    let all = own + added + indexed;
    let inputs = Inputs { variants: VARIANTS, upload_bytes: 3_500_000, batch: 1 };
    let derived = Counts::of(&inputs).dynamodb_bytes as usize;
    say(&format!("an item has {own} bytes, {all} with its indexes; {derived} are estimated"));
    assert!(own < 4096, "{own}");
    assert!((derived / 2..=derived).contains(&all), "{all} bytes, where {derived} are estimated");
}

/// What `DynamoDB` counts of an image's item: names and values in UTF-8, three bytes for what holds others
/// and one for each of these (Developer Guide, "DynamoDB item sizes and formats").
fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
        AttributeValue::M(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + value_bytes(value)).sum::<usize>()
        }
        AttributeValue::L(list) => {
            3 + list.iter().map(|value| 1 + value_bytes(value)).sum::<usize>()
        }
        other => panic!("an item holds {other:?}"),
    }
}
