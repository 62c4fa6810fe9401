//! What an image costs, counted and not guessed: requests to each service and invocations. `darkroom
//! estimate` makes a bill of it, so what it takes for counted is held to what is.

#[path = "../../../local/estimate/counted.rs"]
#[expect(unreachable_pub, reason = "it is public where it belongs, in the home on one machine")]
mod estimate;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use self::estimate::COUNTED;
use crate::harness::{
    client::Client,
    home::{Home, Terms},
    moto::Moto,
    pictures::photograph,
};

const IMAGES: u64 = 10;
/// Variants, derived values and metadata.
const PIECES: u64 = 8;
/// What comes once and not with every image: a process writes down a tenant that it had not seen, and S3
/// tells of each bucket that it will tell.
const ONCE: u64 = 5;

#[expect(clippy::cast_precision_loss, reason = "counts of a few hundred, for people")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_image_costs_as_few_requests_as_it_was_to() {
    let home = Home::start(Moto::shared(), Terms { batch: 1, ..Terms::default() }).await;
    let client = Client::of(&home);
    let mut ids = Vec::new();
    for _ in 0..IMAGES {
        ids.push(client.upload(&photograph(), "image/jpeg").await);
    }
    home.until_idle(Duration::from_mins(2)).await;
    let counted = home.proxy.requests();
    for id in &ids {
        client.until(id, "ready", Duration::from_mins(1)).await;
        let bytes = item_bytes(&home, id).await;
        assert!(bytes < 4096, "the item of {id} has {bytes} bytes");
    }
    println!("an item has {} bytes", item_bytes(&home, &ids[0]).await);
    let count = |name: &str| counted.get(name).copied().unwrap_or_default();
    println!("of {IMAGES} images, at batch 1:");
    for (name, count) in &counted {
        println!("{name:<28} {count:>5} {:>6.2} an image", *count as f64 / IMAGES as f64);
    }
    for (name, function) in &home.functions {
        println!("invocations of {name:<13} {:>5}", function.invocations());
    }
    // The API's own write of each image is among these.
    let writes = count("dynamodb PutItem") + count("dynamodb UpdateItem");
    assert!(writes <= IMAGES * (PIECES + 3) + 5, "{writes} writes to the table");
    let puts = count("s3 PutObject") + count("s3 CopyObject") + count("s3 PutObject (upload)");
    assert!(puts <= IMAGES * (6 + 3), "{puts} writes to S3");
    // Sent by us: an image has one Describe and one Render. What the mapping asks is counted by it.
    let sent = count("sqs SendMessageBatch");
    let handled: u64 = ["ingest", "metadata", "resize", "fanout"]
        .iter()
        .map(|name| home.functions[*name].invocations())
        .sum();
    println!("SQS: {sent} sends, {handled} receives and deletes each");
    assert!(sent + 2 * handled <= IMAGES * 9, "{} requests to SQS", sent + 2 * handled);
    let reads = count("s3 GetObject");
    println!("{reads} reads of S3");
    assert_eq!(home.functions["resize"].invocations(), IMAGES, "one decode an image");
    let requests = COUNTED.requests().map(|(name, each)| (name, each, count(name)));
    let invoked = |name: &str| home.functions[name].invocations();
    let invocations = COUNTED.invocations().map(|(name, each)| (name, each, invoked(name)));
    for (name, each, counted) in requests.into_iter().chain(invocations) {
        let expected = IMAGES * u64::from(each);
        assert!(
            (expected..=expected + ONCE).contains(&counted),
            "{name}: {counted}, where pipeline/local/estimate/counted.rs has {expected}"
        );
    }
}

/// What `DynamoDB` counts of an image's item: names and values in UTF-8, three bytes for what holds others
/// and one for each of these (Developer Guide, "DynamoDB item sizes and formats").
async fn item_bytes(home: &Home, id: &str) -> usize {
    let get = home.stack.clients.dynamodb.get_item().table_name(&home.stack.name);
    let got = get.key("pk", AttributeValue::S(format!("image#{id}"))).send().await.unwrap();
    got.item.unwrap().iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

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
