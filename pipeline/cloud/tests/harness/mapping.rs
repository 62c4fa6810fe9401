//! What maps queues to functions: it receives, invokes, and deletes what was done.
//!
//! It stands in for a mapping that is there and enabled: its batches, partial failures and one deletion a
//! batch. It proves nothing of how AWS scales its pollers, of batching windows, filters and concurrency limits,
//! nor of how long it waits after an error.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_sqs::{
    Client,
    types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName as Name},
};
use serde_json::{Value, json};
use tokio::{
    sync::{OwnedRwLockWriteGuard, RwLock},
    task::JoinHandle,
};

use super::lambda::Function;

/// A queue that is mapped to a function, until it is dropped.
pub(crate) struct Mapping {
    pump: Arc<Pump>,
    tasks: Vec<JoinHandle<()>>,
}

/// What every lane of a mapping has.
struct Pump {
    sqs: Client,
    queue: String,
    arn: String,
    function: Arc<Function>,
    batch: i32,
    /// Read while something is received and handled.
    gate: Arc<RwLock<()>>,
    /// Requests that AWS bills: that received messages, or deleted them.
    requests: AtomicU64,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Mapping {
    /// Maps a queue to a function: batches of at most `batch`, so many at a time; failures stay.
    pub(crate) fn start(
        sqs: &Client,
        (queue, arn): (&str, &str),
        function: &Arc<Function>,
        batch: i32,
        lanes: usize,
    ) -> Mapping {
        let pump = Arc::new(Pump {
            sqs: sqs.clone(),
            queue: queue.to_owned(),
            arn: arn.to_owned(),
            function: Arc::clone(function),
            batch,
            gate: Arc::default(),
            requests: AtomicU64::new(0),
        });
        let tasks = (0..lanes).map(|_| tokio::spawn(Arc::clone(&pump).lane())).collect();
        Mapping { pump, tasks }
    }

    /// Receives nothing more until what it answers is dropped. What was received is handled first.
    pub(crate) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.pump.gate).write_owned().await
    }

    /// What it asked SQS that is billed; asking in vain is left out, which depends on time and not on images.
    pub(crate) fn requests(&self) -> u64 {
        self.pump.requests.load(Ordering::Relaxed)
    }
}

impl Pump {
    async fn lane(self: Arc<Self>) {
        loop {
            let open = Arc::clone(&self.gate).read_owned().await;
            let turn = self.turn().await;
            drop(open);
            if let Err(why) = turn {
                eprintln!("{}: {why}", self.function.name);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    async fn turn(&self) -> Result<(), String> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.queue)
            .max_number_of_messages(self.batch)
            .wait_time_seconds(1)
            .message_system_attribute_names(Name::All)
            .send()
            .await
            .map_err(|error| format!("{error:?}"))?;
        let messages = received.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(());
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let trace = messages[0].attributes.as_ref().and_then(|all| all.get(&Name::AwsTraceHeader));
        let trace = trace.cloned();
        let records: Vec<_> = messages.iter().map(|message| record(message, &self.arn)).collect();
        let answer = self.function.invoke(json!({ "Records": records }), trace).await?;
        // What the answer does not name is done; a name that is no message's fails the whole batch.
        let failed: Vec<&str> = answer["batchItemFailures"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap_or_default())
            .collect();
        let ids: Vec<&str> = messages.iter().filter_map(|message| message.message_id()).collect();
        if let Some(unknown) = failed.iter().find(|id| !ids.contains(id)) {
            return Err(format!(
                "the function names {unknown:?}, which is no message of the batch"
            ));
        }
        let done =
            messages.iter().filter(|it| !failed.contains(&it.message_id().unwrap_or_default()));
        self.delete(done).await
    }

    async fn delete(&self, done: impl Iterator<Item = &Message>) -> Result<(), String> {
        let entries: Vec<_> = (0..)
            .zip(done)
            .map(|(number, message): (usize, _)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
                let handle = message.receipt_handle().unwrap_or_default();
                entry.receipt_handle(handle).build().unwrap()
            })
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let delete = self.sqs.delete_message_batch().queue_url(&self.queue);
        let deleted = delete.set_entries(Some(entries)).send().await;
        let deleted = deleted.map_err(|error| format!("{error:?}"))?;
        match deleted.failed() {
            [] => Ok(()),
            failed => Err(format!("not deleted: {failed:?}")),
        }
    }
}

/// A message, in the shape in which a mapping hands it on.
fn record(message: &Message, arn: &str) -> Value {
    let attributes: HashMap<&str, &String> =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    })
}
