//! What becomes of one message, whoever took it from its queue: begin it, have its stage handle it,
//! handle what follows here where that is possible, and send the rest. Deleting it is the caller's.

use std::{
    collections::BTreeMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use domain::{
    Budget, Catalog, Clock, Code, Failure, ImageId, Key, Message, Outbox as _, Problem, Stage,
    StageName, Status, StoreError,
    message::Body,
    ports::Delivery,
    stage::{self, Admission, Started, Verdict},
};
use futures::FutureExt as _;
use jiff::Timestamp;
use tracing::{Instrument as _, Span, field};

use crate::{
    CloudObjects, CloudQueues,
    home::{Handler, Home, Make},
    metrics::{Measure, Metric},
    presets::Live,
    trace,
};

/// The share of the time there is that handing on takes at most, and its bounds.
const RESERVE: (f32, Duration, Duration) =
    (0.2, Duration::from_millis(500), Duration::from_secs(15));

/// How often queues are asked to take what is sent, and how long to wait at first: it was handled, and a
/// queue that takes nothing for a moment is no start that was lost.
const SENDS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(200);

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
    /// What ids of adopted objects are made with.
    secret: String,
}

/// What a stage made of a message; nothing where it panicked.
type Answer = Option<Result<Vec<Message>, Failure>>;

impl Carrier {
    /// Carries to these stages.
    pub(crate) async fn new(home: &Home, handlers: &[Handler]) -> Result<Self, String> {
        let (mut stages, mut presets) = (BTreeMap::new(), None);
        for handler in handlers {
            let stage = match handler.make {
                Make::OfPorts(make) => make(home),
                Make::OfPresets(make) => {
                    let live = home.presets().await?;
                    presets = Some(Arc::clone(&live));
                    make(home, live)
                }
            };
            stages.insert(handler.name, stage);
        }
        Ok(Self {
            stages,
            queues: Arc::clone(&home.queues),
            catalog: home.catalog.clone(),
            clock: Arc::clone(&home.clock),
            objects: Arc::clone(&home.objects),
            presets,
            secret: home.settings.secret.clone(),
        })
    }

    /// Looks after the presets, where it is time to.
    pub(crate) async fn refresh(&self) {
        if let Some(presets) = &self.presets {
            presets.refresh(&*self.objects).await;
        }
    }

    /// From now until the deadline, less what handing on takes.
    pub(crate) fn budget(&self, deadline: Timestamp) -> Budget {
        let left = Duration::try_from(deadline.duration_since(self.clock.now()));
        let (share, least, most) = RESERVE;
        let reserve = left.unwrap_or_default().mul_f32(share).clamp(least, most);
        Budget::until(deadline, reserve, Arc::clone(&self.clock))
    }

    /// Does something about a message: in the trace of its image, or where it is about none in its
    /// sender's, and so that every line of the log says about what it is.
    pub(crate) async fn about<F: Future>(
        &self,
        message: &Message,
        receives: u32,
        sender: Option<String>,
        work: F,
    ) -> F::Output {
        let image = self.image(message);
        let trace = image.map(trace::of).or(sender);
        // At this level whatever the filter lets pass stands within it.
        let span = tracing::error_span!(
            "message",
            kind = message.name(),
            stage = message.stage().as_str(),
            image = image.map(field::display),
            attempt = message.attempts.saturating_add(receives),
            trace = trace.as_deref().map(trace::root),
        );
        trace::within(trace, work).instrument(span).await
    }

    /// The image that a message is about, also of an adopted object, which has no id in its message.
    fn image(&self, message: &Message) -> Option<ImageId> {
        match &message.body {
            Body::Uploaded { key: Key::Foreign { key, version }, bucket: Some(bucket), .. } => {
                Some(ImageId::adopted(self.secret.as_bytes(), bucket, key, version))
            }
            _ => message.image(),
        }
    }

