//! A function that handles the messages of a queue, and what follows from them where it hosts that, too.
//!
//! A record is answered for by itself: admit it, have it handled, send what follows; then Lambda deletes
//! it. What was received before in a batch with others is suspected of having ended the last one, so it is
//! handled apart: one of them an invocation, after the others were sent again as they came.

use std::sync::Arc;

use domain::{Code, Outbox as _, Problem, Queue as _, StageName, StoreError, ports::Delivery};
use jiff::Timestamp;

use crate::{
    carry::Carrier,
    events::{Answer, Batch, Failed, Record},
    home::{Home, Part},
    incoming::Incoming,
    trace,
};

/// A function of one stage, and the stages that it hosts besides.
pub(crate) struct Function {
    own: StageName,
    carrier: Carrier,
    home: Arc<Home>,
}

impl Function {
    /// The function of a stage. What may follow in the same invocation is of `hosted`.
    pub(crate) async fn new(home: Arc<Home>, own: Part, hosted: &[Part]) -> Result<Self, String> {
        let parts: Vec<_> = hosted.iter().copied().chain([own]).collect();
        Ok(Self { own: own.name, carrier: Carrier::new(&home, &parts).await?, home })
    }

    /// Handles a batch until the deadline, and says what was not done.
    pub(crate) async fn handle(&self, batch: Batch, deadline: Timestamp) -> Answer {
        self.carrier.refresh().await;
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
        self.home.queues.send(&messages).await?;
        let receipt = format!("{}:{}", self.own.as_str(), record.receipt_handle);
        self.home.queues.acknowledge(&receipt).await
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
        let buried = self.home.settings.dead_letters.as_ref() == Some(&record.event_source_arn);
        for message in messages {
            if buried {
                // It was received more often than any handler leaves it: none came to its end.
                let reason = "its queue gave it up: no function came to an end with it";
                self.home.queues.bury(&message, &Problem::new(Code::Crashed, reason)).await?;
            } else if self.home.queues.is_early(&message) || self.carrier.budget(deadline).spent() {
                // Not begun, so nothing is held against it.
                self.home.queues.send(&[message]).await?;
            } else {
                let receipt = record.receipt_handle.clone();
                let delivery = Delivery { message, receipt, receives: record.receives() };
                self.carrier.carry(&delivery, deadline).await?;
            }
        }
        Ok(())
    }
}
