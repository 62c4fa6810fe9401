//! What this home does for itself: one sweep at a time, and the end of rows that nobody can ask for
//! any more.

use domain::{
    Image, Message, StageName, StoreError,
    message::{Body, SweepCursor, SweepPhase},
};
use jiff::{SignedDuration, Timestamp};

use super::{Database, Place, Trouble, floor, queue::enqueue, statements, writer::Unit};

/// How long an `Idempotency-Key` is remembered: clients repeat a request within minutes.
pub const REQUESTS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How long an expired image is shown after its upload URL ended.
pub const EXPIRED_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Rows that one change looks at: other changes go in between.
const STEP: u32 = 200;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Requests that were remembered by their `Idempotency-Key`.
    pub requests: usize,
    /// Images whose upload never came.
    pub images: usize,
}

impl Database {
    /// Sends the sweeper on its way, unless it still is; answers whether it was sent. A sweep is a
    /// chain of messages, each sent before the one ahead of it is acknowledged, so that one of them
    /// is here until its end.
    pub async fn begin_sweep(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        self.writer
            .change(move |unit| {
                let mut sweep = unit.connection.prepare_cached(statements::SWEEP)?;
                if sweep.exists([StageName::Fanout.as_str()])? {
                    return Ok(false);
                }
                enqueue(unit, &sweep_from(None), now)?;
                Ok(true)
            })
            .await
    }

    /// Sends the sweeper on its way from the arrivals on, in place of the one that the last run left
    /// on its way. For the start, before anything is lent: what is lent goes on behind our back.
    pub async fn restart_sweep(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let arrivals = SweepCursor { phase: SweepPhase::Arrivals, after: None };
        self.writer
            .change(move |unit| {
                let mut stop = unit.connection.prepare_cached(statements::STOP_SWEEP)?;
                stop.execute([StageName::Fanout.as_str()])?;
                enqueue(unit, &sweep_from(Some(arrivals)), now)
            })
            .await
    }

    /// Removes what has been kept long enough, a bounded step at a time.
    pub async fn purge(&self) -> Result<Purged, StoreError> {
        let now = self.clock.now();
        let mut purged = Purged::default();
        loop {
            let forgotten = self.writer.change(move |unit| forget_requests(unit, now)).await?;
            purged.requests += forgotten;
            if forgotten == 0 {
                break;
            }
        }
        let mut next = Some(Place::first());
        while let Some(behind) = next {
            let step = self.writer.change(move |unit| remove_expired(unit, &behind, now));
            let (removed, rest) = step.await?;
            purged.images += removed;
            next = rest;
        }
        Ok(purged)
    }
}

fn sweep_from(cursor: Option<SweepCursor>) -> Message {
    Body::Sweep { cursor }.into()
}

fn forget_requests(unit: &Unit<'_>, now: Timestamp) -> Result<usize, Trouble> {
    let before = floor(ago(now, REQUESTS_KEPT));
    let mut forget = unit.connection.prepare_cached(statements::FORGET_REQUESTS)?;
    Ok(forget.execute((before, STEP))?)
}

/// A step through the expired images, the oldest first; answers how many went, and where to go on.
/// Their end is in the record only, so that each is read: it is a day or a week behind its beginning,
/// which the index has.
fn remove_expired(
    unit: &Unit<'_>,
    behind: &Place,
    now: Timestamp,
) -> Result<(usize, Option<Place>), Trouble> {
    let end = ago(now, EXPIRED_KEPT);
    let mut expired = unit.connection.prepare_cached(statements::EXPIRED)?;
    let found: Vec<(i64, String, String)> = expired
        .query_map((floor(end), behind.micros, &behind.id, STEP), |row| row.try_into())?
        .collect::<Result<_, _>>()?;
    let (mut removed, mut last) = (0, None);
    for (micros, id, body) in found {
        let image: Image = serde_json::from_str(&body)?;
        if image.expires_at <= end {
            unit.connection.prepare_cached(statements::REMOVE_REQUESTS)?.execute([&id])?;
            removed += unit.connection.prepare_cached(statements::REMOVE_IMAGE)?.execute([&id])?;
        }
        last = Some(Place { micros, id });
    }
    Ok((removed, last))
}

fn ago(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_sub(time).unwrap_or(Timestamp::MIN)
}
