//! The contract: what every adapter of the [ports](crate::ports) promises, as checks that any home
//! can run against its own adapters.
//!
//! Each port has one table of checks, each with the sentence that it holds the adapter to. A check
//! gets adapters that hold nothing yet, so none depends on another. A [`Report`] names the promises
//! that were broken, and those that could not be tried on this home.

pub mod catalog;
pub mod keyring;
pub mod letters;
pub mod objects;
pub mod parts;
pub mod queue;

mod crowd;
mod samples;
mod trial;

use std::{any::Any, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;

pub use self::trial::{Check, Finding, Outcome, Report, Untested, Violation};
use crate::{
    Catalog, Clock, DeadLetters, Key, Keyring, Objects, Parts, Queue, memory::ManualClock,
};

/// What is held to the contract: a home, seen as a source of adapters.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Adapters that hold nothing yet and share nothing with those given out before.
    async fn fresh(&self) -> Adapters;
}

/// One set of adapters, working together as in a home.
pub struct Adapters {
    /// Under trial.
    pub objects: Arc<dyn Objects>,
    /// Under trial, beside `objects`.
    pub parts: Arc<dyn Parts>,
    /// The least bytes of a part that is not the last.
    pub part_least: usize,
    /// Under trial.
    pub catalog: Arc<dyn Catalog>,
    /// Under trial, with its outbox.
    pub queue: Arc<dyn Queue>,
    /// Under trial; what `queue` buries.
    pub letters: Arc<dyn DeadLetters>,
    /// Under trial.
    pub keyring: Arc<dyn Keyring>,
    /// The clock that the adapters read.
    pub clock: Arc<dyn Pace>,
    /// About how many bytes `objects` holds until it is full, where that is few enough to try. The
    /// checks fill it.
    pub room: Option<u64>,
    /// Stops the home without warning and starts it again on what it had kept; none for a home that
    /// keeps nothing longer than its process.
    pub restart: Option<Restart>,
    /// What must live as long as the adapters do, such as their directory.
    pub keep: Option<Box<dyn Any + Send + Sync>>,
}

/// Starts a home again. The adapters of before are dropped by then.
pub type Restart = Box<dyn FnOnce() -> BoxFuture<'static, Adapters> + Send + Sync>;

impl fmt::Debug for Adapters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapters").field("room", &self.room).finish_non_exhaustive()
    }
}

impl Adapters {
    /// The same home after it was stopped without warning.
    async fn restarted(mut self) -> Result<Self, Finding> {
        let restart = self
            .restart
            .take()
            .ok_or(Finding::Untested("this home keeps nothing longer than its process does"))?;
        drop(self);
        Ok(restart().await)
    }

    fn room(&self) -> Result<u64, Finding> {
        self.room.ok_or(Finding::Untested("the room of this home is not bounded"))
    }

    /// Fills the home with objects, large ones first, until nothing more goes in.
    async fn fill(&self) -> Result<Vec<Key>, Finding> {
        let mut length = usize::try_from(self.room()? / 8).unwrap_or(usize::MAX);
        let mut filled = Vec::new();
        for number in 0..=u8::MAX {
            let (key, bytes) = (samples::upload(number), samples::bytes(number, length));
            match self.objects.write_if_absent(&key, bytes).await {
                Ok(_) => filled.push(key),
                Err(_) if length > 64 => length /= 4,
                Err(_) => break,
            }
        }
        Ok(filled)
    }
}

/// A clock that can be made to move on: at once where it is made up, by waiting where it is real.
#[async_trait]
pub trait Pace: Clock {
    /// Comes back when at least so much time has passed on this clock.
    async fn pass(&self, time: Duration);
}

#[async_trait]
impl Pace for ManualClock {
    async fn pass(&self, time: Duration) {
        self.advance(time);
    }
}

/// Every check of every port.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [
        objects::CHECKS,
        parts::CHECKS,
        catalog::CHECKS,
        queue::CHECKS,
        letters::CHECKS,
        keyring::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// Holds a home to the whole contract.
pub async fn run(subject: &dyn Subject) -> Report {
    trial::run(subject, checks()).await
}

/// Holds [`Objects`] to their promises.
pub async fn objects(subject: &dyn Subject) -> Report {
    trial::run(subject, objects::CHECKS).await
}

/// Holds [`Parts`] to their promises.
pub async fn parts(subject: &dyn Subject) -> Report {
    trial::run(subject, parts::CHECKS).await
}

/// Holds a [`Catalog`] to its promises.
pub async fn catalog(subject: &dyn Subject) -> Report {
    trial::run(subject, catalog::CHECKS).await
}

/// Holds a [`Queue`] and its [`Outbox`](crate::Outbox) to their promises.
pub async fn queue(subject: &dyn Subject) -> Report {
    trial::run(subject, queue::CHECKS).await
}

/// Holds [`DeadLetters`] to their promises.
pub async fn letters(subject: &dyn Subject) -> Report {
    trial::run(subject, letters::CHECKS).await
}

/// Holds a [`Keyring`] to its promises.
pub async fn keyring(subject: &dyn Subject) -> Report {
    trial::run(subject, keyring::CHECKS).await
}
