//! Carries messages to their stages, on all cores, until it is told to stop.
//!
//! Lanes take messages from a [`Feed`] one at a time. A lane of foreign bytes owns one worker
//! process; the lanes of fanout run in this process. How many messages are on loan at a time is
//! bounded by the lanes, and a loan is eight deadlines long, so none ever has to be renewed.

mod feed;
mod lanes;

use std::{sync::Arc, time::Duration};

use domain::{
    Budget, Clock, Stage, StageName, StoreError,
    ports::Delivery,
    stage::{self, Admission},
};
use tokio::{sync::watch, task::JoinSet, time};

use self::{
    feed::Feed,
    lanes::{FanoutLane, WorkerLane},
};
use crate::{
    database::{Database, Purged},
    vitals::Tally,
    worker::{conversation::Ports, supervisor::Terms},
};

/// Messages of the home's own stage that are handled at the same time: they wait for the disk most
/// of the time, and share its writes.
const FANOUT_LANES: usize = 8;

/// How often the sweeper looks for what was lost, and old rows are removed.
const HOUSEKEEPING_EVERY: Duration = Duration::from_mins(5);

/// How long a message is lent, in deadlines: three stages may each have one waiting for a lane,
/// and each takes at most two, one that is its worker's and one that is the home's.
const LOAN: u32 = 8;

/// Everything that carrying takes.
pub struct Runner {
    /// The queue.
    pub database: Arc<Database>,
    /// What workers' calls are answered from.
    pub ports: Ports,
    /// The stage that runs in this process.
    pub fanout: Arc<dyn Stage>,
    /// How workers are started and bound.
    pub terms: Terms,
    /// How many there are.
    pub workers: usize,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub tally: Arc<Tally>,
}

/// How long a message is lent to a handler with this deadline.
pub fn visibility(deadline: Duration) -> Duration {
    deadline * LOAN
}

/// Loans of one message that may end with this home itself before they are held against it.
const HOME_DEATHS: u32 = 100;

/// [`stage::admit`], where the home witnesses what is lost. A start that a message's own handler
/// did not survive is written into the message. A loan that ended otherwise ended with the whole
/// home (killed, cut off when it was stopped, without power), or could not be settled. That says
/// nothing about the message; only one that was on loan at every one of many such ends is suspected.
///
/// It does say that the message was begun, and may have written down that it sent what was never
/// sent. So it counts as a retry, which is what has a fan-out send at once what is missing.
pub fn admit(delivery: &Delivery) -> Admission {
    let receives = delivery.receives.saturating_sub(HOME_DEATHS).max(1);
    let mut message = delivery.message.clone();
    message.retries = message.retries.saturating_add(u32::from(delivery.receives > 1));
    stage::admit(&Delivery { receives, message, ..delivery.clone() })
}

/// How a run ended that was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Everything that had been begun was finished.
    Whole,
    /// Some was cut off: it is begun again at the next start.
    CutOff,
}

impl Runner {
    /// Runs until `stop` says so, and then until what was begun has ended or `drain` is over.
    pub async fn run(self, mut stop: watch::Receiver<bool>, drain: Duration) -> Drained {
        // Before there are lanes: a sweep of the last run that one of them had would go on.
        let sweep = self.database.restart_sweep().await;
        let mut lanes = JoinSet::new();
        let loan = visibility(self.terms.deadline);
        let foreign = [StageName::Ingest, StageName::Metadata, StageName::Resize];
        let feed = |stages: &[StageName], batch| {
            Arc::new(Feed::new(Arc::clone(&self.database), stages, batch, loan, stop.clone()))
        };
        let foreign = feed(&foreign, self.workers);
        for _ in 0..self.workers {
            let lane = WorkerLane {
                queue: self.database.clone(),
                ports: self.ports.clone(),
                terms: self.terms.clone(),
                clock: self.clock.clone(),
                tally: self.tally.clone(),
                stop: stop.clone(),
            };
            lanes.spawn(lane.run(foreign.clone()));
        }
        let own = feed(&[StageName::Fanout], FANOUT_LANES);
        for _ in 0..FANOUT_LANES {
            let lane = FanoutLane {
                queue: self.database.clone(),
                stage: self.fanout.clone(),
                deadline: self.terms.deadline,
                clock: self.clock.clone(),
                tally: self.tally.clone(),
                stop: stop.clone(),
            };
            lanes.spawn(lane.run(own.clone()));
        }
        let housekeeping = tokio::spawn(keep_house(self.database.clone(), sweep));
        // The sender lives as long as the server; without it there is nobody to run for.
        stop.wait_for(|stop| *stop).await.ok();
        housekeeping.abort();
        match time::timeout(drain, lanes.join_all()).await {
            Ok(_) => Drained::Whole,
            // Dropped with their lanes, workers are killed. What they had is released at the next
            // start, and since it was not its own doing, no attempt is counted.
            Err(_) => Drained::CutOff,
        }
    }
}

/// Sends the sweeper on its way, and removes what has been kept long enough, again and again. `sweep`
/// is what became of the first one, which looks also for uploads that arrived and were never said to
/// have, since whoever was to say it may have died with the last run.
async fn keep_house(database: Arc<Database>, mut sweep: Result<(), StoreError>) {
    let mut timer = time::interval(HOUSEKEEPING_EVERY);
    loop {
        timer.tick().await;
        let sent = if sweep.is_ok() {
            // One that is still on its way is left to it.
            database.begin_sweep().await.map(|_begun| ())
        } else {
            sweep = database.restart_sweep().await;
            sweep.clone()
        };
        if let Err(error) = sent {
            tracing::warn!(%error, "the sweeper could not be sent on its way; it is tried again");
        }
        match database.purge().await {
            Ok(Purged { requests: 0, images: 0 }) => {}
            Ok(Purged { requests, images }) => {
                tracing::info!(requests, images, "what was kept long enough is removed");
            }
            Err(error) => {
                tracing::warn!(%error, "old rows could not be removed; it is tried again");
            }
        }
    }
}

/// A budget that leaves a handler three tenths of its deadline for handing on.
fn budget(clock: &Arc<dyn Clock>, deadline: Duration) -> Budget {
    let until = clock.now().checked_add(deadline).unwrap_or(jiff::Timestamp::MAX);
    Budget::until(until, deadline.mul_f32(0.3), Arc::clone(clock))
}
