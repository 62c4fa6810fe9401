//! The cloud home, with the powers that scenarios ask for: they are over the harness and its resources,
//! never over the functions' own code.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Outbox as _, StageName, message::Body};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::house::{House, PATIENCE, Sent, grow_old};
use crate::{
    harness::{
        client::{Client, Created},
        home::{Home, Terms},
        moto::Moto,
        signals,
    },
    report,
};

/// Functions that handle messages.
pub(super) const STAGES: [&str; 4] = ["ingest", "fanout", "metadata", "resize"];

/// Images that were uploaded to any cloud home of these tests.
static UPLOADED: AtomicUsize = AtomicUsize::new(0);

/// What has how many images on moto, at least. One that needs a browser is left out of it: not every machine
/// has one.
const IMAGES: [(&str, usize); 33] = [
    ("adopted", 7),
    ("overwritten", 2),
    ("in one message", 3),
    ("alike", 6),
    ("by parts", 1),
    ("parts signed again", 1),
    ("parts given up", 1),
    ("by the command line", 1),
    ("bad bytes", 8),
    ("killed at every request", 80),
    ("created again", 8),
    ("killed while sweeping", 4),
    ("while presets change", 6),
    ("handed on", 1),
    ("by boto3", 2),
    ("by curl", 1),
    ("counted alone", 10),
    ("counted in batches", 10),
    ("swept", 5),
    ("beside a killer", 6),
    ("given up by a queue", 4),
    ("beside what cannot be read", 4),
    ("through an outage", 8),
    ("raced for", 1),
    ("a hundred events each", 3),
    ("erased", 3),
    ("killed at random", 150),
    ("through faults", 80),
    ("through two outages", 50),
    ("through a hang", 60),
    ("through two restarts", 40),
    ("by a worker", 7),
    ("through a worker's end", 24),
];

#[test]
fn five_hundred_images_are_on_moto() {
    let all = IMAGES.iter().map(|(_, images)| images).sum::<usize>();
    say(&format!("all scenarios together have {all} images on moto, or more"));
    assert!(all >= 500, "{all}");
}

/// Counts images, and says how many there were by now.
pub(super) fn count_images(what: &str, images: usize) {
    if let Some((_, least)) = IMAGES.iter().find(|(name, _)| *name == what) {
        assert!(images >= *least, "{what} has {images} images, where {least} are counted on");
    }
    let all = UPLOADED.fetch_add(images, Ordering::Relaxed) + images;
    say(&format!("{what}: {images} images; {all} on moto so far"));
}

/// Says what libtest would keep to itself.
pub(super) fn say(what: &str) {
    report::say("cloud", what);
}

/// It, running.
pub(super) struct CloudHome {
    pub(super) home: Home,
    pub(super) client: Client,
}

impl CloudHome {
    pub(super) async fn start(terms: Terms) -> CloudHome {
        CloudHome::on(Moto::shared(), terms).await
    }

    pub(super) async fn on(moto: &Moto, terms: Terms) -> CloudHome {
        let home = Home::start(moto, terms).await;
        let client = Client::of(&home);
        CloudHome { home, client }
    }

    /// Puts a text into the queue of a stage.
    pub(super) async fn say(&self, stage: StageName, body: String) {
        let send = self.home.stack.clients.sqs.send_message();
        send.queue_url(&self.home.stack.queues[&stage]).message_body(body).send().await.unwrap();
    }

    fn stage_pids(&self) -> Vec<u32> {
        STAGES.iter().flat_map(|name| self.home.functions[name].pids()).collect()
    }

