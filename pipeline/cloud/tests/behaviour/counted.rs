//! What an image costs, counted and not guessed: requests to each service and invocations.

use std::time::Duration;

use crate::harness::{
    client::Client,
    home::{Home, Terms},
    moto::Moto,
    pictures::photograph,
};

const IMAGES: u64 = 10;
/// Variants, derived values and metadata.
const PIECES: u64 = 8;

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
    }
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
}
