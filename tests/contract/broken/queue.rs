//! Broken queues.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{Message, Objects, Outbox, Problem, Queue, StageName, StoreError, ports::Delivery};

use super::{dawdle, is_full};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    Forgets,
    ForgetsTheTailOfABatch,
    ForgetsAttempts,
    ForgetsRepetitions,
    MixesStages,
    IgnoresLimit,
    IgnoresNotBefore,
    LosesOnFullDisk,
    IgnoresVisibility,
    AcknowledgesEarly,
    CountsEveryLoanAsFirst,
    AcknowledgesNothing,
    StaleReceiptAcknowledges,
    StaleReceiptHides,
    HidesFromTheFirstLoan,
    GivesBackNothing,
    LendsToSeveral,
}

/// Each fault, and the checks that are meant to find it.
pub(super) const FAULTS: &[(Fault, &[&str])] = &[
    (Fault::Forgets, &["queue::sent_is_delivered"]),
    (Fault::ForgetsTheTailOfABatch, &["queue::sent_is_delivered"]),
    (Fault::ForgetsAttempts, &["queue::every_message_arrives_as_sent"]),
    (Fault::ForgetsRepetitions, &["queue::sent_twice_is_delivered_twice"]),
    (Fault::MixesStages, &["queue::stages_are_apart"]),
    (Fault::IgnoresLimit, &["queue::limit_is_kept"]),
    (Fault::IgnoresNotBefore, &["queue::not_before_its_time"]),
    (Fault::LosesOnFullDisk, &["queue::full_home_keeps_messages"]),
    (Fault::IgnoresVisibility, &["queue::hidden_while_lent"]),
    (Fault::AcknowledgesEarly, &["queue::lent_again_when_not_acknowledged"]),
    (Fault::CountsEveryLoanAsFirst, &["queue::lent_again_when_not_acknowledged"]),
    (Fault::AcknowledgesNothing, &["queue::acknowledged_is_gone"]),
    (Fault::StaleReceiptAcknowledges, &["queue::overtaken_receipt_acknowledges_nothing"]),
    (Fault::StaleReceiptHides, &["queue::overtaken_receipt_hides_nothing"]),
    (Fault::HidesFromTheFirstLoan, &["queue::hiding_counts_from_now"]),
    (Fault::GivesBackNothing, &["queue::giving_back_lends_at_once"]),
    (Fault::LendsToSeveral, &["queue::lent_to_one_at_a_time"]),
];

pub(super) struct BrokenQueue {
    inner: Arc<dyn Queue>,
    objects: Arc<dyn Objects>,
    fault: Fault,
    sent: Mutex<HashSet<Message>>,
    newest: Mutex<HashMap<String, String>>,
    borrowers: AtomicUsize,
}

impl BrokenQueue {
    pub(super) fn new(inner: Arc<dyn Queue>, objects: Arc<dyn Objects>, fault: Fault) -> Self {
        Self {
            inner,
            objects,
            fault,
            sent: Mutex::default(),
            newest: Mutex::default(),
            borrowers: AtomicUsize::new(0),
        }
    }

    /// The newest receipt of an older one's message.
    fn newest(&self, receipt: &str) -> String {
        let newest = self.newest.lock().unwrap();
        newest.get(message_of(receipt)).cloned().unwrap_or_else(|| receipt.to_owned())
    }

    /// Lends, and where others are borrowing too, lends the same once more.
    async fn lend_to_several(
        &self,
        stage: StageName,
        limit: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.borrowers.fetch_add(1, Ordering::SeqCst);
        let lent = self.inner.receive(stage, limit, visibility).await?;
        dawdle().await;
        if self.borrowers.load(Ordering::SeqCst) > 1 {
            for delivery in &lent {
                self.inner.hide(&delivery.receipt, Duration::ZERO).await?;
            }
        }
        self.borrowers.fetch_sub(1, Ordering::SeqCst);
        Ok(lent)
    }
}

/// The reference queue's receipts are the message's number and the loan's.
fn message_of(receipt: &str) -> &str {
    receipt.split_once('.').map_or(receipt, |(message, _)| message)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Outbox for BrokenQueue {
    async fn send(&self, messages: &[Message]) -> Result<(), StoreError> {
        let mut messages = messages.to_vec();
        match self.fault {
            Fault::Forgets => return Ok(()),
            Fault::LosesOnFullDisk if is_full(&*self.objects).await => return Ok(()),
            Fault::ForgetsTheTailOfABatch => messages.truncate(10),
            Fault::ForgetsRepetitions => {
                let mut sent = self.sent.lock().unwrap();
                messages.retain(|message| sent.insert(message.clone()));
            }
            Fault::ForgetsAttempts => {
                for message in &mut messages {
                    message.attempts = 0;
                }
            }
            Fault::IgnoresNotBefore => {
                for message in &mut messages {
                    message.not_before = None;
                }
            }
            _ => {}
        }
        self.inner.send(&messages).await
    }

    async fn bury(&self, message: &Message, reason: &Problem) -> Result<(), StoreError> {
        self.inner.bury(message, reason).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Queue for BrokenQueue {
    async fn receive(
        &self,
        stage: StageName,
        limit: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut lent = match self.fault {
            Fault::IgnoresVisibility => self.inner.receive(stage, limit, Duration::ZERO).await?,
            Fault::IgnoresLimit => self.inner.receive(stage, 100, visibility).await?,
            Fault::LendsToSeveral => self.lend_to_several(stage, limit, visibility).await?,
            Fault::MixesStages => {
                let mut lent = Vec::new();
                for stage in StageName::ALL {
                    lent.extend(self.inner.receive(stage, limit, visibility).await?);
                }
                lent
            }
            _ => self.inner.receive(stage, limit, visibility).await?,
        };
        for delivery in &mut lent {
            let message = message_of(&delivery.receipt).to_owned();
            self.newest.lock().unwrap().insert(message, delivery.receipt.clone());
            match self.fault {
                Fault::AcknowledgesEarly => self.inner.acknowledge(&delivery.receipt).await?,
                Fault::CountsEveryLoanAsFirst => delivery.receives = 1,
                _ => {}
            }
        }
        Ok(lent)
    }

    async fn acknowledge(&self, receipt: &str) -> Result<(), StoreError> {
        match self.fault {
            Fault::AcknowledgesNothing => Ok(()),
            Fault::StaleReceiptAcknowledges => self.inner.acknowledge(&self.newest(receipt)).await,
            _ => self.inner.acknowledge(receipt).await,
        }
    }

    async fn hide(&self, receipt: &str, visibility: Duration) -> Result<(), StoreError> {
        match self.fault {
            Fault::HidesFromTheFirstLoan if !visibility.is_zero() => Ok(()),
            Fault::GivesBackNothing if visibility.is_zero() => Ok(()),
            Fault::StaleReceiptHides => self.inner.hide(&self.newest(receipt), visibility).await,
            _ => self.inner.hide(receipt, visibility).await,
        }
    }
}
