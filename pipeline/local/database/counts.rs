//! How much there is of everything.

use std::{collections::HashMap, time::Duration};

use domain::{StageName, Status};
use rusqlite::{Connection, OptionalExtension};

use super::{Trouble, queue::UNREADABLE, statements};

/// How much there is of everything, for metrics: each number is kept or found in an index, so
/// asking costs the same however many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// What is in the queue, for every stage.
    pub queues: Vec<QueueCount>,
    /// Messages that this version cannot read; they stay where they are.
    pub unreadable: u64,
    /// Dead letters.
    pub letters: u64,
    /// Images by state, for every state.
    pub images: Vec<(Status, u64)>,
}

/// What is in one stage's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueCount {
    /// Which.
    pub stage: StageName,
    /// Messages that wait, are held back, or are on loan.
    pub messages: u64,
    /// How long the first of those that could be lent now has waited since it could.
    pub oldest: Option<Duration>,
}

/// Counts at one moment: one transaction, so that the numbers fit each other.
pub(super) fn take(connection: &Connection, now: i64) -> Result<Counts, Trouble> {
    let moment = connection.unchecked_transaction()?;
    let mut tally = HashMap::new();
    let mut rows = moment.prepare_cached(statements::TALLY)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, name, n): (String, String, i64) = row.try_into()?;
        tally.insert((kind, name), u64::try_from(n).unwrap_or(0));
    }
    let count = |kind: &str, name: &str| {
        tally.get(&(kind.to_owned(), name.to_owned())).copied().unwrap_or(0)
    };
    let queue = |stage: StageName| {
        let first: Option<i64> = moment
            .prepare_cached(statements::FIRST_VISIBLE)?
            .query_row((stage.as_str(), now), |row| row.get(0))
            .optional()?;
        let oldest = first.map(|since| Duration::from_micros(now.abs_diff(since)));
        Ok(QueueCount { stage, messages: count("message", stage.as_str()), oldest })
    };
    Ok(Counts {
        queues: StageName::ALL.into_iter().map(queue).collect::<Result<_, Trouble>>()?,
        unreadable: count("message", UNREADABLE),
        letters: count("letter", ""),
        images: Status::ALL
            .into_iter()
            .map(|status| (status, count("image", status.as_str())))
            .collect(),
    })
}
