//! A bucket that others write to, under names of their own choice.

use std::{collections::BTreeMap, time::Duration};

use domain::StageName;
use serde_json::{Value, json};

use super::{
    cloud_home::{CloudHome, count_images, event},
    house::PATIENCE,
};
use crate::harness::{
    home::Terms,
    pictures::{fixture, photograph, small},
};

/// What stands in a key, and what stands for it in an event.
const KEYS: [(&str, &str); 7] = [
    ("plain.jpg", "plain.jpg"),
    ("with space.jpg", "with+space.jpg"),
    ("1+1.jpg", "1%2B1.jpg"),
    ("grün/Übung ü.jpg", "gr%C3%BCn%2F%C3%9Cbung+%C3%BC.jpg"),
    ("a/b/c.jpg", "a%2Fb%2Fc.jpg"),
    ("100%.jpg", "100%25.jpg"),
    ("literally%20+%2B.jpg", "literally%2520%2B%252B.jpg"),
];

/// The bucket, as its owner uses it.
struct Adopted(CloudHome);

impl Adopted {
    fn bucket(&self) -> &str {
        self.0.home.stack.buckets.adopted.as_deref().unwrap()
    }

    /// Puts an object there; answers its `ETag`.
    async fn put(&self, key: &str, bytes: &[u8]) -> String {
        let put = self.0.home.stack.clients.s3.put_object().bucket(self.bucket()).key(key);
        let put = put.body(bytes.to_vec().into()).send().await.unwrap();
        put.e_tag.unwrap().trim_matches('"').to_owned()
    }

    async fn say(&self, events: &[Value]) {
        self.0.say(StageName::Ingest, json!({ "Records": events }).to_string()).await;
    }

    fn created(&self, escaped: &str, etag: &str, sequencer: &str) -> Value {
        let object = json!({ "eTag": etag, "sequencer": sequencer });
        event("ObjectCreated:Put", self.bucket(), escaped, &object)
    }

    /// How many images there are of each file, and all are ready.
    async fn files(&self) -> BTreeMap<String, usize> {
        self.0.home.until_idle(PATIENCE).await;
        for status in ["pending", "processing", "failed", "rejected"] {
            let none = self.0.client.all(status).await;
            assert!(none.is_empty(), "{none:#?}");
        }
        let mut files = BTreeMap::new();
        for record in self.0.client.all("ready").await.values() {
            *files.entry(record["filename"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        files
    }
}

fn file(key: &str) -> String {
    key.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_object_of_any_name_becomes_an_image() {
    count_images("adopted", KEYS.len());
    let adopted = Adopted(CloudHome::start(Terms::USUAL).await);
    for (key, _) in KEYS {
        adopted.put(key, small()).await;
    }
    let ready = adopted.0.client.until_ready(KEYS.len(), PATIENCE).await;
    let expected: BTreeMap<_, _> = KEYS.iter().map(|(key, _)| (file(key), 1)).collect();
    assert_eq!(adopted.files().await, expected);
    for record in ready.values() {
        let variants = record["variants"].as_array().unwrap();
        assert_eq!(variants.len(), 6, "{record:#}");
        let (status, body) = adopted.0.client.get(variants[0]["url"].as_str().unwrap()).await;
        assert_eq!(status, 200);
        assert_eq!(variants[0]["sha256"], domain::Sha256::of(&body).to_string());
    }
    // The same said again, in AWS's spelling and more than one at a time, is nothing new.
    let etag = adopted.put("plain.jpg", small()).await;
    let again: Vec<_> =
        KEYS.iter().map(|(_, escaped)| adopted.created(escaped, &etag, "0B")).collect();
    adopted.say(&again).await;
    adopted.say(&again[2..4]).await;
    assert_eq!(adopted.files().await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_overwritten_object_is_another_image_and_old_news_are_none() {
    count_images("overwritten", 2);
    let adopted = Adopted(CloudHome::start(Terms::USUAL).await);
    let first = adopted.put("over/written.jpg", small()).await;
    adopted.0.client.until_ready(1, PATIENCE).await;
    let second = adopted.put("over/written.jpg", &photograph()).await;
    assert_ne!(first, second);
    let ready = adopted.0.client.until_ready(2, PATIENCE).await;
    let two = BTreeMap::from([("written.jpg".to_owned(), 2)]);
    assert_eq!(adopted.files().await, two);
    let digests: Vec<_> = ready.values().map(|record| record["source"]["sha256"].clone()).collect();
    for bytes in [small(), &photograph()] {
        assert!(digests.contains(&json!(domain::Sha256::of(bytes).to_string())), "{digests:?}");
    }
    // What happened before comes after it, as S3 says it may: of a version that is an image, and of one
    // that nobody had heard of before it was gone.
    adopted.say(&[adopted.created("over%2Fwritten.jpg", &first, "01")]).await;
    adopted
        .say(&[adopted.created("over%2Fwritten.jpg", "0123456789abcdef0123456789abcdef", "00")])
        .await;
    adopted.say(&[adopted.created("over%2Fwritten.jpg", &second, "02")]).await;
    assert_eq!(adopted.files().await, two);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_record_is_heard_and_what_is_no_arrival_is_not() {
    count_images("in one message", 3);
    let adopted = Adopted(CloudHome::start(Terms::USUAL).await);
    let home = &adopted.0.home;
    let s3 = &home.stack.clients.s3;
    let nothing = aws_sdk_s3::types::NotificationConfiguration::builder().build();
    let hush = s3.put_bucket_notification_configuration().bucket(adopted.bucket());
    hush.notification_configuration(nothing).send().await.unwrap();
    let mut events = Vec::new();
    for (key, escaped) in &KEYS[1..4] {
        let etag = adopted.put(key, &fixture("grey.jpg")).await;
        events.push(adopted.created(escaped, &etag, "0A"));
    }
    // Nobody has heard of them.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(adopted.files().await, BTreeMap::new());
    // What S3 sends when it is set up, objects that went, and buckets that are not listened to.
    let test = json!({
        "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-23T00:00:00.000Z",
        "Bucket": adopted.bucket(), "RequestId": "R", "HostId": "H",
    });
    adopted.0.say(StageName::Ingest, test.to_string()).await;
    let bucket = adopted.bucket().to_owned();
    let gone = event("ObjectRemoved:Delete", &bucket, "with+space.jpg", &json!({}));
    let marked = event("ObjectRemoved:DeleteMarkerCreated", &bucket, "1%2B1.jpg", &json!({}));
    let loops = event("ObjectCreated:Put", &home.stack.buckets.media, "v%2Fx", &json!({}));
    let foreign = event("ObjectCreated:Put", "somebody-elses", "plain.jpg", &json!({}));
    adopted.say(&[gone.clone(), marked, loops, foreign]).await;
    assert_eq!(adopted.files().await, BTreeMap::new());
    // All of a message, among what is none.
    events.insert(1, gone);
    adopted.say(&events).await;
    adopted.0.client.until_ready(3, PATIENCE).await;
    let expected: BTreeMap<_, _> = KEYS[1..4].iter().map(|(key, _)| (file(key), 1)).collect();
    assert_eq!(adopted.files().await, expected);
    let (_, letters) = adopted.0.client.call("GET", "/v1/dead-letters", None).await;
    assert_eq!(letters["dead_letters"], json!([]));
}
