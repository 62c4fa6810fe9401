//! What CloudWatch counts: a line of JSON in its embedded metric format for each message, from which
//! CloudWatch Logs takes the numbers, so that counting costs no request and no time of a function.
//!
//! Namespace `Darkroom`, by `Stage`. Like messages, what is counted comes at least once.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

use domain::StageName;
use jiff::Timestamp;
use serde::Serialize;

const NAMESPACE: &str = "Darkroom";
const STAGE: &str = "Stage";

/// What is counted or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Metric {
    /// Messages that a stage came to an end with.
    Handled,
    /// Messages that a stage could not handle: most are tried again later.
    Failed,
    /// Messages that were given up.
    Buried,
    /// How long a stage took over a message.
    Duration,
    /// Images that were announced as ready.
    ImagesReady,
    /// Images that were announced as failed.
    ImagesFailed,
}

impl Metric {
    fn unit(self) -> &'static str {
        match self {
            Self::Duration => "Milliseconds",
            _ => "Count",
        }
    }
}

/// Numbers of one message in one stage.
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    #[serde(rename = "_aws")]
    metadata: Metadata,
    #[serde(rename = "Stage")]
    stage: &'static str,
    #[serde(flatten)]
    values: BTreeMap<Metric, u64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    /// In milliseconds.
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [[&'static str; 1]; 1],
    metrics: Vec<Definition>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: Metric,
    unit: &'static str,
}

impl Measure {
    /// Of a message in this stage, at this moment.
    pub fn of(stage: StageName, at: Timestamp) -> Self {
        let directive =
            Directive { namespace: NAMESPACE, dimensions: [[STAGE]], metrics: Vec::new() };
        let metadata =
            Metadata { timestamp: at.as_millisecond(), cloud_watch_metrics: [directive] };
        Self { metadata, stage: stage.as_str(), values: BTreeMap::new() }
    }

    /// And this number.
    #[must_use]
    pub fn with(mut self, metric: Metric, value: u64) -> Self {
        if self.values.insert(metric, value).is_none() {
            let [directive] = &mut self.metadata.cloud_watch_metrics;
            directive.metrics.push(Definition { name: metric, unit: metric.unit() });
        }
        self
    }

    /// Writes it to standard output, as a line of its own.
    pub(crate) fn write(&self) {
        let written = serde_json::to_string(self)
            .map_err(io::Error::from)
            .and_then(|line| writeln!(io::stdout().lock(), "{line}"));
        if let Err(error) = written {
            tracing::warn!(%error, "what was counted could not be written");
        }
    }
}
