//! Messages from queues to lanes, and what becomes of their loans.
//!
//! A lane is a picture that is worked on. Feeds, one a queue, ask for messages when a lane is free, and
//! what they get waits for one. A message that was begun before and did not end is suspected of having
//! ended the process, so it is carried alone: nothing else is on loan here meanwhile, and so nothing else
//! can be suspected for what it does.

use std::{convert::Infallible, future::Future, num::NonZeroUsize, sync::Arc, time::Duration};

use domain::{
    Clock, Message, Outbox as _, Queue as _, StageName, StoreError, message::Body, ports::Delivery,
};
use jiff::Timestamp;
use tokio::{
    sync::{
        Mutex, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit,
        RwLock, Semaphore, watch,
    },
    task::JoinSet,
    time,
};
use tracing::Instrument as _;

use super::{End, Phase, enter};
use crate::{CloudQueues, Lent, carry::Carrier, home::Home, trace};

/// Messages of the fan-out that are handled at the same time: they touch no pixels, and wait for the
/// network most of the time.
const FANOUT_LANES: usize = 8;

/// How long a queue is asked, at most, which is also how long stopping takes where there is nothing to
/// do: an answer that nobody waits for would cost its messages a start.
const WAIT: Duration = Duration::from_secs(10);

/// How long to wait after a queue would not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a message is lent at a time, at most: what a killed worker had is lent again that soon.
const LOAN: Duration = Duration::from_mins(1);

/// How long a handler is waited for that was to have ended long ago. An upload is read and copied whole,
/// so one that is long has a second more for each of so many bytes.
const PATIENCE: Duration = Duration::from_mins(2);
const A_SECOND: u64 = 8 << 20;
/// What an event may say of it at most.
const WHOLE: u64 = 5 << 30;

/// How long a suspect waits while another one is carried.
const QUARANTINE: Duration = Duration::from_secs(15);

/// Those who were received together stay on loan together.
type Company = Arc<OwnedRwLockReadGuard<()>>;

/// Where messages are carried.
pub(super) struct Floor {
    queues: Arc<CloudQueues>,
    clock: Arc<dyn Clock>,
    carrier: Carrier,
    /// Of foreign bytes.
    lanes: Arc<Semaphore>,
    /// Of the fan-out.
    fanout_lanes: Arc<Semaphore>,
    /// Read by whoever may be on loan with others, written by whoever may not.
    together: Arc<RwLock<()>>,
    /// Held by the one suspect that is on loan.
    suspect: Arc<Mutex<()>>,
    loan: Duration,
    deadline: Duration,
    phase: watch::Sender<Phase>,
}

/// What a message is carried in: given up when it is dropped.
enum Place {
    Lane { _lane: OwnedSemaphorePermit, _company: Company },
    Alone { _suspect: OwnedMutexGuard<()>, _alone: OwnedRwLockWriteGuard<()> },
}

/// Why there is no place.
enum NoPlace {
    /// It is time to stop.
    Draining,
    /// Another suspect is first.
    Quarantine,
}

impl Floor {
    pub(super) fn new(
        home: &Home,
        carrier: Carrier,
        lanes: NonZeroUsize,
        deadline: Duration,
        phase: watch::Sender<Phase>,
    ) -> Self {
        Self {
            queues: Arc::clone(&home.queues),
            clock: Arc::clone(&home.clock),
            carrier,
            lanes: Arc::new(Semaphore::new(lanes.get())),
            fanout_lanes: Arc::new(Semaphore::new(FANOUT_LANES)),
            together: Arc::default(),
            suspect: Arc::default(),
            loan: home.settings.visibility.clamp(Duration::from_secs(10), LOAN),
            deadline,
            phase,
        }
    }

    fn lanes(&self, stage: StageName) -> &Arc<Semaphore> {
        match stage {
            StageName::Fanout => &self.fanout_lanes,
            StageName::Ingest | StageName::Resize | StageName::Metadata => &self.lanes,
        }
    }

    /// Carries the messages of a queue until it is time to stop, and what was begun has ended.
    pub(super) async fn feed(self: Arc<Self>, stage: StageName) -> End {
        let (mut begun, mut end) = (JoinSet::new(), End::Whole);
        while let Some(company) = Box::pin(self.unless_draining(self.ready(stage))).await {
            let company = Arc::new(company);
            let free = self.lanes(stage).available_permits();
            match self.queues.poll(stage, free, self.loan, WAIT.min(self.deadline)).await {
                Ok(lent) => {
                    for lent in lent {
                        begun.spawn(Arc::clone(&self).lane(lent, Arc::clone(&company)));
                    }
                }
                Err(error) => {
                    let stage = stage.as_str();
                    tracing::error!(%error, stage, "the queue cannot be read; it is asked again");
                    drop(company);
                    self.unless_draining(time::sleep(PAUSE)).await;
                }
            }
            while let Some(ended) = begun.try_join_next() {
                end = end.max(ended.unwrap_or(End::Stuck));
            }
        }
        while let Some(ended) = begun.join_next().await {
            end = end.max(ended.unwrap_or(End::Stuck));
        }
        end
    }

    /// Until there is a lane, which is not kept: whoever asks an empty queue would keep it from others.
    async fn ready(&self, stage: StageName) -> OwnedRwLockReadGuard<()> {
        self.carrier.refresh().await;
        drop(self.lanes(stage).acquire().await);
        Arc::clone(&self.together).read_owned().await
    }

