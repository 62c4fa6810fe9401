//! What Lambda hands a function that is mapped to queues, and what it wants to hear: the fields that we
//! use, in AWS's own names.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Records of one queue.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Batch {
    /// At most ten, or as the mapping says.
    #[serde(rename = "Records")]
    pub(crate) records: Vec<Record>,
}

/// A message of a queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// What a failure is reported by.
    pub(crate) message_id: String,
    /// What it is deleted by.
    pub(crate) receipt_handle: String,
    /// As it was sent.
    pub(crate) body: String,
    /// `ApproximateReceiveCount`, `AWSTraceHeader`.
    #[serde(default)]
    pub(crate) attributes: HashMap<String, String>,
    /// The queue.
    #[serde(default, rename = "eventSourceARN")]
    pub(crate) event_source_arn: String,
}

impl Record {
    /// How often it was received, this time included.
    pub(crate) fn receives(&self) -> u32 {
        let count = self.attributes.get("ApproximateReceiveCount");
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    /// The trace of whoever sent it.
    pub(crate) fn trace(&self) -> Option<String> {
        self.attributes.get("AWSTraceHeader").cloned()
    }
}

/// What was not done, of a batch: `ReportBatchItemFailures`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    /// All others are deleted.
    pub(crate) batch_item_failures: Vec<Failed>,
}

/// A record that stays in its queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failed {
    /// [`Record::message_id`].
    pub(crate) item_identifier: String,
}
