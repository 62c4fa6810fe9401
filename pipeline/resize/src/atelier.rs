//! The thread that decodes and encodes, apart from those that wait for stores.

use std::sync::Arc;

use bytes::Bytes;
use domain::{Budget, image::Source, message::Order};
use imaging::{Assets, Fault, Limits, Made, Plan};
use tokio::sync::{
    mpsc::{self, Receiver, Sender},
    oneshot,
};

/// A piece that has left the encoder.
pub(crate) struct Finished {
    /// Its place among the orders.
    pub(crate) index: usize,
    /// The piece, or what is wrong with it.
    pub(crate) result: Result<Made, Fault>,
    /// Dropped when it is recorded: at a [`Step::Recorded`] the next piece begins only then.
    pub(crate) settled: oneshot::Sender<()>,
}

/// When the next piece may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// While the one before is written: the encoder never waits for a store.
    Encoded,
    /// When the one before is recorded, so that what the next one does to this process cannot
    /// harm it.
    Recorded,
}

/// How the work on a picture ended.
pub(crate) enum End {
    /// Pieces from the front that were finished; the rest is for another message.
    Made(usize),
    /// There is no picture to make pieces of.
    Unreadable(Fault),
    /// The thread died at something that is not a decoder's panic, which is a fault.
    Died(String),
}

/// Work under way.
pub(crate) struct Commission {
    finished: Receiver<Finished>,
    thread: tokio::task::JoinHandle<Result<usize, Fault>>,
}

/// Begins to make pieces in the order given. One finished piece waits to be fetched while the next
/// is encoded, so at most three are in memory.
pub(crate) fn begin(
    bytes: Bytes,
    source: Source,
    limits: Limits,
    assets: Assets,
    orders: Arc<[Order]>,
    step: Step,
    budget: Budget,
) -> Commission {
    let (sender, finished) = mpsc::channel(1);
    // Whatever is logged there is about this message, too.
    let span = tracing::Span::current();
    let thread = tokio::task::spawn_blocking(move || {
        let _within = span.entered();
        let plan = Plan { pieces: orders.iter().map(|order| order.piece.clone()).collect() };
        let mut rows = imaging::open(&bytes, &source.header, &limits)?;
        let patron = Patron { budget, sender: sender.clone() };
        let mut index = 0;
        let progress = plan.run(&mut *rows, &assets, &patron, &mut |_, result| {
            // Nobody waits any more where this fails, and then the patron ends the run.
            let (settled, recorded) = oneshot::channel();
            let _ = sender.blocking_send(Finished { index, result, settled });
            if step == Step::Recorded {
                let _ = recorded.blocking_recv();
            }
            index += 1;
        })?;
        for note in progress.notes {
            tracing::warn!(sha256 = %source.sha256, note, "something of the source was ignored");
        }
        Ok(progress.done)
    });
    Commission { finished, thread }
}

impl Commission {
    /// The next piece, in order; none when the work has ended.
    pub(crate) async fn next(&mut self) -> Option<Finished> {
        self.finished.recv().await
    }

    /// Stops after the piece at hand, if anything is left to do, and says how it ended. The
    /// picture's memory is free again afterwards.
    pub(crate) async fn end(self) -> End {
        drop(self.finished);
        match self.thread.await {
            Ok(Ok(done)) => End::Made(done),
            Ok(Err(fault)) => End::Unreadable(fault),
            Err(error) => End::Died(error.to_string()),
        }
    }
}

/// Ends a run when the time is up, or when whoever ordered it is gone.
struct Patron {
    budget: Budget,
    sender: Sender<Finished>,
}

impl imaging::Budget for Patron {
    fn spent(&self) -> bool {
        self.sender.is_closed() || self.budget.spent()
    }
}
