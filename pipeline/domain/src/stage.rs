//! Carrying one message to one stage: the loop body that every home shares.

mod erasing;
mod starts;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

pub use self::{erasing::erase, starts::Started};
use crate::{
    Budget, Catalog, Code, DeadLetters, Failure, ImageId, Message, Outbox, PieceId, Problem, Queue,
    StoreError, message::Body, ports::Delivery,
};

/// A stage takes one message and returns the messages that follow. It may be given the same message
/// again at any time, and then ends in the same state.
#[async_trait]
pub trait Stage: Send + Sync {
    /// Does the work, or says what becomes of it.
    async fn handle(&self, message: Message, budget: &Budget) -> Result<Vec<Message>, Failure>;
}

/// Starts that a piece of work is given before it is given up.
pub const MAX_ATTEMPTS: u32 = 3;

/// Times that work is given back for want of something before it is given up: with the pauses of
/// [`pause`], about a day. Want of room is not held against it.
pub const MAX_RETRIES: u32 = 100;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// What is to be done with a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Hand it to its stage.
    Start(Started),
    /// It was started often enough.
    Bury(Message, Problem),
}

/// Decides by the starts that never came to an end: those that the message brought along, and the
/// earlier loans of this copy. A handler that ends in any way acknowledges, so a copy that is lent
/// again was started and lost. What the image knows of other copies comes to it by
/// [`Started::begin`].
pub fn admit(delivery: &Delivery) -> Admission {
    let mut message = delivery.message.clone();
    message.attempts = message.attempts.saturating_add(delivery.receives.saturating_sub(1));
    admitted(Started::new(message))
}

fn admitted(started: Started) -> Admission {
    let attempts = started.message.attempts;
    if attempts < MAX_ATTEMPTS {
        return Admission::Start(started);
    }
    let detail = format!("the worker was lost at each of {attempts} attempts");
    Admission::Bury(started.message, Problem::new(Code::Crashed, detail))
}

/// How long work waits before its next retry: the store's own wish, doubled at each retry, at most
/// a quarter of an hour.
pub fn pause(retry_after: Duration, retries: u32) -> Duration {
    let wish = retry_after.max(Duration::from_millis(100));
    wish.saturating_mul(1 << retries.min(16)).min(LONGEST_PAUSE)
}

/// What a home is to do after a handler ended: send these, or bury, and then acknowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send what follows.
    Send(Vec<Message>),
    /// Give the message up.
    Bury(Message, Problem),
}

/// Turns a handler's answer into what follows. A transient failure follows itself as a new copy, so
/// that waiting for a store never counts as an attempt.
pub fn judge(message: &Message, answer: Result<Vec<Message>, Failure>, now: Timestamp) -> Verdict {
    match answer {
        Ok(messages) => Verdict::Send(messages),
        Err(Failure::Transient { retry_after, reason }) => {
            if message.retries >= MAX_RETRIES {
                let detail = format!("given up after {} retries: {reason}", message.retries);
                return Verdict::Bury(message.clone(), Problem::new(Code::KeptFailing, detail));
            }
            Verdict::Send(vec![again(message, retry_after, message.retries + 1, now)])
        }
        Err(Failure::NoRoom { retry_after, .. }) => {
            // Counted for as long as the pause grows by it, and no further: so it never comes to be
            // given up by waiting for room, however long that takes.
            let grows = pause(retry_after, message.retries) < LONGEST_PAUSE;
            let retries = message.retries + u32::from(grows);
            Verdict::Send(vec![again(message, retry_after, retries, now)])
        }
        Err(failure @ (Failure::Permanent(_) | Failure::Misrouted(_))) => {
            Verdict::Bury(message.clone(), Problem::new(Code::KeptFailing, failure.to_string()))
        }
    }
}

/// How long a message waits after its first start was lost: others go first.
const BACKOFF: Duration = Duration::from_secs(1);

/// What follows where a handler never came to an end, after so many starts, this one included: the last
/// of them says why the message is given up.
pub fn lost(message: Message, attempts: u32, code: Code, detail: &str, now: Timestamp) -> Verdict {
    let again = Message { attempts, ..message };
    if attempts < MAX_ATTEMPTS {
        let later = now.checked_add(BACKOFF * attempts).unwrap_or(now);
        return Verdict::Send(vec![again.not_before(later)]);
    }
    let detail = format!("given up after {attempts} attempts: {detail}");
    Verdict::Bury(again, Problem::new(code, detail))
}