    /// Carries one, and says what follows. Once that is [sent](Self::send), it may be deleted.
    ///
    /// What was lent before was begun, and may have written down that it sent what was never sent. So it
    /// counts as a retry, also as a new copy, and so does what follows from it here: a fan-out then sends at
    /// once what is missing.
    pub(crate) async fn carry(
        &self,
        delivery: &Delivery,
        budget: &Budget,
    ) -> Result<Vec<Message>, StoreError> {
        let now = self.clock.now();
        let again = u32::from(delivery.receives > 1);
        let mut delivery = delivery.clone();
        delivery.message.retries = delivery.message.retries.saturating_add(again);
        let again = delivery.message.retries.min(1);
        let verdict = match stage::admit(&delivery) {
            Admission::Bury(message, problem) => Verdict::Bury(message, problem),
            Admission::Start(started) => {
                // With the starts that its receives tell of: what follows it is a new copy.
                let message = started.message.clone();
                match started.begin(&*self.catalog, now).await {
                    Ok(Admission::Bury(message, problem)) => Verdict::Bury(message, problem),
                    Ok(Admission::Start(started)) => self.run(&started, budget).await,
                    Err(error) => stage::judge(&message, Err(error.into()), now),
                }
            }
        };
        match verdict {
            Verdict::Send(mut messages) => {
                for message in &mut messages {
                    message.retries = message.retries.max(again);
                }
                Ok(self.follow(messages, budget).await)
            }
            Verdict::Bury(message, problem) => {
                self.bury(&message, &problem).await?;
                Ok(Vec::new())
            }
        }
    }

    /// Sends what follows, with patience.
    pub(crate) async fn send(&self, messages: &[Message]) -> Result<(), StoreError> {
        let mut pause = PAUSE;
        for _ in 1..SENDS {
            match self.queues.send(messages).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "what follows could not be sent; it is tried again");
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.queues.send(messages).await
    }

    /// Gives a message up.
    pub(crate) async fn bury(&self, message: &Message, why: &Problem) -> Result<(), StoreError> {
        tracing::warn!(code = %why.code, detail = why.detail, "a message is given up");
        self.queues.bury(message, why).await?;
        Measure::of(message.stage(), self.clock.now()).with(Metric::Buried, 1).write();
        Ok(())
    }

    /// Hands a message to its stage. A panic is a start that was lost.
    async fn run(&self, started: &Started, budget: &Budget) -> Verdict {
        let message = &started.message;
        // Its image may know of starts that this copy does not.
        Span::current().record("attempt", message.attempts + 1);
        let Some(stage) = self.stages.get(&message.stage()) else {
            let misrouted = Failure::Misrouted(message.name().to_owned());
            return stage::judge(message, Err(misrouted), self.clock.now());
        };
        let answer = self.handle(&**stage, message, budget).await;
        let now = self.clock.now();
        let Some(answer) = answer else {
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
    async fn follow(&self, messages: Vec<Message>, budget: &Budget) -> Vec<Message> {
        let (mut waiting, mut out) = (messages, Vec::new());
        let mut handled = 0;
        while let Some(message) = waiting.pop() {
            let stage = self.stages.get(&message.stage());
            let hosted = message.stage() == StageName::Fanout && message.not_before.is_none();
            let (Some(stage), true) = (stage, hosted && handled < FOLLOW_UPS) else {
                out.push(message);
                continue;
            };
            if budget.spent() {
                out.push(message);
                continue;
            }
            handled += 1;
            let handling = self.handle(&**stage, &message, budget);
            match self.about(&message, 1, trace::current(), handling).await {
                Some(Ok(next)) => waiting.extend(next),
                // Its own queue has the patience for it.
                Some(Err(_)) | None => out.push(message),
            }
        }
        out
    }

    /// Has a stage handle a message, and says and counts how that ended.
    async fn handle(&self, stage: &dyn Stage, message: &Message, budget: &Budget) -> Answer {
        let begun = self.clock.now();
        let handling = AssertUnwindSafe(stage.handle(message.clone(), budget)).catch_unwind();
        let answer = handling.await.ok();
        let now = self.clock.now();
        let ms = u64::try_from(now.duration_since(begun).as_millis()).unwrap_or(0);
        match &answer {
            Some(Ok(next)) => tracing::info!(ms, next = next.len(), "handled"),
            Some(Err(failure)) => tracing::warn!(ms, %failure, "could not be handled"),
            None => tracing::error!(ms, "panicked"),
        }
        measure(message, &answer, ms, now).write();
        answer
    }
}

fn measure(message: &Message, answer: &Answer, ms: u64, now: Timestamp) -> Measure {
    let measure = Measure::of(message.stage(), now).with(Metric::Duration, ms);
    let Some(Ok(next)) = answer else { return measure.with(Metric::Failed, 1) };
    let measure = measure.with(Metric::Handled, 1);
    let announced = next.iter().find_map(|next| match &next.body {
        Body::Notify { status, .. } => Some(*status),
        _ => None,
    });
    match announced {
        Some(Status::Ready) => measure.with(Metric::ImagesReady, 1),
        Some(Status::Failed) => measure.with(Metric::ImagesFailed, 1),
        _ => measure,
    }
}
