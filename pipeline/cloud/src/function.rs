//! A function that handles the messages of a queue, and what follows from them where it hosts that, too.
//!
//! A record is answered for by itself: admit it, have it handled, send what follows; then Lambda deletes
//! it. What was received before in a batch with others is suspected of having ended the last one, so it is
//! handled apart: one of them an invocation, after the others were sent again as they came.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use domain::{
    Budget, Catalog, Clock, Code, Message, Outbox, Problem, Queue, Stage, StageName, StoreError,
    ports::Delivery,
    stage::{self, Admission, Started, Verdict},
};
use futures::FutureExt as _;
use jiff::Timestamp;

use crate::{
    CloudQueues,
    events::{Answer, Batch, Failed, Record},
    home::Home,
    incoming::Incoming,
    presets::Live,
    trace,
};

/// The share of the time left that handing on takes at most, and its bounds.
const RESERVE: (f32, Duration, Duration) =
    (0.2, Duration::from_millis(500), Duration::from_secs(15));

/// How many messages follow from one in the same invocation, at most: follow-ups of follow-ups end.
const FOLLOW_UPS: usize = 8;

/// A function of one stage, and the stages that it hosts besides.
pub struct Function {
    own: StageName,
    stages: BTreeMap<StageName, Arc<dyn Stage>>,
    queues: Arc<CloudQueues>,
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    home: Arc<Home>,
    presets: Option<Arc<Live>>,
    dead_letters: Option<String>,
}

impl Function {
    /// The function of a stage. What may follow in the same invocation is of `hosted`.
    pub async fn new(
        home: Arc<Home>,
        own: StageName,
        hosted: &[StageName],
    ) -> Result<Self, String> {
        let names: Vec<_> = hosted.iter().copied().chain([own]).collect();
        let presets = match names.contains(&StageName::Fanout) {
            true => Some(home.presets().await?),
            false => None,
        };
        Ok(Self {
            own,
            stages: home.stages(&names, presets.as_ref()),
            queues: Arc::clone(&home.queues),
            catalog: home.catalog.clone(),
            clock: Arc::clone(&home.clock),
            dead_letters: home.settings.dead_letters.clone(),
            home,
            presets,
        })
    }

    /// Handles a batch until the deadline, and says what was not done.
    pub async fn handle(&self, batch: Batch, deadline: Timestamp) -> Answer {
        if let Some(presets) = &self.presets {
            presets.refresh(&*self.home.objects).await;
        }
        let mut answer = Answer::default();
        let alone = batch.records.len() == 1;
        let (suspects, others): (Vec<_>, Vec<_>) =
            batch.records.into_iter().partition(|record| !alone && record.receives() > 1);
        let mut suspects = suspects.into_iter();
        let first = suspects.next();
        for record in suspects {
            if let Err(error) = self.send_again(&record).await {
                self.fail(&mut answer, &record, &error);
            }
        }
        for record in others.into_iter().chain(first) {
            let done = trace::within(record.trace(), self.one(&record, deadline)).await;
            if let Err(error) = done {
                self.fail(&mut answer, &record, &error);
            }
        }
        answer
    }

    fn fail(&self, answer: &mut Answer, record: &Record, error: &StoreError) {
        let id = &record.message_id;
        tracing::error!(%error, record = id, stage = self.own.as_str(), "it stays in its queue");
        answer.batch_item_failures.push(Failed { item_identifier: id.clone() });
    }

    /// As new, so that it does not share the end of whoever it came with. It is deleted at once: the
    /// invocation may not live to say so.
    async fn send_again(&self, record: &Record) -> Result<(), StoreError> {
        let Incoming::Messages(messages) = self.parse(record) else {
            return Err(StoreError::Broken("it cannot be read".to_owned()));
        };
        self.queues.send(&messages).await?;
        let receipt = format!("{}:{}", self.own.as_str(), record.receipt_handle);
        self.queues.acknowledge(&receipt).await
    }

    fn parse(&self, record: &Record) -> Incoming {
        Incoming::parse(&record.body, &self.home.settings.buckets)
    }

    /// A record. An error leaves it in its queue.
    async fn one(&self, record: &Record, deadline: Timestamp) -> Result<(), StoreError> {
        let messages = match self.parse(record) {
            Incoming::Messages(messages) => messages,
            Incoming::Unreadable(why) => return Err(StoreError::Broken(why)),
        };
        let buried = self.dead_letters.as_ref() == Some(&record.event_source_arn);
        for message in messages {
            if buried {
                // It was received more often than any handler leaves it: none came to its end.
                let reason = "its queue gave it up: no function came to an end with it";
                self.queues.bury(&message, &Problem::new(Code::Crashed, reason)).await?;
            } else if self.queues.is_early(&message) || self.budget(deadline).spent() {
                // Not begun, so nothing is held against it.
                self.queues.send(&[message]).await?;
            } else {
                let receipt = record.receipt_handle.clone();
                let delivery = Delivery { message, receipt, receives: record.receives() };
                self.carry(&delivery, deadline).await?;
            }
        }
        Ok(())
    }

    fn budget(&self, deadline: Timestamp) -> Budget {
        let left = Duration::try_from(deadline.duration_since(self.clock.now()));
        let (share, least, most) = RESERVE;
        let reserve = left.unwrap_or_default().mul_f32(share).clamp(least, most);
        Budget::until(deadline, reserve, Arc::clone(&self.clock))
    }

    async fn carry(&self, delivery: &Delivery, deadline: Timestamp) -> Result<(), StoreError> {
        let now = self.clock.now();
        let verdict = match stage::admit(delivery) {
            Admission::Bury(message, problem) => Verdict::Bury(message, problem),
            Admission::Start(started) => match started.begin(&*self.catalog, now).await {
                Ok(Admission::Bury(message, problem)) => Verdict::Bury(message, problem),
                Ok(Admission::Start(started)) => self.run(&started, deadline).await,
                Err(error) => stage::judge(&delivery.message, Err(error.into()), now),
            },
        };
        match verdict {
            Verdict::Send(messages) => {
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
        self.log(message, &answer, ms);
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

    /// Handles what follows here, where this function hosts it and there is time; what is left, or fails,
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
            self.log(&message, &answer, self.clock.now().duration_since(begun).as_millis());
            match answer {
                Ok(Ok(next)) => waiting.extend(next),
                // Its own queue has the patience for it.
                Ok(Err(_)) | Err(_) => out.push(message),
            }
        }
        out
    }

    fn log<E>(
        &self,
        message: &Message,
        answer: &Result<Result<Vec<Message>, domain::Failure>, E>,
        ms: i128,
    ) {
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
}