/// The same message for later, with the pause that its retries until now ask for.
fn again(message: &Message, retry_after: Duration, retries: u32, now: Timestamp) -> Message {
    let at = now.checked_add(pause(retry_after, message.retries)).unwrap_or(Timestamp::MAX);
    Message { retries, ..message.clone() }.not_before(at)
}

/// Carries one delivery through its stage: admit, begin, handle, send what follows, acknowledge last.
/// Dying between any two of these is healed by the next loan.
pub async fn carry(
    queue: &dyn Queue,
    catalog: &dyn Catalog,
    stage: &dyn Stage,
    delivery: &Delivery,
    budget: &Budget,
) -> Result<(), StoreError> {
    let verdict = match admit(delivery) {
        Admission::Bury(message, problem) => Verdict::Bury(message, problem),
        Admission::Start(started) => {
            let message = started.message.clone();
            match started.begin(catalog, budget.now()).await {
                Ok(Admission::Bury(message, problem)) => Verdict::Bury(message, problem),
                Ok(Admission::Start(started)) => run(catalog, stage, &started, budget).await,
                Err(error) => judge(&message, Err(error.into()), budget.now()),
            }
        }
    };
    settle(queue, &delivery.receipt, verdict).await
}

async fn run(
    catalog: &dyn Catalog,
    stage: &dyn Stage,
    started: &Started,
    budget: &Budget,
) -> Verdict {
    let answer = stage.handle(started.message.clone(), budget).await;
    // Where the image cannot be told, a start too many stays counted: the work has one less.
    let _told = started.ended(catalog, &answer, budget.now()).await;
    judge(&started.message, answer, budget.now())
}

/// Record first (the handler did), send second, acknowledge last.
pub async fn settle(queue: &dyn Queue, receipt: &str, verdict: Verdict) -> Result<(), StoreError> {
    match verdict {
        Verdict::Send(messages) if messages.is_empty() => {}
        Verdict::Send(messages) => queue.send(&messages).await?,
        Verdict::Bury(message, problem) => queue.bury(&message, &problem).await?,
    }
    queue.acknowledge(receipt).await
}

impl Message {
    /// The image that waits for this work and the pieces that it is about, none of them where it is
    /// the upload itself; nothing where no image waits.
    pub fn work(&self) -> Option<(ImageId, Vec<PieceId>)> {
        match &self.body {
            Body::Uploaded { key, .. } => Some((key.image()?, Vec::new())),
            Body::Describe { image, piece } => Some((*image, vec![piece.clone()])),
            Body::Render { image, pieces } => {
                Some((*image, pieces.iter().map(|p| p.id.clone()).collect()))
            }
            // Where they are given up, the sweeper finds their work again, or it waits for a redrive,
            // or for whoever asks next.
            Body::Accepted { .. }
            | Body::Completed { .. }
            | Body::Requested { .. }
            | Body::Notify { .. }
            | Body::Buried { .. }
            | Body::Erase { .. }
            | Body::Sweep { .. }
            | Body::Reprocess { .. } => None,
        }
    }

    /// What tells the image that this message was given up, and when; none where no image waits.
    pub fn obituary(&self, reason: &Problem, at: Timestamp) -> Option<Self> {
        let (image, pieces) = self.work()?;
        Some(Body::Buried { image, pieces, reason: reason.clone(), at: Some(at) }.into())
    }
}

/// What became of a dead letter that somebody took back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redriven {
    /// Its work was sent again, with all its attempts.
    Sent,
    /// Nobody waits for its work any more: the image was erased, is ready, or wants other pieces.
    Needless,
}

/// Takes a dead letter back: opens its image again, sends the work as new, and discards the letter
/// last. Dying in between is healed by the sweeper, which finds the image opened. An obituary that is
/// still on the way is older than that, and ends nothing. A letter that was buried anew meanwhile
/// stays. [`StoreError::Missing`] where there is no such letter.
pub async fn redrive(
    catalog: &dyn Catalog,
    outbox: &dyn Outbox,
    letters: &dyn DeadLetters,
    id: &str,
    now: Timestamp,
) -> Result<Redriven, StoreError> {
    let letter = letters.letter(id).await?;
    let wanted = match letter.message.work() {
        Some((image, pieces)) => {
            let pieces = pieces.into_iter().collect();
            match catalog.reopen(image, &pieces, now).await {
                Err(StoreError::Missing(_)) => false,
                answer => answer?,
            }
        }
        // No image was told that this was given up, so none has to be opened.
        None => true,
    };
    if wanted {
        outbox.send(&[letter.message.body.into()]).await?;
    }
    letters.discard(id, letter.buried_at).await?;
    Ok(if wanted { Redriven::Sent } else { Redriven::Needless })
}
