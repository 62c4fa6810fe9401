//! Broken dead letters, and broken burials.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    DeadLetters, Message, Outbox, Problem, Queue, StageName, StoreError, message::Body,
    ports::DeadLetter, query::Page,
};
use jiff::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    BuriesWithoutLetter,
    BuriesWithoutObituary,
    ForgetsTheReason,
    LetterForEachTry,
    KeepsTheFirstReason,
    ListsNewestFirst,
    ListSkipsAtPageEnds,
    ListCountsPositions,
    KeepsWhatWasTakenBack,
    DiscardsWhatNobodySaw,
    DiscardMissesWhatIsGone,
}

/// Each fault, and the checks that are meant to find it.
pub(super) const FAULTS: &[(Fault, &[&str])] = &[
    (Fault::BuriesWithoutLetter, &["letters::buried_is_kept"]),
    (Fault::BuriesWithoutObituary, &["letters::buried_tells_its_image"]),
    (Fault::ForgetsTheReason, &["letters::buried_is_kept"]),
    (Fault::LetterForEachTry, &["letters::same_work_is_one_letter"]),
    (Fault::KeepsTheFirstReason, &["letters::same_work_is_one_letter"]),
    (Fault::ListsNewestFirst, &["letters::letters_are_oldest_first"]),
    (Fault::ListSkipsAtPageEnds, &["letters::letters_are_oldest_first"]),
    (Fault::ListCountsPositions, &["letters::letters_are_oldest_first"]),
    (Fault::KeepsWhatWasTakenBack, &["letters::taken_back_is_delivered"]),
    (Fault::DiscardsWhatNobodySaw, &["letters::buried_anew_is_not_discarded"]),
    (Fault::DiscardMissesWhatIsGone, &["letters::unknown_letter_is_missing"]),
];

pub(super) struct BrokenLetters {
    queue: Arc<dyn Queue>,
    letters: Arc<dyn DeadLetters>,
    fault: Fault,
    extra: Mutex<Vec<DeadLetter>>,
}

impl BrokenLetters {
    pub(super) fn new(queue: Arc<dyn Queue>, letters: Arc<dyn DeadLetters>, fault: Fault) -> Self {
        Self { queue, letters, fault, extra: Mutex::default() }
    }

    /// Takes what a burial sent out of the queue again.
    async fn silence(&self) -> Result<(), StoreError> {
        let lent = self.queue.receive(StageName::Fanout, 100, Duration::from_secs(1)).await?;
        for delivery in lent {
            if matches!(delivery.message.body, Body::Buried { .. }) {
                self.queue.acknowledge(&delivery.receipt).await?;
            }
        }
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Outbox for BrokenLetters {
    async fn send(&self, messages: &[Message]) -> Result<(), StoreError> {
        self.queue.send(messages).await
    }

    async fn bury(&self, message: &Message, reason: &Problem) -> Result<(), StoreError> {
        let name = DeadLetter::name(message);
        let before = self.letters.letter(&name).await;
        let reason = match (self.fault, &before) {
            (Fault::KeepsTheFirstReason, Ok(before)) => &before.reason,
            _ => reason,
        };
        self.queue.bury(message, reason).await?;
        match (self.fault, before) {
            (Fault::BuriesWithoutLetter, _) => {
                let buried_at = self.letters.letter(&name).await?.buried_at;
                self.letters.discard(&name, buried_at).await
            }
            (Fault::BuriesWithoutObituary, _) => self.silence().await,
            (Fault::LetterForEachTry, Ok(before)) => {
                self.extra.lock().unwrap().push(before);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

lends_as!(BrokenLetters, queue);

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl DeadLetters for BrokenLetters {
    async fn letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StoreError> {
        if self.fault == Fault::ListCountsPositions {
            let all = self.letters.letters(None, 10_000).await?.items;
            let start: usize = cursor.and_then(|text| text.parse().ok()).unwrap_or(0);
            let next = (start + limit < all.len()).then(|| (start + limit).to_string());
            return Ok(Page { items: all.into_iter().skip(start).take(limit).collect(), next });
        }
        let mut page = self.letters.letters(cursor, limit).await?;
        match self.fault {
            Fault::ListsNewestFirst => page.items.reverse(),
            Fault::ListSkipsAtPageEnds if page.next.is_some() => {
                page.items.pop();
            }
            Fault::LetterForEachTry => page.items.extend(self.extra.lock().unwrap().clone()),
            Fault::ForgetsTheReason => {
                page.items.iter_mut().for_each(|letter| letter.reason.detail.clear());
            }
            _ => {}
        }
        Ok(page)
    }

    async fn letter(&self, id: &str) -> Result<DeadLetter, StoreError> {
        self.letters.letter(id).await
    }

    async fn discard(&self, id: &str, buried_at: Timestamp) -> Result<(), StoreError> {
        let there = self.letters.letter(id).await;
        match (self.fault, there) {
            (Fault::KeepsWhatWasTakenBack, _) => Ok(()),
            (Fault::DiscardMissesWhatIsGone, Err(error)) => Err(error),
            (Fault::DiscardsWhatNobodySaw, Ok(letter)) => {
                self.letters.discard(id, letter.buried_at).await
            }
            _ => self.letters.discard(id, buried_at).await,
        }
    }
}
