//! How long a handler may go on.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::Clock;

/// A deadline and the clock that it is read on. A handler that finds it spent hands the rest of its
/// work on as a message and returns, so that no home ever has to cut it off.
#[derive(Clone)]
pub struct Budget {
    clock: Arc<dyn Clock>,
    stop_at: Timestamp,
}

impl Budget {
    /// A budget that is spent `reserve` before the home's own deadline: the time that handing on
    /// what is left takes.
    pub fn until(deadline: Timestamp, reserve: Duration, clock: Arc<dyn Clock>) -> Self {
        let stop_at = deadline.checked_sub(reserve).unwrap_or(Timestamp::MIN);
        Self { clock, stop_at }
    }

    /// A budget without an end, for a home that has no deadline.
    pub fn unlimited(clock: Arc<dyn Clock>) -> Self {
        Self { clock, stop_at: Timestamp::MAX }
    }

    /// Whether it is time to hand on.
    pub fn spent(&self) -> bool {
        self.clock.now() >= self.stop_at
    }

    /// The clock, for handlers that date what they record.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl imaging::Budget for Budget {
    fn spent(&self) -> bool {
        Budget::spent(self)
    }
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").field("stop_at", &self.stop_at).finish_non_exhaustive()
    }
}
