//! The one thread that writes: changes that come together are committed together.

use std::{
    cell::Cell,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use domain::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::Trouble;

/// Changes of one commit at most: so many are answered late if it fails.
const LARGEST_BATCH: usize = 256;

/// Changes that wait at most; further callers wait to hand theirs over.
const LONGEST_LINE: usize = 1024;

pub(super) struct Writer {
    line: Mutex<Option<mpsc::Sender<Box<dyn Change>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What one change sees: the database as it is within its batch.
pub(super) struct Unit<'a> {
    /// The writer's connection, inside a transaction.
    pub(super) connection: &'a Connection,
    woken: Cell<bool>,
}

impl Unit<'_> {
    /// Tells, after the commit, that there may be something to receive.
    pub(super) fn wake(&self) {
        self.woken.set(true);
    }
}

impl Writer {
    /// Starts the thread. `sent` is counted up after each commit of a change that woke.
    pub(super) fn start(connection: Connection, sent: watch::Sender<u64>) -> io::Result<Self> {
        let (line, changes) = mpsc::channel(LONGEST_LINE);
        let thread = thread::Builder::new()
            .name("database".to_owned())
            .spawn(move || write(&connection, changes, &sent))?;
        Ok(Self { line: Mutex::new(Some(line)), thread: Mutex::new(Some(thread)) })
    }

    /// Makes a change. The answer comes after the commit that made it durable; an error leaves
    /// nothing of it.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&Unit<'_>) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let change = Decision { decide: Some(decide), found: None, reply };
        let line = lock(&self.line).clone().ok_or_else(closed)?;
        line.send(Box::new(change)).await.map_err(|_| closed())?;
        drop(line);
        answer.await.map_err(|_| closed())?
    }

    /// Takes no more changes, and waits for those that were handed over.
    pub(super) async fn close(&self) {
        lock(&self.line).take();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            // A thread that panicked has said so on standard error, and has nothing to wait for.
            tokio::task::spawn_blocking(|| thread.join().ok()).await.ok();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        lock(&self.line).take();
        if let Some(thread) = lock(&self.thread).take() {
            thread.join().ok();
        }
    }
}

/// A change in the line.
trait Change: Send {
    /// Runs it. After an error nothing of it may stay.
    fn run(&mut self, unit: &Unit<'_>) -> Result<(), StoreError>;
    /// Answers it, when it is known what became of its batch.
    fn answer(self: Box<Self>, batch: &Result<(), StoreError>);
}

struct Decision<T, F> {
    decide: Option<F>,
    found: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F> Change for Decision<T, F>
where
    F: FnOnce(&Unit<'_>) -> Result<T, Trouble> + Send,
{
    fn run(&mut self, unit: &Unit<'_>) -> Result<(), StoreError> {
        let decide = self.decide.take().ok_or_else(closed)?;
        // A panic in one decision must not take the thread away from all others. What it had
        // written is rolled back with its savepoint.
        let found = catch_unwind(AssertUnwindSafe(|| decide(unit))).unwrap_or_else(|_| {
            Err(StoreError::Broken("a decision panicked: nothing of it was kept".to_owned()).into())
        });
        let found = found.map_err(StoreError::from);
        let outcome = found.as_ref().map(|_| ()).map_err(Clone::clone);
        self.found = Some(found);
        outcome
    }

    fn answer(self: Box<Self>, batch: &Result<(), StoreError>) {
        let answer = match (batch, self.found) {
            (_, Some(Err(own))) => Err(own),
            (Err(error), _) => Err(error.clone()),
            (Ok(()), Some(found)) => found,
            (Ok(()), None) => Err(closed()),
        };
        // Whoever asked may have gone away; the change stands.
        self.reply.send(answer).ok();
    }
}

fn write(
    connection: &Connection,
    mut changes: mpsc::Receiver<Box<dyn Change>>,
    sent: &watch::Sender<u64>,
) {
    while let Some(first) = changes.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < LARGEST_BATCH
            && let Ok(next) = changes.try_recv()
        {
            batch.push(next);
        }
        let unit = Unit { connection, woken: Cell::new(false) };
        let outcome = commit(&unit, &mut batch).map_err(StoreError::from);
        // Without this, a transaction that stayed open would swallow the next batch.
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK").ok();
        }
        if outcome.is_ok() && unit.woken.get() {
            sent.send_modify(|count| *count = count.wrapping_add(1));
        }
        for change in batch {
            change.answer(&outcome);
        }
    }
}

fn commit(unit: &Unit<'_>, batch: &mut [Box<dyn Change>]) -> Result<(), Trouble> {
    let run = |sql: &str| unit.connection.prepare_cached(sql)?.execute([]);
    // At once, so that a change never finds out in its middle that another process is writing.
    run("BEGIN IMMEDIATE")?;
    for change in batch {
        run("SAVEPOINT change")?;
        if let Err(error) = change.run(unit) {
            // A full disk makes SQLite roll back the whole transaction by itself.
            if unit.connection.is_autocommit() {
                return Err(error.into());
            }
            run("ROLLBACK TO change")?;
        }
        run("RELEASE change")?;
    }
    run("COMMIT")?;
    Ok(())
}

fn closed() -> StoreError {
    let reason = "the database is closed: the server is shutting down".to_owned();
    StoreError::Busy { retry_after: Duration::from_secs(1), reason }
}

/// What a panic leaves behind here is a whole value.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
