//! What lies in a queue: a message of ours, or what S3 says of an object.
//!
//! The types take the fields that we use and no others, because AWS, moto and `MinIO` differ in the rest.

use domain::{Key, Message, message::Body};
use serde::Deserialize;

use crate::objects::Buckets;

/// What the body of a record comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// These messages; none where there is nothing to be done.
    Messages(Vec<Message>),
    /// Nothing that we know, and why.
    Unreadable(String),
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_name: String,
    s3: Place,
}

#[derive(Deserialize)]
struct Place {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    /// As in a form (`+` is a space), then percent-encoded.
    key: String,
    /// Not there when it was deleted.
    #[serde(default)]
    size: u64,
    #[serde(default)]
    e_tag: String,
    #[serde(default)]
    version_id: Option<String>,
    #[serde(default)]
    sequencer: Option<String>,
}

/// What S3 sends once, when notifications are set up.
#[derive(Deserialize)]
struct TestEvent {
    #[serde(rename = "Event")]
    event: String,
}

impl Incoming {
    /// Reads the body of a record.
    pub fn parse(body: &str, buckets: &Buckets) -> Self {
        if let Ok(message) = serde_json::from_str::<Message>(body) {
            return Self::Messages(vec![message]);
        }
        match serde_json::from_str::<Notification>(body) {
            Ok(notification) => {
                let messages = notification.records.iter().filter_map(|event| event.read(buckets));
                Self::Messages(messages.collect())
            }
            Err(error) => match serde_json::from_str::<TestEvent>(body) {
                Ok(test) if test.event == "s3:TestEvent" => Self::Messages(Vec::new()),
                _ => Self::Unreadable(error.to_string()),
            },
        }
    }
}

impl Event {
    /// Nothing where no object came to be, or in a bucket that is none of ours to listen to.
    fn read(&self, buckets: &Buckets) -> Option<Message> {
        let name = self.event_name.strip_prefix("s3:").unwrap_or(&self.event_name);
        // A part of an upload is no object; moto says so all the same.
        if !name.starts_with("ObjectCreated:") || name == "ObjectCreated:UploadPart" {
            return None;
        }
        let Object { size, e_tag, version_id, sequencer, .. } = &self.s3.object;
        let bucket = &self.s3.bucket.name;
        let key = decoded(&self.s3.object.key);
        let etag = format!("\"{}\"", e_tag.trim_matches('"'));
        let adopted = buckets.adopted.as_ref() == Some(bucket);
        let (key, bucket) = if *bucket == buckets.uploads {
            let Ok(upload @ Key::Upload { .. }) = Key::parse(&key) else {
                tracing::warn!(key, "an object that is no upload came where uploads come");
                return None;
            };
            (upload, None)
        } else if adopted {
            let version = version_id.clone().unwrap_or_else(|| etag.clone());
            (Key::Foreign { key, version }, Some(bucket.clone()))
        } else {
            // What we write ourselves must never come back as work: this is where a loop would begin.
            tracing::error!(bucket, key, "notifications of a bucket that is not listened to");
            return None;
        };
        let body = Body::Uploaded { key, bucket, size: *size, etag, sequencer: sequencer.clone() };
        Some(body.into())
    }
}

/// A key as an event has it: `+` is a space, `%XX` a byte. What is no escape stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let escaped = || {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
        };
        match first {
            b'+' => bytes.push(b' '),
            b'%' => match escaped() {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &tail[2..];
                }
                None => bytes.push(first),
            },
            _ => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