    /// Makes every image so much older.
    pub(super) async fn grow_old(&self, age: Duration) {
        let (table, name) = (&self.home.stack.clients.dynamodb, &self.home.stack.name);
        let found = table.scan().table_name(name).send().await.unwrap();
        for item in found.items.unwrap() {
            if !item["pk"].as_s().unwrap().starts_with("image#") {
                continue;
            }
            let mut body: Value = serde_json::from_str(item["body"].as_s().unwrap()).unwrap();
            grow_old(&mut body, age);
            let mut older = item.clone();
            let mut set =
                |name: &str, text: String| older.insert(name.to_owned(), AttributeValue::S(text));
            set("body", body.to_string());
            set("touched", earlier(item["touched"].as_s().unwrap(), age));
            if let Some(due) = item.get("due") {
                let (nanos, rest) = due.as_s().unwrap().split_once('~').unwrap();
                let nanos = nanos.parse::<u128>().unwrap() - age.as_nanos();
                set("due", format!("{nanos:030}~{rest}"));
            }
            table.put_item().table_name(name).set_item(Some(older)).send().await.unwrap();
        }
    }
}

fn earlier(moment: &str, age: Duration) -> String {
    (moment.parse::<Timestamp>().unwrap() - age).to_string()
}

/// An event of S3, as AWS writes it.
pub(super) fn event(name: &str, bucket: &str, key: &str, object: &Value) -> Value {
    let mut all = json!({ "key": key, "size": 1, "eTag": "x", "sequencer": "0A" });
    for (field, value) in object.as_object().into_iter().flatten() {
        all[field] = value.clone();
    }
    json!({
        "eventVersion": "2.6", "eventSource": "aws:s3", "eventName": name,
        "s3": { "bucket": { "name": bucket }, "object": all },
    })
}

#[async_trait(?Send)]
impl House for CloudHome {
    fn client(&self) -> &Client {
        &self.client
    }

    async fn say_arrived(&self, upload: &Created, bytes: &[u8], _sent: Sent) {
        let key = format!("in%2F{}", upload.id);
        let bucket = &self.home.stack.buckets.uploads;
        let event = event("ObjectCreated:Put", bucket, &key, &json!({ "size": bytes.len() }));
        self.say(StageName::Ingest, json!({ "Records": [event] }).to_string()).await;
    }

    async fn say_accepted(&self, id: &str) {
        let accepted = json!({ "message": "accepted", "image": id });
        self.say(StageName::Fanout, accepted.to_string()).await;
    }

    async fn stored(&self, id: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let buckets = &self.home.stack.buckets;
        // Parts are no objects here.
        let begun = self.home.stack.clients.s3.list_multipart_uploads().bucket(&buckets.uploads);
        let begun = begun.prefix(format!("in/{id}")).send().await.unwrap();
        found.extend(begun.uploads().iter().map(|_| "u/ID".to_owned()));
        for (bucket, folders) in [(&buckets.uploads, "in"), (&buckets.media, "o v p m")] {
            for folder in folders.split(' ') {
                let prefix = format!("{folder}/{id}");
                let list =
                    self.home.stack.clients.s3.list_objects_v2().bucket(bucket).prefix(prefix);
                for object in list.send().await.unwrap().contents() {
                    found.insert(object.key().unwrap().replace(id, "ID"));
                }
            }
        }
        found
    }

    async fn hold(&self) {
        signals::send_all("STOP", self.stage_pids());
    }

    async fn lose(&self, age: Duration) {
        for queue in self.home.stack.queues.values() {
            self.home.stack.clients.sqs.purge_queue().queue_url(queue).send().await.unwrap();
        }
        self.grow_old(age).await;
        signals::send_all("KILL", self.stage_pids());
    }

    async fn sweep(&self) {
        let queues = self.home.stack.queues(std::sync::Arc::new(cloud::SystemClock));
        queues.send(&[Body::Sweep { cursor: None }.into()]).await.unwrap();
    }

    async fn set_presets(&self, text: &str) {
        self.home.stack.put_presets(text).await;
    }

    async fn poison(&self, id: &str) {
        self.home.proxy.poison(Some(id));
    }

    async fn cure(&self) -> u64 {
        self.home.proxy.poison(None);
        self.home.proxy.poisoned()
    }

    async fn renders(&self) -> u64 {
        self.home.functions["resize"].invocations()
    }

    fn ingests_at_once(&self) -> Option<usize> {
        Some(self.home.functions["ingest"].together())
    }

    async fn outage(&self, time: Duration) {
        self.home.proxy.outage(time).await;
    }

    async fn settle(&self) {
        self.home.until_idle(PATIENCE).await;
    }
}
