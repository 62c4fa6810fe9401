//! Ports that fail, or take the whole process down, at the n-th call.

use std::{
    future::{Future, pending},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use domain::{ImageId, Key, Message, StoreError, ports::Written};
use tokio::sync::Notify;

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The store is busy and does nothing.
    Refuse,
    /// The store does it, and its answer is lost.
    LoseAnswer,
    /// The process dies before the store hears of it.
    DieBefore,
    /// The store does it, and the process dies before it hears of that.
    DieAfter,
}

impl Blow {
    pub const ALL: [Self; 4] = [Self::Refuse, Self::LoseAnswer, Self::DieBefore, Self::DieAfter];
}

/// What kills the process every time, until it is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lethal {
    /// To read this upload.
    Reading(ImageId),
    /// To read what this image says of itself.
    Describing(ImageId),
    /// To decode this image.
    Decoding(ImageId),
    /// To make this file of this image.
    Making(ImageId, String),
}

/// What went through the ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An object was asked to be written, and this came of it.
    Written(Key, Written),
    /// A message was sent.
    Sent(Message),
}

/// Counts the calls of all ports together, and blows at one of them, once.
#[derive(Default)]
pub struct Fuse {
    state: Mutex<State>,
    died: Notify,
}

#[derive(Default)]
struct State {
    calls: usize,
    armed: Option<(usize, Blow)>,
    lethal: Vec<Lethal>,
    dead: bool,
    ledger: Vec<Entry>,
}

impl Fuse {
    pub fn unarmed() -> Arc<Self> {
        Arc::default()
    }

    pub fn armed(at: usize, blow: Blow) -> Arc<Self> {
        let fuse = Self::default();
        fuse.state().armed = Some((at, blow));
        Arc::new(fuse)
    }

    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Whether it has blown.
    pub fn blown(&self) -> bool {
        self.state().armed.is_none()
    }

    /// Ends when this incarnation of the process has died.
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// The next incarnation.
    pub fn restart(&self) {
        self.state().dead = false;
    }

    /// From now on, this kills.
    pub fn poison(&self, lethal: Lethal) {
        self.state().lethal.push(lethal);
    }

    /// Nothing kills any more.
    pub fn mend(&self) {
        self.state().lethal.clear();
    }

    /// What went through so far.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state().ledger.clone()
    }

    pub fn enter(&self, entry: Entry) {
        self.state().ledger.push(entry);
    }

    /// Dies where this is lethal.
    pub async fn survive(&self, work: &Lethal) {
        let lethal = self.state().lethal.contains(work);
        if lethal {
            self.die::<()>().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// One call of a port.
    pub async fn around<T, E: From<StoreError>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let busy = || {
            let reason = "the fuse has blown".to_owned();
            E::from(StoreError::Busy { retry_after: Duration::from_secs(1), reason })
        };
        match self.next() {
            Next::Pass => call.await,
            Next::Dead => pending().await,
            Next::Blow(Blow::Refuse) => Err(busy()),
            Next::Blow(Blow::LoseAnswer) => {
                let _ = call.await;
                Err(busy())
            }
            Next::Blow(Blow::DieBefore) => self.die().await,
            Next::Blow(Blow::DieAfter) => {
                let _ = call.await;
                self.die().await
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = self.state();
        if state.dead {
            return Next::Dead;
        }
        state.calls += 1;
        match state.armed {
            Some((at, blow)) if at == state.calls => {
                state.armed = None;
                Next::Blow(blow)
            }
            _ => Next::Pass,
        }
    }

    async fn die<T>(&self) -> T {
        self.state().dead = true;
        self.died.notify_one();
        pending().await
    }
}

enum Next {
    Pass,
    Dead,
    Blow(Blow),
}
