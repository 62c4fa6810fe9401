//! The reference adapters: every port in memory. `darkroom process` runs on them, and what they do
//! is what the other adapters are held to.

mod catalog;
mod keyring;
mod objects;
mod queue;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

pub use self::{
    catalog::MemoryCatalog, keyring::MemoryKeyring, objects::MemoryObjects, queue::MemoryQueue,
};
use crate::Clock;

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows this moment.
    pub fn at(moment: Timestamp) -> Self {
        Self(Mutex::new(moment))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let mut now = lock(&self.0);
        *now = now.checked_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}

/// A holder that panicked left whole values behind: every change is made by whole insertions.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sorts as the moment does, and then as the name: nanoseconds in thirty digits, from the first
/// moment that there is.
fn sort_key(moment: Timestamp, name: impl std::fmt::Display) -> String {
    let nanos = moment.as_nanosecond() - Timestamp::MIN.as_nanosecond();
    format!("{nanos:030}~{name}")
}

/// A page of what stands in order, from behind the cursor on.
fn page<K: Ord + Clone, T>(
    items: impl Iterator<Item = (K, T)>,
    limit: usize,
    cursor: impl Fn(&K) -> String,
) -> crate::query::Page<T> {
    let mut items = items.peekable();
    let mut found = Vec::new();
    let mut last = None;
    while found.len() < limit.max(1) {
        let Some((key, item)) = items.next() else { break };
        found.push(item);
        last = Some(key);
    }
    let next = items.peek().and(last).map(|key| cursor(&key));
    crate::query::Page { items: found, next }
}
