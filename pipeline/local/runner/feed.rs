//! What there is to do, for lanes that ask.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use domain::{Queue, StageName, StoreError, ports::Delivery};
use tokio::{
    sync::{Mutex, watch},
    time,
};

use crate::database::Database;

/// How long to wait after the database would not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Messages of several stages in turn, so that none of them starves the others. Lanes that share a
/// feed ask the database one at a time, a batch at a time.
pub(super) struct Feed {
    database: Arc<Database>,
    stages: Vec<StageName>,
    batch: usize,
    loan: Duration,
    stop: watch::Receiver<bool>,
    lent: Mutex<Lent>,
}

/// Messages that are lent to this feed and wait for a lane.
struct Lent {
    waiting: BTreeMap<StageName, VecDeque<Delivery>>,
    turn: usize,
    sent: watch::Receiver<u64>,
}

impl Feed {
    pub(super) fn new(
        database: Arc<Database>,
        stages: &[StageName],
        batch: usize,
        loan: Duration,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let sent = database.sent();
        let lent = Mutex::new(Lent { waiting: BTreeMap::new(), turn: 0, sent });
        Self { database, stages: stages.to_vec(), batch, loan, stop, lent }
    }

    /// The next message; none when it is time to stop. What is left here then was not begun, and
    /// is released at the next start.
    pub(super) async fn next(&self) -> Option<Delivery> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => None,
            delivery = self.wait() => Some(delivery),
        }
    }

    async fn wait(&self) -> Delivery {
        let mut lent = self.lent.lock().await;
        loop {
            // Marked before asking: what is sent while the answer travels wakes us again.
            lent.sent.borrow_and_update();
            match self.take(&mut lent).await {
                Ok(Some(delivery)) => return delivery,
                Ok(None) => self.sleep(&mut lent).await,
                Err(error) => {
                    tracing::error!(%error, "the queue cannot be read; it is asked again");
                    time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// A message of the next stage in turn that has one.
    async fn take(&self, lent: &mut Lent) -> Result<Option<Delivery>, StoreError> {
        for _ in 0..self.stages.len() {
            let stage = self.stages[lent.turn % self.stages.len()];
            lent.turn = lent.turn.wrapping_add(1);
            let waiting = lent.waiting.entry(stage).or_default();
            if waiting.is_empty() {
                waiting.extend(self.database.receive(stage, self.batch, self.loan).await?);
            }
            if let Some(delivery) = waiting.pop_front() {
                return Ok(Some(delivery));
            }
        }
        Ok(None)
    }

    /// Until something is sent, or something that is held back may be lent.
    async fn sleep(&self, lent: &mut Lent) {
        let due = match self.database.next_due(&self.stages).await {
            Ok(due) => due.unwrap_or(Duration::from_hours(1)),
            Err(_) => PAUSE,
        };
        // An error means that the database is closed: then it is time to stop, too.
        let _sent_or_due = time::timeout(due, lent.sent.changed()).await;
    }
}
