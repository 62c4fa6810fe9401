//! What becomes of one message, whoever took it from its queue: begin it, have its stage handle it,
//! handle what follows here where that is possible, and send the rest. Deleting it is the caller's.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use domain::{
    Budget, Catalog, Clock, Code, Message, Outbox as _, Stage, StageName, StoreError,
    ports::Delivery,
    stage::{self, Admission, Started, Verdict},
};
use futures::FutureExt as _;
use jiff::Timestamp;

use crate::{
    CloudObjects, CloudQueues,
    home::{Home, Make, Part},
    presets::Live,
    trace,
};

/// The share of the time left that handing on takes at most, and its bounds.
const RESERVE: (f32, Duration, Duration) =
    (0.2, Duration::from_millis(500), Duration::from_secs(15));

/// How many messages follow from one without a queue, at most: follow-ups of follow-ups end.
const FOLLOW_UPS: usize = 8;

/// Stages, and what carrying messages to them takes.
pub(crate) struct Carrier {
    stages: BTreeMap<StageName, Arc<dyn Stage>>,
    queues: Arc<CloudQueues>,
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    objects: Arc<CloudObjects>,
    presets: Option<Arc<Live>>,
}

impl Carrier {
    /// Carries to these stages.
    pub(crate) async fn new(home: &Home, parts: &[Part]) -> Result<Self, String> {
        let (mut stages, mut presets) = (BTreeMap::new(), None);
        for part in parts {
            let stage = match part.make {
                Make::OfPorts(make) => make(home),
                Make::OfPresets(make) => {
                    let live = home.presets().await?;
                    presets = Some(Arc::clone(&live));
                    make(home, live)
                }
            };
            stages.insert(part.name, stage);
        }
        Ok(Self {
            stages,
            queues: Arc::clone(&home.queues),
            catalog: home.catalog.clone(),
            clock: Arc::clone(&home.clock),
            objects: Arc::clone(&home.objects),
            presets,
        })
    }

    /// Looks after the presets, where it is time to.
    pub(crate) async fn refresh(&self) {
        if let Some(presets) = &self.presets {
            presets.refresh(&*self.objects).await;
        }
    }

    /// What is left until the deadline, less what handing on takes.
    pub(crate) fn budget(&self, deadline: Timestamp) -> Budget {
        let left = Duration::try_from(deadline.duration_since(self.clock.now()));
        let (share, least, most) = RESERVE;
        let reserve = left.unwrap_or_default().mul_f32(share).clamp(least, most);
        Budget::until(deadline, reserve, Arc::clone(&self.clock))
    }

    /// Carries one. It may be deleted unless this is an error.
    ///
    /// What was lent before was begun, and may have written down that it sent what was never sent. So it
    /// counts as a retry, and so does what follows from it here: a fan-out then sends at once what is
    /// missing.
    pub(crate) async fn carry(
        &self,
        delivery: &Delivery,
        deadline: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let again = u32::from(delivery.receives > 1);
        let mut delivery = delivery.clone();
        delivery.message.retries = delivery.message.retries.saturating_add(again);
        let verdict = match stage::admit(&delivery) {
            Admission::Bury(message, problem) => Verdict::Bury(message, problem),
            Admission::Start(started) => match started.begin(&*self.catalog, now).await {
                Ok(Admission::Bury(message, problem)) => Verdict::Bury(message, problem),
                Ok(Admission::Start(started)) => self.run(&started, deadline).await,
                Err(error) => stage::judge(&delivery.message, Err(error.into()), now),
            },
        };
        match verdict {
            Verdict::Send(mut messages) => {
                for message in &mut messages {
                    message.retries = message.retries.max(again);
                }
                let messages = self.follow(messages, deadline).await;
                self.queues.send(&messages).await
            }
            Verdict::Bury(message, problem) => {
                tracing::warn!(
                    kind = message.name(),
                    image = message.image().map(tracing::field::display),
                    detail = problem.detail,
                    "a message is given up"
                );
                self.queues.bury(&message, &problem).await
            }
        }
    }

    /// Hands a message to its stage. A panic is a start that was lost.
    async fn run(&self, started: &Started, deadline: Timestamp) -> Verdict {
        let message = &started.message;
        let begun = self.clock.now();
        let Some(stage) = self.stages.get(&message.stage()) else {
            let misrouted = domain::Failure::Misrouted(message.name().to_owned());
            return stage::judge(message, Err(misrouted), begun);
        };
        let budget = self.budget(deadline);
        let handling = AssertUnwindSafe(stage.handle(message.clone(), &budget)).catch_unwind();
        let answer = handling.await;
        let now = self.clock.now();
        let ms = now.duration_since(begun).as_millis();
        log(message, &answer, ms);
        let Ok(answer) = answer else {
            let known = started.lost(&*self.catalog, now).await;
            let attempts = known.unwrap_or(message.attempts + 1);
            let detail = format!("handling {} panicked: the log has the place", message.name());
            return stage::lost(message.clone(), attempts, Code::Crashed, &detail, now);
        };
        if let Err(error) = started.ended(&*self.catalog, &answer, now).await {
            tracing::warn!(%error, "a start stays counted that was not lost");
        }
        stage::judge(message, answer, now)
    }

    /// Handles what follows here, where its stage is hosted and there is time; what is left, or fails,
    /// is sent like everything else. Dying in between is healed as if it had been sent and lost: the
    /// message that all this follows from is still there.
    async fn follow(&self, messages: Vec<Message>, deadline: Timestamp) -> Vec<Message> {
        let (mut waiting, mut out) = (messages, Vec::new());
        let mut handled = 0;
        while let Some(message) = waiting.pop() {
            let stage = self.stages.get(&message.stage());
            let hosted = message.stage() == StageName::Fanout && message.not_before.is_none();
            let (Some(stage), true) = (stage, hosted && handled < FOLLOW_UPS) else {
                out.push(message);
                continue;
            };
            let budget = self.budget(deadline);
            if budget.spent() {
                out.push(message);
                continue;
            }
            handled += 1;
            let begun = self.clock.now();
            let handling = AssertUnwindSafe(stage.handle(message.clone(), &budget)).catch_unwind();
            let answer = handling.await;
            log(&message, &answer, self.clock.now().duration_since(begun).as_millis());
            match answer {
                Ok(Ok(next)) => waiting.extend(next),
                // Its own queue has the patience for it.
                Ok(Err(_)) | Err(_) => out.push(message),
            }
        }
        out
    }
}

fn log<E>(message: &Message, answer: &Result<Result<Vec<Message>, domain::Failure>, E>, ms: i128) {
    let trace = trace::current();
    let trace = trace.as_deref().map(trace::root);
    let image = message.image().map(tracing::field::display);
    let (kind, stage) = (message.name(), message.stage().as_str());
    let attempt = message.attempts + 1;
    match answer {
        Ok(Ok(next)) => {
            let next = next.len();
            tracing::info!(kind, stage, image, attempt, trace, ms, next, "handled");
        }
        Ok(Err(failure)) => {
            tracing::warn!(kind, stage, image, attempt, trace, ms, %failure, "tried again later");
        }
        Err(_) => tracing::error!(kind, stage, image, attempt, trace, ms, "panicked"),
    }
}
