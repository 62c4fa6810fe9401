//! One message after the other: admit it, have it handled, settle it.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Clock, Code, Failure, Message, Problem, Stage, StoreError,
    ports::Delivery,
    stage::{self, Admission, MAX_ATTEMPTS, Started, Verdict},
};
use futures::FutureExt as _;
use tokio::{sync::watch, time};

use super::{admit, budget, feed::Feed};
use crate::{
    database::Database,
    vitals::{Outcome, Tally},
    worker::{
        conversation::Ports,
        supervisor::{Loss, Terms, Worker},
    },
};

/// The pause between two tries to settle, and to start a worker.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a handler did not come to an end.
struct Cause {
    /// In one word, for metrics.
    word: &'static str,
    /// For whoever asks why the message was given up, if it is.
    code: Code,
    /// In a sentence.
    detail: String,
}

impl From<&Loss> for Cause {
    fn from(loss: &Loss) -> Self {
        Self { word: loss.cause(), code: loss.code(), detail: loss.to_string() }
    }
}

/// Has messages handled by a worker process of its own.
pub(super) struct WorkerLane {
    pub(super) queue: Arc<Database>,
    pub(super) ports: Ports,
    pub(super) terms: Terms,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tally: Arc<Tally>,
    pub(super) stop: watch::Receiver<bool>,
}

impl WorkerLane {
    pub(super) async fn run(self, feed: Arc<Feed>) {
        let settlement = Settlement {
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            tally: self.tally.clone(),
            stop: self.stop.clone(),
            patience: self.terms.deadline,
        };
        let mut worker = None;
        loop {
            // Before a message is taken, so that it does not wait for a process to start.
            let ready = match worker.take() {
                Some(worker) => worker,
                None => match self.worker().await {
                    Some(worker) => worker,
                    None => return,
                },
            };
            let Some(delivery) = feed.next().await else { return };
            worker = self.carry(&delivery, ready, &settlement).await;
        }
    }

    /// A worker that is ready; none when it is time to stop.
    async fn worker(&self) -> Option<Worker> {
        let mut stop = self.stop.clone();
        loop {
            if *stop.borrow() {
                return None;
            }
            match Worker::start(&self.terms).await {
                Ok(worker) => {
                    self.tally.worker_started();
                    return Some(worker);
                }
                Err(error) => {
                    tracing::error!(%error, "no worker could be started; it is tried again");
                }
            }
            // Woken early only to stop.
            let _stop_or_again = time::timeout(PAUSE, stop.wait_for(|stop| *stop)).await;
        }
    }

    /// Carries one message. The worker is given back if it is still alive.
    async fn carry(
        &self,
        delivery: &Delivery,
        mut worker: Worker,
        settlement: &Settlement,
    ) -> Option<Worker> {
        let begun = Instant::now();
        let Some(started) = settlement.begin(delivery, begun).await else { return Some(worker) };
        match worker.handle(&started.message, &self.ports).await {
            Ok(answer) => {
                settlement.judge(delivery, &started, answer, begun).await;
                Some(worker)
            }
            Err(loss) => {
                self.tally.worker_lost(loss.cause());
                if let Loss::Stalled(_) = loss {
                    // Not the message's doing: it waits, as for any store, and no start is counted.
                    let failure =
                        Failure::Transient { retry_after: PAUSE, reason: loss.to_string() };
                    settlement.judge(delivery, &started, Err(failure), begun).await;
                } else {
                    settlement.lost(delivery, started, Cause::from(&loss), begun).await;
                }
                None
            }
        }
    }
}

/// Handles messages in this process.
pub(super) struct FanoutLane {
    pub(super) queue: Arc<Database>,
    pub(super) stage: Arc<dyn Stage>,
    pub(super) deadline: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tally: Arc<Tally>,
    pub(super) stop: watch::Receiver<bool>,
}

impl FanoutLane {
    pub(super) async fn run(self, feed: Arc<Feed>) {
        let settlement = Settlement {
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            tally: self.tally.clone(),
            stop: self.stop.clone(),
            patience: self.deadline,
        };
        while let Some(delivery) = feed.next().await {
            self.carry(&delivery, &settlement).await;
        }
    }

    async fn carry(&self, delivery: &Delivery, settlement: &Settlement) {
        let begun = Instant::now();
        let Some(started) = settlement.begin(delivery, begun).await else { return };
        let message = started.message.clone();
        let budget = budget(&self.clock, self.deadline);
        let handling = AssertUnwindSafe(self.stage.handle(message, &budget)).catch_unwind();
        match time::timeout(self.deadline, handling).await {
            Ok(Ok(answer)) => settlement.judge(delivery, &started, answer, begun).await,
            Ok(Err(_panic)) => {
                let name = started.message.name();
                let detail = format!("handling {name} panicked: the log has the place");
                let cause = Cause { word: "panic", code: Code::Crashed, detail };
                settlement.lost(delivery, started, cause, begun).await;
            }
            Err(_elapsed) => {
                let name = started.message.name();
                let detail = format!("{name} was not done after {:?}", self.deadline);
                let cause = Cause { word: "time", code: Code::TimedOut, detail };
                settlement.lost(delivery, started, cause, begun).await;
            }
        }
    }
}

