//! An image on its way, and what each function is handed on it: events as AWS writes them, of real uploads
//! and of the messages that the functions before have sent.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use domain::{
    Catalog as _, Image, ImageId, Keyring as _, Sha256, StageName, Tenant,
    image::Announced,
    ports::{ApiKey, Role},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::moto::Stack;

/// In the order of an image's life; the last removes what the others made.
pub(crate) const FUNCTIONS: [&str; 6] = [EARLY, "ingest", "metadata", "resize", "api", "fanout"];

/// Ingest, of an event whose bytes are not there: one look at the record, one at the bucket, and no more, so that
/// what is left is the start.
pub(crate) const EARLY: &str = "ingest-early";

/// The program of a function.
pub(crate) fn program(function: &str) -> &str {
    function.split('-').next().unwrap_or(function)
}

const KEY: &str = "drk_key_of_the_bench";

/// Everything that is on its way.
pub(crate) struct Post {
    stack: Stack,
    picture: Vec<u8>,
    /// Messages that came before they were asked for, by image and kind.
    kept: HashMap<(String, String), String>,
}

impl Post {
    pub(crate) async fn open(stack: Stack, picture: Vec<u8>) -> Post {
        let owner = ApiKey {
            id: "bench".to_owned(),
            tenant: Tenant::local(),
            role: Role::Operator,
            label: "the bench".to_owned(),
            created_at: Timestamp::now(),
            revoked_at: None,
        };
        stack.keyring().add(&owner, Sha256::of(KEY.as_bytes())).await.unwrap();
        Post { stack, picture, kept: HashMap::new() }
    }

    /// An upload that has just arrived, as the API and a client leave it.
    pub(crate) async fn upload(&self) -> ImageId {
        let id = self.create().await;
        let put = self.stack.clients.s3.put_object().bucket(&self.stack.buckets.uploads);
        put.key(format!("in/{id}")).body(self.picture.clone().into()).send().await.unwrap();
        id
    }

    /// An upload that the API has created.
    async fn create(&self) -> ImageId {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let now = Timestamp::now();
        let mut random = [0; 10];
        random[..8].copy_from_slice(&NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let id = ImageId::mint(u64::try_from(now.as_millisecond()).unwrap(), &random);
        let announced = Announced {
            content_length: self.picture.len() as u64,
            content_type: "image/jpeg".to_owned(),
            checksum_sha256: None,
        };
        let until = now + Duration::from_hours(1);
        let image = Image::pending(id, Tenant::local(), announced, now, until);
        self.stack.catalog().create(&image, None).await.unwrap();
        id
    }

    /// What a function is handed when it is an image's turn.
    pub(crate) async fn event(&mut self, function: &str, id: ImageId) -> Value {
        match function {
            EARLY => record(&self.notification(self.create().await)),
            "ingest" => record(&self.notification(id)),
            "metadata" => record(&self.message(StageName::Metadata, "describe", id).await),
            "resize" => record(&self.message(StageName::Resize, "render", id).await),
            "fanout" => record(&self.message(StageName::Fanout, "erase", id).await),
            "api" => erasure(id),
            other => panic!("there is no function {other:?}"),
        }
    }

    fn notification(&self, id: ImageId) -> String {
        json!({ "Records": [{
            "eventVersion": "2.6",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": { "name": self.stack.buckets.uploads },
                "object": {
                    "key": format!("in/{id}"), "size": self.picture.len(), "eTag": "x", "sequencer": "0A",
                },
            },
        }] })
        .to_string()
    }

    /// The message of this kind about this image, taken from the queue in which a function put it.
    async fn message(&mut self, stage: StageName, kind: &str, id: ImageId) -> String {
        let (queue, sqs) = (&self.stack.queues[&stage], &self.stack.clients.sqs);
        let wanted = (id.to_string(), kind.to_owned());
        for _ in 0..50 {
            if let Some(body) = self.kept.remove(&wanted) {
                return body;
            }
            let receive = sqs.receive_message().queue_url(queue).max_number_of_messages(10);
            let received = receive.wait_time_seconds(1).send().await.unwrap();
            for message in received.messages.unwrap_or_default() {
                let body = message.body.unwrap();
                let read: Value = serde_json::from_str(&body).unwrap();
                let text = |name: &str| read[name].as_str().unwrap_or_default().to_owned();
                self.kept.insert((text("image"), text("message")), body);
                let delete = sqs.delete_message().queue_url(queue);
                delete.set_receipt_handle(message.receipt_handle).send().await.unwrap();
            }
        }
        panic!("nobody sent {kind} of {id}");
    }
}

/// A batch of one, as a queue's mapping hands it over.
fn record(body: &str) -> Value {
    json!({ "Records": [{
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
        "awsRegion": "us-east-1",
    }] })
}

/// `DELETE /v1/images/{id}` in version 2.0 of an HTTP API's format.
fn erasure(id: ImageId) -> Value {
    let path = format!("/v1/images/{id}");
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": { "authorization": format!("Bearer {KEY}"), "host": "images.example" },
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "images.example",
            "domainPrefix": "images", "requestId": "id", "routeKey": "$default", "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_i64,
            "http": {
                "method": "DELETE", "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "bench",
            },
        },
        "isBase64Encoded": false,
    })
}
