//! Messages in a list, with the semantics of SQS's standard queues.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{lock, page, sort_key};
use crate::{
    Clock, DeadLetters, Message, Outbox, Problem, Queue, StageName, StoreError,
    ports::{DeadLetter, Delivery},
    query::Page,
};

/// [`Queue`], [`Outbox`] and [`DeadLetters`] in memory.
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    letters: BTreeMap<String, DeadLetter>,
}

struct Waiting {
    message: Message,
    visible_at: Timestamp,
    receives: u32,
}

impl MemoryQueue {
    /// An empty queue that reads its time from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Messages that wait or are on loan.
    pub fn len(&self) -> usize {
        lock(&self.state).waiting.len()
    }

    /// Whether nothing waits and nothing is on loan.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn enqueue(&self, state: &mut State, message: Message) {
        let now = self.clock.now();
        let visible_at = message.not_before.map_or(now, |moment| moment.max(now));
        state.next += 1;
        let id = state.next;
        state.waiting.insert(id, Waiting { message, visible_at, receives: 0 });
    }

    /// The waiting message of a receipt, unless it was lent anew since.
    fn on_loan<'a>(state: &'a mut State, receipt: &str) -> Option<(u64, &'a mut Waiting)> {
        let (id, loan) = receipt.split_once('.')?;
        let (id, loan): (u64, u32) = (id.parse().ok()?, loan.parse().ok()?);
        let waiting = state.waiting.get_mut(&id).filter(|waiting| waiting.receives == loan)?;
        Some((id, waiting))
    }
}

#[async_trait]
impl Outbox for MemoryQueue {
    async fn send(&self, messages: &[Message]) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        for message in messages {
            self.enqueue(&mut state, message.clone());
        }
        Ok(())
    }

    async fn bury(&self, message: &Message, reason: &Problem) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        let id = DeadLetter::name(message);
        let buried_at = self.clock.now();
        let letter = DeadLetter {
            id: id.clone(),
            message: message.clone(),
            reason: reason.clone(),
            buried_at,
        };
        state.letters.insert(id, letter);
        if let Some(obituary) = message.obituary(reason, buried_at) {
            self.enqueue(&mut state, obituary);
        }
        Ok(())
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn receive(
        &self,
        stage: StageName,
        limit: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        let now = self.clock.now();
        let until = now.checked_add(visibility).unwrap_or(Timestamp::MAX);
        let mut state = lock(&self.state);
        let free = state
            .waiting
            .iter_mut()
            .filter(|(_, waiting)| waiting.visible_at <= now && waiting.message.stage() == stage);
        let lent = free.take(limit).map(|(id, waiting)| {
            waiting.visible_at = until;
            waiting.receives += 1;
            Delivery {
                message: waiting.message.clone(),
                receipt: format!("{id}.{}", waiting.receives),
                receives: waiting.receives,
            }
        });
        Ok(lent.collect())
    }

    async fn acknowledge(&self, receipt: &str) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        if let Some((id, _)) = Self::on_loan(&mut state, receipt) {
            state.waiting.remove(&id);
        }
        Ok(())
    }

    async fn hide(&self, receipt: &str, visibility: Duration) -> Result<(), StoreError> {
        let until = self.clock.now().checked_add(visibility).unwrap_or(Timestamp::MAX);
        let mut state = lock(&self.state);
        if let Some((_, waiting)) = Self::on_loan(&mut state, receipt) {
            waiting.visible_at = until;
        }
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for MemoryQueue {
    async fn letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StoreError> {
        let state = lock(&self.state);
        let mut found: Vec<_> = state
            .letters
            .values()
            .map(|letter| (sort_key(letter.buried_at, &letter.id), letter))
            .filter(|(key, _)| cursor.is_none_or(|cursor| key.as_str() > cursor))
            .collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let found = found.into_iter().map(|(key, letter)| (key, letter.clone()));
        Ok(page(found, limit, Clone::clone))
    }

    async fn letter(&self, id: &str) -> Result<DeadLetter, StoreError> {
        let found = lock(&self.state).letters.get(id).cloned();
        found.ok_or_else(|| StoreError::Missing(format!("dead letter {id}")))
    }

    async fn discard(&self, id: &str, buried_at: Timestamp) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        if state.letters.get(id).is_some_and(|letter| letter.buried_at == buried_at) {
            state.letters.remove(id);
        }
        Ok(())
    }
}