/// The beginning and the end of a message, whoever handles it.
struct Settlement {
    queue: Arc<Database>,
    clock: Arc<dyn Clock>,
    tally: Arc<Tally>,
    stop: watch::Receiver<bool>,
    /// How long settling is tried while the database does not answer.
    patience: Duration,
}

impl Settlement {
    /// What may be handed to its stage; none where it was settled without.
    async fn begin(&self, delivery: &Delivery, begun: Instant) -> Option<Started> {
        let admission = match admit(delivery) {
            Admission::Start(started) => {
                let waiting = started.clone();
                match started.begin(&*self.queue, self.clock.now()).await {
                    Ok(admission) => admission,
                    Err(error) => {
                        self.judge(delivery, &waiting, Err(error.into()), begun).await;
                        return None;
                    }
                }
            }
            given_up @ Admission::Bury(..) => given_up,
        };
        match admission {
            Admission::Start(started) => Some(started),
            Admission::Bury(message, problem) => {
                self.bury(delivery, message, problem, begun).await;
                None
            }
        }
    }

    /// The stage answered.
    async fn judge(
        &self,
        delivery: &Delivery,
        started: &Started,
        answer: Result<Vec<Message>, Failure>,
        begun: Instant,
    ) {
        let message = &started.message;
        if let Err(error) = started.ended(&*self.queue, &answer, self.clock.now()).await {
            warn(message, &error.to_string(), "a start stays counted that was not lost");
        }
        let failure = answer.as_ref().err().map(ToString::to_string);
        let verdict = stage::judge(message, answer, self.clock.now());
        let outcome = match (&verdict, failure) {
            (Verdict::Send(_), None) => Outcome::Done,
            (Verdict::Send(_), Some(reason)) => {
                warn(message, &reason, "a message could not be handled; it is tried again");
                Outcome::Retried
            }
            (Verdict::Bury(_, problem), _) => {
                warn(message, &problem.detail, "a message is given up");
                Outcome::Buried
            }
        };
        self.settle(delivery, verdict).await;
        self.tally.handled(message.stage(), outcome, begun.elapsed());
    }

    /// It was started often enough.
    async fn bury(&self, delivery: &Delivery, message: Message, problem: Problem, begun: Instant) {
        warn(&message, &problem.detail, "a message is given up");
        let stage = message.stage();
        self.settle(delivery, Verdict::Bury(message, problem)).await;
        self.tally.handled(stage, Outcome::Buried, begun.elapsed());
    }

    /// Its handler never came to an end: that was a start, and is written into the image and the
    /// message. The last one says why it is given up.
    async fn lost(&self, delivery: &Delivery, started: Started, cause: Cause, begun: Instant) {
        let lost = started.lost(&*self.queue, self.clock.now()).await;
        let message = started.message;
        let attempts = lost.unwrap_or_else(|error| {
            warn(&message, &error.to_string(), "its image was not told of a lost start");
            message.attempts + 1
        });
        let Cause { word, code, detail } = cause;
        let verdict = stage::lost(message.clone(), attempts, code, &detail, self.clock.now());
        self.settle(delivery, verdict).await;
        tracing::warn!(
            kind = message.name(),
            image = message.image().map(tracing::field::display),
            attempts,
            of = MAX_ATTEMPTS,
            cause = word,
            detail,
            "a start was lost"
        );
        self.tally.handled(message.stage(), Outcome::Lost, begun.elapsed());
    }

    /// Until the database does it: a handled message that is not settled would count as lost. For
    /// room it waits however long: where the database cannot grow, no message can be lent either,
    /// so that no lane could do anything else.
    async fn settle(&self, delivery: &Delivery, verdict: Verdict) {
        let until = Instant::now() + self.patience;
        let mut said = false;
        loop {
            let settled = stage::settle(&*self.queue, &delivery.receipt, verdict.clone()).await;
            let Err(error) = settled else { return };
            let for_room = matches!(error, StoreError::Full(_));
            if *self.stop.borrow() || (!for_room && Instant::now() >= until) {
                tracing::error!(%error, "a handled message could not be settled: it will be lent again");
                return;
            }
            if !said {
                tracing::warn!(%error, "a handled message could not be settled; it is tried again");
                said = true;
            }
            time::sleep(PAUSE).await;
        }
    }
}

fn warn(message: &Message, detail: &str, what: &'static str) {
    let image = message.image().map(tracing::field::display);
    tracing::warn!(kind = message.name(), image, detail, "{what}");
}
