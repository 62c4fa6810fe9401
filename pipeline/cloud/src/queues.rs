//! Messages in SQS: one standard queue a stage.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{
        MessageSystemAttributeName, MessageSystemAttributeNameForSends,
        MessageSystemAttributeValue, SendMessageBatchRequestEntry,
    },
};
use domain::{Clock, Message, Outbox, Problem, Queue, StageName, StoreError, ports::Delivery};

use crate::{
    answer::answer, incoming::Incoming, letters::CloudLetters, objects::Buckets, table::pause,
    trace,
};

/// Entries of one request.
const ENTRIES: usize = 10;
/// Bytes of one request, all bodies together. SQS takes 1 MiB, attributes included.
const BYTES: usize = 1_000_000;
/// The longest that SQS holds a new message back.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// Times that the failed part of a batch is sent again.
const PATIENCE: u32 = 6;

/// The queue of each stage, by URL.
pub type QueueUrls = BTreeMap<StageName, String>;

/// [`Queue`] in SQS; letters are in the table.
#[derive(Clone)]
pub struct CloudQueues {
    client: Client,
    urls: QueueUrls,
    letters: CloudLetters,
    buckets: Buckets,
    clock: Arc<dyn Clock>,
}

/// A message to send.
struct Entry {
    body: String,
    delay: Duration,
    trace: Option<String>,
}

/// A message on loan.
#[derive(Clone, Debug)]
pub struct Lent {
    /// It, and what it takes to give it back.
    pub delivery: Delivery,
    /// The trace of whoever sent it; its own where nobody said any.
    pub trace: String,
}

impl CloudQueues {
    /// Queues under these URLs.
    pub fn new(
        client: Client,
        urls: QueueUrls,
        letters: CloudLetters,
        buckets: Buckets,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { client, urls, letters, buckets, clock }
    }

    fn url(&self, stage: StageName) -> Result<&str, StoreError> {
        let url = self.urls.get(&stage).map(String::as_str);
        url.ok_or_else(|| StoreError::Refused(format!("no queue is set for {}", stage.as_str())))
    }

    async fn send_to(&self, stage: StageName, entries: Vec<Entry>) -> Result<(), StoreError> {
        let url = self.url(stage)?;
        for batch in batches(entries) {
            let mut left: Vec<_> = batch
                .into_iter()
                .enumerate()
                .map(|(number, entry)| request(number, &entry))
                .collect::<Result<_, _>>()?;
            let mut tries = 0;
            while !left.is_empty() {
                let sent = self
                    .client
                    .send_message_batch()
                    .queue_url(url)
                    .set_entries(Some(left.clone()))
                    .send()
                    .await
                    .map_err(|error| answer(&url, &error))?;
                left.retain(|entry| sent.failed().iter().any(|failed| failed.id() == entry.id()));
                let Some(failed) = sent.failed().first() else { break };
                let said = format!("{}: {}", failed.code(), failed.message().unwrap_or_default());
                if failed.sender_fault() {
                    return Err(StoreError::Broken(said));
                }
                if tries == PATIENCE {
                    return Err(StoreError::Busy { retry_after: pause(tries), reason: said });
                }
                tokio::time::sleep(pause(tries)).await;
                tries += 1;
            }
        }
        Ok(())
    }

