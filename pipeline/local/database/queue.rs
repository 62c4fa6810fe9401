//! The queue and its dead letters.
//!
//! A message's loan is named by its row and how often it was lent. Rows are never numbered twice
//! and each loan counts up, so a receipt that was overtaken fits nothing.

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    DeadLetters, Message, Outbox, Problem, Queue, StageName, StoreError,
    ports::{DeadLetter, Delivery},
    query::Page,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::{Database, Place, Trouble, asked, ceil, floor, page, statements, writer::Unit};

/// The stage of messages that this version cannot read: no stage asks for it, so they wait there
/// for a version that can, and hold nobody up.
pub(super) const UNREADABLE: &str = "unreadable";

impl Database {
    /// Gives back at once what an earlier owner of this database had borrowed; answers how many.
    /// For the start of a server that owns its data directory: whoever had borrowed is dead. How
    /// often each was lent stays: a message that every server dies with is suspected in the end.
    pub async fn release_loans(&self) -> Result<usize, StoreError> {
        let now = floor(self.clock.now());
        self.writer
            .change(move |unit| {
                let released =
                    unit.connection.prepare_cached(statements::RELEASE)?.execute([now])?;
                unit.wake();
                Ok(released)
            })
            .await
    }
}

#[async_trait]
impl Outbox for Database {
    async fn send(&self, messages: &[Message]) -> Result<(), StoreError> {
        let (messages, now) = (messages.to_vec(), self.clock.now());
        self.writer
            .change(move |unit| messages.iter().try_for_each(|it| enqueue(unit, it, now)))
            .await
    }

    async fn bury(&self, message: &Message, reason: &Problem) -> Result<(), StoreError> {
        let letter = DeadLetter {
            id: DeadLetter::name(message),
            message: message.clone(),
            reason: reason.clone(),
            buried_at: self.clock.now(),
        };
        self.writer
            .change(move |unit| {
                let body = serde_json::to_string(&letter)?;
                unit.connection.prepare_cached(statements::BURY)?.execute((
                    &letter.id,
                    floor(letter.buried_at),
                    body,
                ))?;
                match letter.message.obituary(&letter.reason, letter.buried_at) {
                    Some(obituary) => enqueue(unit, &obituary, letter.buried_at),
                    None => Ok(()),
                }
            })
            .await
    }
}

#[async_trait]
impl Queue for Database {
    async fn receive(
        &self,
        stage: StageName,
        limit: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        let now = self.clock.now();
        let until = ceil(now.checked_add(visibility).unwrap_or(Timestamp::MAX));
        self.writer.change(move |unit| lend(unit, stage, limit, floor(now), until)).await
    }

    async fn acknowledge(&self, receipt: &str) -> Result<(), StoreError> {
        let Some(loan) = Loan::read(receipt) else { return Ok(()) };
        self.writer
            .change(move |unit| {
                unit.connection
                    .prepare_cached(statements::ACKNOWLEDGE)?
                    .execute((loan.row, loan.number))?;
                Ok(())
            })
            .await
    }

    async fn hide(&self, receipt: &str, visibility: Duration) -> Result<(), StoreError> {
        let Some(loan) = Loan::read(receipt) else { return Ok(()) };
        let now = self.clock.now();
        let until = ceil(now.checked_add(visibility).unwrap_or(Timestamp::MAX));
        self.writer
            .change(move |unit| {
                let until = if visibility.is_zero() { floor(now) } else { until };
                unit.connection.prepare_cached(statements::HIDE)?.execute((
                    loan.row,
                    loan.number,
                    until,
                ))?;
                if visibility.is_zero() {
                    unit.wake();
                }
                Ok(())
            })
            .await
    }
}

#[async_trait]
impl DeadLetters for Database {
    async fn letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StoreError> {
        let behind = cursor.map_or(Ok(Place::first()), Place::read)?;
        let (limit, rows) = asked(limit);
        let found = self.readers.read(move |connection| letters(connection, &behind, rows)).await?;
        Ok(page(found, limit))
    }

    async fn letter(&self, id: &str) -> Result<DeadLetter, StoreError> {
        let id = id.to_owned();
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(statements::LETTER)?;
                let body: Option<String> =
                    statement.query_row([&id], |row| row.get(0)).optional()?;
                let body = body.ok_or_else(|| StoreError::Missing(format!("dead letter {id}")))?;
                Ok(serde_json::from_str(&body)?)
            })
            .await
    }

    async fn discard(&self, id: &str, buried_at: Timestamp) -> Result<(), StoreError> {
        let letter = (id.to_owned(), floor(buried_at));
        self.writer
            .change(move |unit| {
                unit.connection.prepare_cached(statements::DISCARD)?.execute(letter)?;
                Ok(())
            })
            .await
    }
}

/// A receipt: which row, and its how manieth loan.
#[derive(Clone, Copy)]
struct Loan {
    row: i64,
    number: u32,
}

impl Loan {
    fn write(self) -> String {
        format!("{}.{}", self.row, self.number)
    }

    fn read(receipt: &str) -> Option<Self> {
        let (row, number) = receipt.split_once('.')?;
        Some(Self { row: row.parse().ok()?, number: number.parse().ok()? })
    }
}

pub(super) fn enqueue(unit: &Unit<'_>, message: &Message, now: Timestamp) -> Result<(), Trouble> {
    let visible_at = message.not_before.map_or(floor(now), |moment| ceil(moment).max(floor(now)));
    let (stage, body) = (message.stage().as_str(), serde_json::to_string(message)?);
    let row = (stage, visible_at, message.name(), body);
    unit.connection.prepare_cached(statements::SEND)?.execute(row)?;
    unit.wake();
    Ok(())
}

fn lend(
    unit: &Unit<'_>,
    stage: StageName,
    limit: usize,
    now: i64,
    until: i64,
) -> Result<Vec<Delivery>, Trouble> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut receivable = unit.connection.prepare_cached(statements::RECEIVABLE)?;
    let receivable: Vec<(i64, u32, String)> = receivable
        .query_map((stage.as_str(), now, rows), |row| row.try_into())?
        .collect::<Result<_, _>>()?;
    let mut lent = Vec::with_capacity(receivable.len());
    for (row, receives, body) in receivable {
        let message = match serde_json::from_str(&body) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(row, %error, "a message cannot be read and is put aside: a newer version may have sent it");
                unit.connection
                    .prepare_cached(statements::PUT_ASIDE)?
                    .execute((row, UNREADABLE))?;
                continue;
            }
        };
        unit.connection.prepare_cached(statements::LEND)?.execute((row, until))?;
        let receives = receives + 1;
        lent.push(Delivery { message, receipt: Loan { row, number: receives }.write(), receives });
    }
    Ok(lent)
}

fn letters(
    connection: &Connection,
    behind: &Place,
    rows: i64,
) -> Result<Vec<(Place, DeadLetter)>, Trouble> {
    let mut statement = connection.prepare_cached(statements::LETTERS)?;
    let mut found = statement.query((behind.micros, &behind.id, rows))?;
    let mut letters = Vec::new();
    while let Some(row) = found.next()? {
        let (micros, id, body): (i64, String, String) = row.try_into()?;
        letters.push((Place { micros, id }, serde_json::from_str(&body)?));
    }
    Ok(letters)
}
