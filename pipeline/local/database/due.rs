//! When there will be something to receive.

use std::time::Duration;

use domain::{StageName, StoreError};
use rusqlite::OptionalExtension;

use super::{Database, floor, statements};

impl Database {
    /// How long until the first message of these stages can be lent: held back until then, or on a
    /// loan that ends. None where there is no message. Together with [`Database::sent`] this is all
    /// that a receiver has to wait for.
    pub async fn next_due(&self, stages: &[StageName]) -> Result<Option<Duration>, StoreError> {
        let stages = stages.to_vec();
        let first = self.readers.read(move |connection| {
            let mut first = None;
            for stage in stages {
                let found: Option<i64> = connection
                    .prepare_cached(statements::NEXT_VISIBLE)?
                    .query_row([stage.as_str()], |row| row.get(0))
                    .optional()?;
                first = first.into_iter().chain(found).min();
            }
            Ok(first)
        });
        let now = floor(self.clock.now());
        let until = |first: i64| u64::try_from(first.saturating_sub(now)).unwrap_or(0);
        Ok(first.await?.map(|first| Duration::from_micros(until(first))))
    }
}