    /// Borrows messages and waits for them, up to twenty seconds.
    pub async fn poll(
        &self,
        stage: StageName,
        limit: usize,
        visibility: Duration,
        wait: Duration,
    ) -> Result<Vec<Lent>, StoreError> {
        let url = self.url(stage)?;
        let seconds = |time: Duration| i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
        let received = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(i32::try_from(limit.clamp(1, ENTRIES)).unwrap_or(1))
            .visibility_timeout(seconds(visibility))
            .wait_time_seconds(seconds(wait).min(20))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader)
            .send()
            .await
            .map_err(|error| answer(&url, &error))?;
        let mut lent = Vec::new();
        for record in received.messages.unwrap_or_default() {
            let attribute = |name| record.attributes.as_ref()?.get(&name);
            let counted = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
            let receives = counted.and_then(|count| count.parse().ok()).unwrap_or(1);
            let sender = attribute(MessageSystemAttributeName::AwsTraceHeader).cloned();
            let name = record.message_id.unwrap_or_default();
            let trace = sender.unwrap_or_else(|| trace::begun_by(&name));
            let (Some(handle), Some(body)) = (record.receipt_handle, record.body) else { continue };
            let receipt = format!("{}:{handle}", stage.as_str());
            let sorted = trace::within(Some(trace.clone()), self.sort_out(&body, &receipt));
            match sorted.await {
                Ok(Some(message)) => {
                    lent.push(Lent { delivery: Delivery { message, receipt, receives }, trace });
                }
                Ok(None) => {}
                // The others are on loan already.
                Err(error) => tracing::warn!(%error, "a message is left to its queue"),
            }
        }
        Ok(lent)
    }

    /// The one message of a record that may be handled now. What is none, is more than one, or is not
    /// due is dealt with here.
    async fn sort_out(&self, body: &str, receipt: &str) -> Result<Option<Message>, StoreError> {
        let messages = match Incoming::parse(body, &self.buckets) {
            Incoming::Messages(messages) => messages,
            Incoming::Unreadable(why) => {
                // It is lent again until the queue itself gives it up.
                tracing::error!(why, "a message that cannot be read");
                return Ok(None);
            }
        };
        match <[Message; 1]>::try_from(messages) {
            Ok([message]) if !self.is_early(&message) => Ok(Some(message)),
            Ok(early) => self.instead(receipt, &early).await,
            Err(several) => self.instead(receipt, &several).await,
        }
    }

    /// Whether SQS could not hold it back for as long as it is to wait.
    pub(crate) fn is_early(&self, message: &Message) -> bool {
        // A second, since SQS counts in seconds.
        message.delay(self.clock.now()) > Duration::from_secs(1)
    }

    async fn instead<T>(
        &self,
        receipt: &str,
        messages: &[Message],
    ) -> Result<Option<T>, StoreError> {
        self.send(messages).await?;
        self.acknowledge(receipt).await?;
        Ok(None)
    }

    fn handle<'a>(&self, receipt: &'a str) -> Result<(&str, &'a str), StoreError> {
        let unlike = || StoreError::Missing(format!("receipt {receipt}"));
        let (stage, handle) = receipt.split_once(':').ok_or_else(unlike)?;
        let stage = StageName::ALL.into_iter().find(|name| name.as_str() == stage);
        Ok((self.url(stage.ok_or_else(unlike)?)?, handle))
    }
}

/// Parts of a list that one request carries each.
fn batches(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut batches: Vec<Vec<Entry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        bytes += entry.body.len();
        match batches.last_mut() {
            Some(last) if last.len() < ENTRIES && bytes <= BYTES => last.push(entry),
            _ => {
                bytes = entry.body.len();
                batches.push(vec![entry]);
            }
        }
    }
    batches
}

fn request(number: usize, entry: &Entry) -> Result<SendMessageBatchRequestEntry, StoreError> {
    let broken = |error: &dyn std::fmt::Display| StoreError::Broken(error.to_string());
    let seconds = entry.delay.min(LONGEST_DELAY).as_secs_f32().ceil();
    #[expect(clippy::cast_possible_truncation, reason = "at most 900")]
    let mut request = SendMessageBatchRequestEntry::builder()
        .id(number.to_string())
        .message_body(&entry.body)
        .delay_seconds(seconds as i32);
    if let Some(trace) = &entry.trace {
        let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace);
        let value = value.build().map_err(|error| broken(&error))?;
        request = request
            .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
    }
    request.build().map_err(|error| broken(&error))
}

#[async_trait]
impl Outbox for CloudQueues {
    async fn send(&self, messages: &[Message]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut by_stage: BTreeMap<StageName, Vec<Entry>> = BTreeMap::new();
        for message in messages {
            let body = serde_json::to_string(message)
                .map_err(|error| StoreError::Broken(error.to_string()))?;
            let entry = Entry { body, delay: message.delay(now), trace: trace::sent(message) };
            by_stage.entry(message.stage()).or_default().push(entry);
        }
        for (stage, entries) in by_stage {
            self.send_to(stage, entries).await?;
        }
        Ok(())
    }

    async fn bury(&self, message: &Message, reason: &Problem) -> Result<(), StoreError> {
        let at = self.clock.now();
        self.letters.put(message, reason, at).await?;
        match message.obituary(reason, at) {
            Some(obituary) => self.send(&[obituary]).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Queue for CloudQueues {
    async fn receive(
        &self,
        stage: StageName,
        limit: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        let lent = self.poll(stage, limit, visibility, Duration::ZERO).await?;
        Ok(lent.into_iter().map(|lent| lent.delivery).collect())
    }

    async fn acknowledge(&self, receipt: &str) -> Result<(), StoreError> {
        let (url, handle) = self.handle(receipt)?;
        let deleted = self.client.delete_message().queue_url(url).receipt_handle(handle).send();
        deleted.await.map(drop).map_err(|error| answer(&"a receipt", &error))
    }

    async fn hide(&self, receipt: &str, visibility: Duration) -> Result<(), StoreError> {
        let (url, handle) = self.handle(receipt)?;
        let seconds = i32::try_from(visibility.as_secs()).unwrap_or(43_200).min(43_200);
        let hidden = self
            .client
            .change_message_visibility()
            .queue_url(url)
            .receipt_handle(handle)
            .visibility_timeout(seconds)
            .send()
            .await;
        hidden.map(drop).map_err(|error| answer(&"a receipt", &error))
    }
}
