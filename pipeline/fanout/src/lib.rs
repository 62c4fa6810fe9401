//! Spread the work, join it, announce it; and look after what was lost.
//!
//! The only stage that reads presets, so that everything else follows from the messages alone. It
//! holds no state: what is awaited, what was sent and what was announced stands in the catalog, and
//! each handler asks it first.
//!
//! *Architecture invariant:* no handler here reads a byte of an image.

mod announce;
mod erase;
mod request;
mod spread;
mod sweep;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Budget, Catalog, Failure, Message, Objects, Parts, Stage, message::Body};
use imaging::{Limits, Presets};
use jiff::Timestamp;

pub use self::announce::notification_id;

/// The presets of this moment. They may change while a home runs; each fan-out asks once.
pub type PresetSource = Arc<dyn Fn() -> Arc<Presets> + Send + Sync>;

/// The stage of everything that is about an image as a whole.
pub struct Fanout {
    /// Where an erased image's objects are, and uploads that are no longer needed.
    pub objects: Arc<dyn Objects>,
    /// Uploads that may never be completed.
    pub parts: Arc<dyn Parts>,
    /// What is awaited, what ended, what was announced.
    pub catalog: Arc<dyn Catalog>,
    /// The variants that are wanted now.
    pub presets: PresetSource,
    /// What a plan may need.
    pub limits: Limits,
    /// What reads metadata, as the metadata stage names itself: part of its piece's revision.
    pub describer: &'static str,
    /// When what was sent counts as lost.
    pub patience: Patience,
    /// Who is told when an image is announced.
    pub endpoints: Vec<String>,
}

/// When what was sent counts as lost.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest visibility time of the queues: until it is over, work may be under way.
    pub visibility: Duration,
    /// When this home began to run. What was written down as sent before that may never have been.
    pub alive_since: Timestamp,
    /// How long the URL of an upload lasts: until it is over, what came by it is left alone.
    pub uploads: Duration,
}

#[async_trait]
impl Stage for Fanout {
    async fn handle(&self, message: Message, budget: &Budget) -> Result<Vec<Message>, Failure> {
        let now = budget.now();
        let horizon = self.patience.horizon(&message, now);
        match message.body {
            Body::Accepted { image } => self.spread(image, horizon, now).await,
            Body::Completed { image, revision } => self.announce(image, revision, now).await,
            Body::Requested { image, files } => self.requested(image, &files, now).await,
            Body::Notify { image, revision, status, endpoint } => {
                announce::notify(image, &revision, status, &endpoint);
                Ok(Vec::new())
            }
            Body::Buried { image, pieces, reason, at } => {
                let pieces = pieces.into_iter().collect();
                self.bury(image, &pieces, &reason, at, now).await
            }
            Body::Erase { image, round } => self.erase(image, round, budget).await,
            Body::Sweep { cursor } => self.sweep(cursor, budget).await,
            Body::Reprocess { query, cursor } => {
                self.reprocess(query, cursor, horizon, budget).await
            }
            Body::Uploaded { .. } | Body::Describe { .. } | Body::Render { .. } => {
                Err(Failure::Misrouted(message.name().to_owned()))
            }
        }
    }
}

impl Patience {
    /// What was sent at this moment or before is sent again. A message that was begun before may
    /// have written down that it sent, and died before it did: nothing is left its time then.
    fn horizon(&self, message: &Message, now: Timestamp) -> Timestamp {
        if message.attempts > 0 || message.retries > 0 {
            return now;
        }
        let visible = now.checked_sub(self.visibility).unwrap_or(Timestamp::MIN);
        // A store may keep no more than microseconds.
        let last_life = self.alive_since.checked_sub(Duration::from_micros(1));
        visible.max(last_life.unwrap_or(Timestamp::MIN))
    }
}
