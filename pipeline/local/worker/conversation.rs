//! What is said over one message, from handing it over until it is done.
//!
//! Whoever is at the other end is not believed. It gets what its message grants, as often as the
//! message can need it, at the supervisor's own time; the first word beyond that ends the
//! conversation, because a worker that says it is not the program that was started.

use std::{future::Future, io, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{Catalog, Clock, Failure, Key, Message, Objects, Sha256, StoreError};
use sha2::Digest as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout},
};

use super::{
    allowance::Allowance,
    grant::Grant,
    wire::{self, Assignment, FromWorker, Operation, Reply, ToWorker},
};

/// Keys of one page: a frame's head holds them easily.
const LONGEST_LIST: usize = 1000;

/// Bytes of an upload that are hashed at a time.
const CHUNK: u64 = 1 << 20;

/// What a worker's calls are answered from.
#[derive(Clone)]
pub struct Ports {
    /// The objects.
    pub objects: Arc<dyn Objects>,
    /// The catalog.
    pub catalog: Arc<dyn Catalog>,
    /// When things are recorded: no worker says it.
    pub clock: Arc<dyn Clock>,
}

/// Why a conversation ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// Nothing comes any more.
    Silence,
    /// What came makes no sense, or is not the worker's to say.
    Nonsense(String),
    /// The worker took too long.
    Late,
    /// The home took too long over what it was asked for.
    Stalled,
}

impl From<io::Error> for Breach {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Nonsense(error.to_string()),
            _ => Self::Silence,
        }
    }
}

/// Hands a message over and serves what is asked, until the message is done. The worker has
/// `deadline` for all that it does itself, and the home as much again for all that it is asked for:
/// a slow disk costs no picture an attempt.
pub async fn converse(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    assignment: Assignment,
    ports: &Ports,
    deadline: Duration,
) -> Result<Result<Vec<Message>, Failure>, Breach> {
    let message = assignment.message.clone();
    let Some(grant) = Grant::of(&message) else {
        return Ok(Err(Failure::Misrouted(message.name().to_owned())));
    };
    let mut allowance = Allowance::of(&message);
    let (mut workers, mut ours) = (Stopwatch(deadline), Stopwatch(deadline));
    let order = ToWorker::Handle(assignment);
    workers.run(wire::send(to, &order, &[])).await.ok_or(Breach::Late)??;
    loop {
        let heard = workers.run(wire::receive(from, allowance.largest())).await;
        match heard.ok_or(Breach::Late)?? {
            None => return Err(Breach::Silence),
            Some((FromWorker::Ready, _)) => {
                return Err(Breach::Nonsense("ready, in the middle of its work".to_owned()));
            }
            Some((FromWorker::Done { answer }, _)) => return believed(&message, &grant, answer),
            Some((FromWorker::Call { call, operation }, bytes)) => {
                if !grant.allows(&operation) {
                    // What is said of it goes to the log, however much it is.
                    let asked: String = format!("{operation:?}").chars().take(500).collect();
                    let what = format!("{} does not grant {asked}", message.name());
                    return Err(Breach::Nonsense(what));
                }
                let answering = async {
                    fits(&operation, &bytes, &mut allowance, ports).await?;
                    Ok::<_, Breach>(answer(operation, bytes, ports).await)
                };
                let (reply, bytes) = ours.run(answering).await.ok_or(Breach::Stalled)??;
                let told = ToWorker::Answer { call, reply };
                workers.run(wire::send(to, &told, &bytes)).await.ok_or(Breach::Late)??;
            }
        }
    }
}

/// Runs only while something of its own is waited for.
struct Stopwatch(Duration);

impl Stopwatch {
    /// The output; none where the time was over before.
    async fn run<T>(&mut self, what: impl Future<Output = T>) -> Option<T> {
        let begun = Instant::now();
        let output = timeout(self.0, what).await.ok();
        self.0 = self.0.saturating_sub(begun.elapsed());
        output
    }
}

