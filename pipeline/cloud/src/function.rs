//! A function that handles the messages of a queue, and what follows from them where it hosts that, too.
//!
//! A record is answered for by itself: admit it, have it handled, send what follows; then Lambda deletes
//! it. What was received before in a batch with others is suspected of having ended the last one, so it is
//! handled apart: one of them an invocation, after the others were sent again as they came.

use std::{future::Future, slice, sync::Arc};

use domain::{
    Budget, Code, Message, Outbox as _, Problem, Queue as _, StageName, StoreError, ports::Delivery,
};
use jiff::Timestamp;

use crate::{
    carry::Carrier,
    events::{Answer, Batch, Failed, Record},
    home::{Handler, Home},
    incoming::Incoming,
};

/// A function of one stage, and the stages that it hosts besides.
pub(crate) struct Function {
    own: StageName,
    carrier: Carrier,
    home: Arc<Home>,
}

impl Function {
    /// The function of a stage. What may follow in the same invocation is of `hosted`.
    pub(crate) async fn new(
        home: Arc<Home>,
        own: Handler,
        hosted: &[Handler],
    ) -> Result<Self, String> {
        let handlers: Vec<_> = hosted.iter().copied().chain([own]).collect();
        Ok(Self { own: own.name, carrier: Carrier::new(&home, &handlers).await?, home })
    }

    /// Handles a batch until the deadline, and says what was not done. What follows from all of it is sent
    /// together, as few requests as that takes.
    pub(crate) async fn handle(&self, batch: Batch, deadline: Timestamp) -> Answer {
        self.carrier.refresh().await;
        let budget = self.carrier.budget(deadline);
        let mut answer = Answer::default();
        let alone = batch.records.len() == 1;
        let (suspects, others): (Vec<_>, Vec<_>) =
            batch.records.into_iter().partition(|record| !alone && self.suspects(record));
        let mut suspects = suspects.into_iter();
        let first = suspects.next();
        for record in suspects {
            answer.note(&record, self.send_again(&record).await);
        }
        let (mut next, mut leading) = (Vec::new(), Vec::new());
        for record in others.into_iter().chain(first) {
            match self.one(&record, &budget).await {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => {
                    next.extend(messages);
                    leading.push(record);
                }
                Err(stays) => answer.note(&record, Err(stays)),
            }
        }
        if let Err(error) = self.carrier.send(&next).await {
            for record in leading {
                answer.note(&record, Err(stays(&record, &error)));
            }
        }
        answer
    }

    /// Whether it may have ended the last invocation that had it. What a queue gave up is begun by nobody.
    fn suspects(&self, record: &Record) -> bool {
        record.receives() > 1 && !self.is_given_up(record)
    }

    fn is_given_up(&self, record: &Record) -> bool {
        self.home.settings.dead_letters.as_ref() == Some(&record.event_source_arn)
    }

    /// As new, so that it does not share the end of whoever it came with. It is deleted at once: the
    /// invocation may not live to say so.
    async fn send_again(&self, record: &Record) -> Result<(), Stays> {
        for message in self.parse(record)? {
            let message = unbegun(&message, record);
            let sent = self.home.queues.send(slice::from_ref(&message));
            self.about(record, &message, sent).await?;
        }
        let receipt = format!("{}:{}", self.own.as_str(), record.receipt_handle);
        let deleted = self.home.queues.acknowledge(&receipt).await;
        deleted.map_err(|error| stays(record, &error))
    }

    fn parse(&self, record: &Record) -> Result<Vec<Message>, Stays> {
        match Incoming::parse(&record.body, &self.home.settings.buckets) {
            Incoming::Messages(messages) => Ok(messages),
            Incoming::Unreadable(why) => Err(stays(record, &StoreError::Broken(why))),
        }
    }

    /// A record, and what follows from it. An error leaves it in its queue.
    async fn one(&self, record: &Record, budget: &Budget) -> Result<Vec<Message>, Stays> {
        let mut next = Vec::new();
        for message in self.parse(record)? {
            // Boxed, because it is handed on.
            let done = Box::pin(self.message(record, &message, budget));
            next.extend(self.about(record, &message, done).await?);
        }
        Ok(next)
    }

    /// Does something about a message of a record.
    async fn about<T>(
        &self,
        record: &Record,
        message: &Message,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Stays> {
        let work = async { work.await.map_err(|error| stays(record, &error)) };
        self.carrier.about(message, record.receives(), Some(record.trace()), work).await
    }

    async fn message(
        &self,
        record: &Record,
        message: &Message,
        budget: &Budget,
    ) -> Result<Vec<Message>, StoreError> {
        if self.is_given_up(record) {
            // It was received more often than any handler leaves it: none came to its end.
            let reason = "its queue gave it up: no function came to an end with it";
            self.carrier.bury(message, &Problem::new(Code::Crashed, reason)).await?;
            return Ok(Vec::new());
        }
        if self.home.queues.is_early(message) || budget.spent() {
            return Ok(vec![unbegun(message, record)]);
        }
        let (message, receipt) = (message.clone(), record.receipt_handle.clone());
        let delivery = Delivery { message, receipt, receives: record.receives() };
        self.carrier.carry(&delivery, budget).await
    }
}

/// Not begun, so no start is held against it. An earlier invocation may have begun it all the same, and
/// have written down that it sent what was never sent: that it is told.
fn unbegun(message: &Message, record: &Record) -> Message {
    let again = u32::from(record.receives() > 1);
    Message { retries: message.retries.saturating_add(again), ..message.clone() }
}

/// A record stays in its queue, and the log says why.
#[derive(Clone, Copy)]
struct Stays;

fn stays(record: &Record, error: &StoreError) -> Stays {
    let (record, queue) = (&record.message_id, &record.event_source_arn);
    tracing::error!(%error, record, queue, "it stays in its queue");
    Stays
}

impl Answer {
    fn note(&mut self, record: &Record, done: Result<(), Stays>) {
        if let Err(Stays) = done {
            let item_identifier = record.message_id.clone();
            self.batch_item_failures.push(Failed { item_identifier });
        }
    }
}