    /// One message, from its receipt to its end.
    async fn lane(self: Arc<Self>, lent: Lent, company: Company) -> End {
        let Lent { delivery, trace } = lent;
        let whole = Arc::clone(&self).whole(delivery.clone(), company);
        self.carrier.about(&delivery.message, delivery.receives, Some(trace), whole).await
    }

    async fn whole(self: Arc<Self>, delivery: Delivery, company: Company) -> End {
        let place = tokio::select! {
            place = self.place(&delivery, company) => place,
            never = self.prolong(&delivery.receipt) => match never {},
        };
        let _place = match place {
            Ok(place) => place,
            Err(NoPlace::Draining) => return self.return_unbegun(&delivery, Duration::ZERO).await,
            Err(NoPlace::Quarantine) => return self.return_unbegun(&delivery, QUARANTINE).await,
        };
        // In a task of its own: a handler that keeps its thread busy does not keep its loan from being
        // prolonged.
        let work = {
            let (floor, delivery) = (Arc::clone(&self), delivery.clone());
            async move { floor.carry(&delivery).await }
        };
        let work = trace::within(trace::current(), work).in_current_span();
        let mut work = tokio::spawn(work);
        let patience = patience(&delivery.message);
        tokio::select! {
            ended = &mut work => {
                if let Err(error) = ended {
                    tracing::error!(%error, "it stays in its queue");
                }
                End::Whole
            }
            () = time::sleep(patience) => self.stuck(patience),
            () = self.entered(Phase::Over) => {
                work.abort();
                self.return_begun(&delivery).await
            }
            never = self.prolong(&delivery.receipt) => match never {},
        }
    }

    /// A lane among others, or the whole floor for a suspect.
    async fn place(&self, delivery: &Delivery, company: Company) -> Result<Place, NoPlace> {
        if delivery.receives > 1 || delivery.message.attempts > 0 {
            drop(company);
            let suspect = Arc::clone(&self.suspect).try_lock_owned();
            let suspect = suspect.map_err(|_| NoPlace::Quarantine)?;
            let alone = self.unless_draining(Arc::clone(&self.together).write_owned()).await;
            let alone = alone.ok_or(NoPlace::Draining)?;
            return Ok(Place::Alone { _suspect: suspect, _alone: alone });
        }
        let lanes = self.lanes(delivery.message.stage());
        let lane = self.unless_draining(Arc::clone(lanes).acquire_owned()).await;
        // Lanes are never closed.
        let lane = lane.and_then(Result::ok).ok_or(NoPlace::Draining)?;
        Ok(Place::Lane { _lane: lane, _company: company })
    }

    async fn carry(&self, delivery: &Delivery) {
        let deadline = self.clock.now().checked_add(self.deadline).unwrap_or(Timestamp::MAX);
        let settled = async {
            let next = self.carrier.carry(delivery, &self.carrier.budget(deadline)).await?;
            self.carrier.send(&next).await?;
            self.queues.acknowledge(&delivery.receipt).await
        };
        if let Err(error) = settled.await {
            tracing::error!(%error, "it stays in its queue");
        }
    }

    /// Sends it again as it came: it was not begun, so nothing is held against it.
    async fn return_unbegun(&self, delivery: &Delivery, wait: Duration) -> End {
        let mut message = delivery.message.clone();
        message.attempts = message.attempts.saturating_add(delivery.receives.saturating_sub(1));
        if let (false, Ok(later)) = (wait.is_zero(), self.clock.now().checked_add(wait)) {
            message = message.not_before(later);
        }
        let returned = async {
            self.queues.send(&[message]).await?;
            self.queues.acknowledge(&delivery.receipt).await
        };
        warn(returned.await);
        End::Whole
    }

    /// Gives it back at once. It was begun, and that start is lost.
    async fn return_begun(&self, delivery: &Delivery) -> End {
        warn(self.queues.hide(&delivery.receipt, Duration::ZERO).await);
        End::CutOff
    }

    /// Its loan runs out, and the start is lost, as where Lambda ends a function.
    fn stuck(&self, patience: Duration) -> End {
        tracing::error!(after = ?patience, "it does not end: this process has to");
        enter(&self.phase, Phase::Draining);
        End::Stuck
    }

    /// Lends it anew, again and again.
    async fn prolong(&self, receipt: &str) -> Infallible {
        loop {
            time::sleep(self.loan / 3).await;
            if let Err(error) = self.queues.hide(receipt, self.loan).await {
                tracing::warn!(%error, "a loan could not be prolonged; it is tried again");
            }
        }
    }

    async fn entered(&self, wanted: Phase) {
        // The sender is our own, so it lives.
        self.phase.subscribe().wait_for(|phase| *phase >= wanted).await.ok();
    }

    /// What comes of it; nothing where it is time to stop first.
    async fn unless_draining<F: Future>(&self, work: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.entered(Phase::Draining) => None,
            done = work => Some(done),
        }
    }
}

fn patience(message: &Message) -> Duration {
    match message.body {
        Body::Uploaded { size, .. } => PATIENCE + Duration::from_secs(size.min(WHOLE) / A_SECOND),
        _ => PATIENCE,
    }
}

fn warn(returned: Result<(), StoreError>) {
    if let Err(error) = returned {
        tracing::warn!(%error, "it could not be given back: its loan runs out");
    }
}