/// Takes what a worker says follows: at most one message, and one that may; or why none does.
fn believed(
    message: &Message,
    grant: &Grant,
    answer: Result<Vec<Message>, Failure>,
) -> Result<Result<Vec<Message>, Failure>, Breach> {
    if let Err(failure) = &answer
        && !Grant::allows_failing(failure)
    {
        return Err(Breach::Nonsense("its failure has more words than are taken".to_owned()));
    }
    let follow = answer.as_deref().unwrap_or_default();
    if follow.len() > 1 {
        let count = follow.len();
        return Err(Breach::Nonsense(format!("{count} messages were to follow from one")));
    }
    if let Some(other) = follow.iter().find(|other| !grant.allows_sending(other)) {
        let what = format!("{} was to follow from {}", other.name(), message.name());
        return Err(Breach::Nonsense(what));
    }
    Ok(answer)
}

/// Whether what is to be written is no more than the message needs, and what its key says it is.
async fn fits(
    operation: &Operation,
    bytes: &[u8],
    allowance: &mut Allowance,
    ports: &Ports,
) -> Result<(), Breach> {
    let (key, found) = match operation {
        Operation::Write { key } => {
            allowance.take(key, bytes.len() as u64).map_err(Breach::Nonsense)?;
            (key, Ok(Sha256::of(bytes)))
        }
        Operation::Copy { from, to } => {
            allowance.take(to, 0).map_err(Breach::Nonsense)?;
            (to, digest(&*ports.objects, from).await)
        }
        _ => return Ok(()),
    };
    match (key, found) {
        (Key::Original { hash, .. } | Key::Metadata { hash, .. }, Ok(found)) if *hash != found => {
            Err(Breach::Nonsense(format!("{key} was to have bytes with the SHA-256 {found}")))
        }
        // An object that cannot be read cannot be copied either, and that answer is passed on.
        _ => Ok(()),
    }
}

/// The digest of an object, in bounded memory.
async fn digest(objects: &dyn Objects, key: &Key) -> Result<Sha256, StoreError> {
    let mut digest = sha2::Sha256::new();
    let mut at = 0;
    loop {
        let bytes = objects.read_range(key, at..at + CHUNK).await?;
        if bytes.is_empty() {
            return Ok(Sha256(digest.finalize().into()));
        }
        at += bytes.len() as u64;
        digest.update(&bytes);
    }
}

/// Does what a worker asks for.
async fn answer(
    operation: Operation,
    bytes: Bytes,
    ports: &Ports,
) -> (Result<Reply, StoreError>, Bytes) {
    let read = |found: Result<Bytes, StoreError>| match found {
        Ok(bytes) => (Ok(Reply::Bytes), bytes),
        Err(error) => (Err(error), Bytes::new()),
    };
    let Ports { objects, catalog, clock } = ports;
    let reply = match operation {
        Operation::Read { key } => return read(objects.read(&key).await),
        Operation::ReadRange { key, start, end } => {
            return read(objects.read_range(&key, start..end).await);
        }
        Operation::Head { key } => objects.head(&key).await.map(Reply::Meta),
        Operation::Write { key } => objects.write_if_absent(&key, bytes).await.map(Reply::Written),
        Operation::Copy { from, to } => objects.copy(&from, &to).await.map(Reply::Written),
        Operation::List { prefix, cursor, limit } => {
            let limit = limit.min(LONGEST_LIST);
            objects.list(&prefix, cursor.as_deref(), limit).await.map(Reply::Keys)
        }
        Operation::Delete { key } => objects.delete(&key).await.map(|()| Reply::Deleted),
        Operation::Image { id } => catalog.image(id).await.map(|it| Reply::Image(Box::new(it))),
        Operation::Accept { id, source } => {
            catalog.accept(id, &source, clock.now()).await.map(Reply::Acceptance)
        }
        Operation::Reject { id, problem } => {
            catalog.reject(id, &problem, clock.now()).await.map(Reply::Rejected)
        }
        Operation::Record { id, outcomes } => {
            catalog.record(id, &outcomes, clock.now()).await.map(Reply::Progress)
        }
    };
    (reply, Bytes::new())
}
