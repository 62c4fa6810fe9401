//! The home's own numbers, for `/metrics`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use api::exposition::{Exposition, Histogram};
use async_trait::async_trait;
use domain::StageName;

use crate::{
    database::{Counts, Database},
    machine,
};

/// Upper bounds of the duration histogram, in seconds: from an EXIF block to a giant's decode.
const BOUNDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0];

/// How the handling of a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The stage answered, and what follows was sent.
    Done,
    /// Something it needs was not there: it is tried again later.
    Retried,
    /// It was given up.
    Buried,
    /// Its handler was lost: a start was spent.
    Lost,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::Buried => "buried",
            Self::Lost => "lost",
        }
    }
}

/// What has been counted since the start.
pub struct Tally {
    begun: Instant,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    handled: BTreeMap<(StageName, Outcome), u64>,
    durations: BTreeMap<StageName, Histogram>,
    workers_started: u64,
    workers_lost: BTreeMap<&'static str, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { begun: Instant::now(), counted: Mutex::default() }
    }
}

impl Tally {
    /// A message was handled, and how.
    pub fn handled(&self, stage: StageName, outcome: Outcome, took: Duration) {
        let mut counted = self.lock();
        *counted.handled.entry((stage, outcome)).or_default() += 1;
        let durations = counted.durations.entry(stage);
        durations.or_insert_with(|| Histogram::new(&BOUNDS)).add(took.as_secs_f64());
    }

    /// A worker process was started.
    pub fn worker_started(&self) {
        self.lock().workers_started += 1;
    }

    /// A worker process was lost, and by what.
    pub fn worker_lost(&self, cause: &'static str) {
        *self.lock().workers_lost.entry(cause).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`api::Vitals`] of the one-machine home.
pub struct LocalVitals {
    /// What is counted while it runs.
    pub tally: Arc<Tally>,
    /// What there is.
    pub database: Arc<Database>,
}

#[async_trait]
impl api::Vitals for LocalVitals {
    async fn render(&self) -> String {
        let mut text = Exposition::default();
        self.tally.expose(&mut text);
        match self.database.counts().await {
            Ok(counts) => expose_counts(&counts, &mut text),
            // The families are left out rather than shown as zero.
            Err(error) => tracing::warn!(%error, "the database could not be counted for /metrics"),
        }
        text.into_text()
    }
}

impl Tally {
    fn expose(&self, text: &mut Exposition) {
        text.family("darkroom_uptime_seconds", "gauge", "Time since the server started.");
        text.sample("darkroom_uptime_seconds", &[], self.begun.elapsed().as_secs_f64());
        if let Some(bytes) = machine::resident() {
            text.family("darkroom_resident_bytes", "gauge", "Memory of the server's own process.");
            text.sample("darkroom_resident_bytes", &[], bytes);
        }
        let counted = self.lock();
        let name = "darkroom_messages_handled_total";
        text.family(name, "counter", "Messages by stage and by how their handling ended.");
        for ((stage, outcome), count) in &counted.handled {
            text.sample(name, &[("stage", stage.as_str()), ("outcome", outcome.as_str())], count);
        }
        let name = "darkroom_message_duration_seconds";
        text.family(name, "histogram", "Time from handing a message to its stage to its end.");
        for (stage, durations) in &counted.durations {
            text.histogram(name, ("stage", stage.as_str()), durations);
        }
        let name = "darkroom_workers_started_total";
        text.family(name, "counter", "Worker processes started.");
        text.sample(name, &[], counted.workers_started);
        let name = "darkroom_workers_lost_total";
        text.family(name, "counter", "Worker processes lost in the middle of a message, by cause.");
        for (cause, count) in &counted.workers_lost {
            text.sample(name, &[("cause", cause)], count);
        }
    }
}

fn expose_counts(counts: &Counts, text: &mut Exposition) {
    let name = "darkroom_queue_messages";
    text.family(name, "gauge", "Messages that wait, are held back, or are being handled.");
    for queue in &counts.queues {
        text.sample(name, &[("stage", queue.stage.as_str())], queue.messages);
    }
    let name = "darkroom_queue_oldest_seconds";
    text.family(name, "gauge", "How long the first message that could be handled has waited.");
    for queue in &counts.queues {
        let oldest = queue.oldest.unwrap_or_default().as_secs_f64();
        text.sample(name, &[("stage", queue.stage.as_str())], oldest);
    }
    let name = "darkroom_queue_unreadable";
    text.family(name, "gauge", "Messages that this version cannot read.");
    text.sample(name, &[], counts.unreadable);
    let name = "darkroom_dead_letters";
    text.family(name, "gauge", "Messages that were given up.");
    text.sample(name, &[], counts.letters);
    let name = "darkroom_images";
    text.family(name, "gauge", "Images by status.");
    for (status, count) in &counts.images {
        text.sample(name, &[("status", status.as_str())], count);
    }
}
