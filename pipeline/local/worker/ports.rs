//! The ports as a worker sees them: each operation is asked of the supervisor.

use std::{
    collections::BTreeSet,
    io::{self, Stdout},
    ops::Range,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use domain::{
    Catalog, Image, ImageId, Key, Objects, PieceId, Problem, Revision, Sha256, StageName, Status,
    StoreError,
    image::{Acceptance, Asking, Expectation, Flip, Outcome, Progress, Purpose, Source, Start},
    key::Prefix,
    ports::{
        ByteStream, Creation, Exactly, Idempotency, ObjectMeta, UploadTerms, WriteError, Written,
    },
    query::{Filter, Page},
    signing::Signed,
};
use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc};

use super::wire::{self, FromWorker, Operation, Reply};

/// An answer of the supervisor, as the reading thread passes it on.
pub struct Answer {
    /// To which call.
    pub call: u64,
    /// What came of it.
    pub reply: Result<Reply, StoreError>,
    /// What was read.
    pub bytes: Bytes,
}

/// [`Objects`] and [`Catalog`] by the supervisor's hands, one call at a time. When something is
/// recorded is the supervisor's to say: the moments that stages give are not passed on.
pub struct Remote(Mutex<Line>);

struct Line {
    out: Stdout,
    answers: mpsc::UnboundedReceiver<Answer>,
    calls: u64,
}

impl Remote {
    /// Calls go out over standard output, answers come in by the channel.
    pub fn new(answers: mpsc::UnboundedReceiver<Answer>) -> Self {
        Self(Mutex::new(Line { out: io::stdout(), answers, calls: 0 }))
    }

    /// Says something that has no answer.
    pub async fn tell(&self, what: &FromWorker) -> io::Result<()> {
        wire::write(&mut self.0.lock().await.out, what, &[])
    }

    async fn call(&self, operation: Operation, bytes: &[u8]) -> Result<(Reply, Bytes), StoreError> {
        let mut line = self.0.lock().await;
        line.calls += 1;
        let call = line.calls;
        wire::write(&mut line.out, &FromWorker::Call { call, operation }, bytes)
            .map_err(|error| StoreError::Broken(format!("the supervisor is gone: {error}")))?;
        loop {
            let gone = || StoreError::Broken("the supervisor is gone".to_owned());
            let answer = line.answers.recv().await.ok_or_else(gone)?;
            // A call whose caller gave up waiting leaves an answer behind.
            if answer.call == call {
                return Ok((answer.reply?, answer.bytes));
            }
        }
    }
}

/// The reply is of another kind than the question.
fn unfit(reply: &Reply) -> StoreError {
    StoreError::Broken(format!("the supervisor's answer does not fit the call: {reply:?}"))
}

/// Asked of a worker by a stage that does not belong there.
fn refused(what: &str) -> StoreError {
    StoreError::Refused(format!("a worker {what}"))
}

macro_rules! expect_reply {
    ($answer:expr, $($pattern:pat => $value:expr),+) => {
        match $answer { $($pattern => Ok($value),)+ (reply, _) => Err(unfit(&reply)) }
    };
}

#[async_trait]
impl Objects for Remote {
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        let answer = self.call(Operation::Head { key: key.clone() }, &[]).await?;
        expect_reply!(answer, (Reply::Meta(meta), _) => meta)
    }

    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        let answer = self.call(Operation::Read { key: key.clone() }, &[]).await?;
        expect_reply!(answer, (Reply::Bytes, bytes) => bytes)
    }

    async fn read_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, StoreError> {
        let operation =
            Operation::ReadRange { key: key.clone(), start: range.start, end: range.end };
        expect_reply!(self.call(operation, &[]).await?, (Reply::Bytes, bytes) => bytes)
    }

    async fn write_if_absent(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        let answer = self.call(Operation::Write { key: key.clone() }, &bytes).await?;
        expect_reply!(answer, (Reply::Written(written), _) => written)
    }

    async fn write_stream(
        &self,
        key: &Key,
        exactly: &Exactly,
        mut stream: ByteStream,
    ) -> Result<Written, WriteError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() as u64 > exactly.size {
                break;
            }
        }
        if bytes.len() as u64 != exactly.size {
            return Err(WriteError::Size(bytes.len() as u64));
        }
        let sum = Sha256::of(&bytes);
        if exactly.sha256.is_some_and(|wanted| wanted != sum) {
            return Err(WriteError::Checksum(sum));
        }
        Ok(self.write_if_absent(key, bytes.freeze()).await?)
    }

    async fn copy(&self, from: &Key, to: &Key) -> Result<Written, StoreError> {
        let operation = Operation::Copy { from: from.clone(), to: to.clone() };
        expect_reply!(self.call(operation, &[]).await?, (Reply::Written(written), _) => written)
    }

    async fn list(
        &self,
        prefix: &Prefix,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Key>, StoreError> {
        let cursor = cursor.map(str::to_owned);
        let answer = self.call(Operation::List { prefix: *prefix, cursor, limit }, &[]).await?;
        expect_reply!(answer, (Reply::Keys(page), _) => page)
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let answer = self.call(Operation::Delete { key: key.clone() }, &[]).await?;
        expect_reply!(answer, (Reply::Deleted, _) => ())
    }

    async fn presign_put(&self, _key: &Key, _terms: &UploadTerms) -> Result<Signed, StoreError> {
        Err(refused("signs no URLs"))
    }

    async fn presign_get(&self, _key: &Key, _expires_at: Timestamp) -> Result<String, StoreError> {
        Err(refused("signs no URLs"))
    }
}

#[async_trait]
impl Catalog for Remote {
    async fn create(
        &self,
        _image: &Image,
        _idempotency: Option<&Idempotency>,
    ) -> Result<Creation, StoreError> {
        Err(refused("creates no images"))
    }

    async fn image(&self, id: ImageId) -> Result<Image, StoreError> {
        let answer = self.call(Operation::Image { id }, &[]).await?;
        expect_reply!(answer, (Reply::Image(image), _) => *image)
    }

    async fn accept(
        &self,
        id: ImageId,
        source: &Source,
        _now: Timestamp,
    ) -> Result<Acceptance, StoreError> {
        let operation = Operation::Accept { id, source: Box::new(source.clone()) };
        let answer = self.call(operation, &[]).await?;
        expect_reply!(answer, (Reply::Acceptance(acceptance), _) => acceptance)
    }

    async fn reject(
        &self,
        id: ImageId,
        problem: &Problem,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = Operation::Reject { id, problem: problem.clone() };
        expect_reply!(self.call(operation, &[]).await?, (Reply::Rejected(is), _) => is)
    }

    async fn expire(&self, _id: ImageId, _now: Timestamp) -> Result<bool, StoreError> {
        Err(refused("lets no upload expire"))
    }

    async fn expect(
        &self,
        _id: ImageId,
        _pieces: &BTreeSet<PieceId>,
        _purpose: Purpose,
        _horizon: Timestamp,
        _now: Timestamp,
    ) -> Result<Expectation, StoreError> {
        Err(refused("expects no pieces"))
    }

    async fn record(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        _now: Timestamp,
    ) -> Result<Progress, StoreError> {
        let operation = Operation::Record { id, outcomes: outcomes.to_vec() };
        expect_reply!(self.call(operation, &[]).await?, (Reply::Progress(progress), _) => progress)
    }

    async fn give_up(
        &self,
        _id: ImageId,
        _pieces: &BTreeSet<PieceId>,
        _reason: &Problem,
        _at: Option<Timestamp>,
        _now: Timestamp,
    ) -> Result<Progress, StoreError> {
        Err(refused("gives nothing up"))
    }

    async fn count(
        &self,
        _id: ImageId,
        _stage: StageName,
        _start: &Start,
        _now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        Err(refused("counts no starts"))
    }

    async fn flip(
        &self,
        _id: ImageId,
        _revision: &Revision,
        _now: Timestamp,
    ) -> Result<Flip, StoreError> {
        Err(refused("announces nothing"))
    }

    async fn reopen(
        &self,
        _id: ImageId,
        _pieces: &BTreeSet<PieceId>,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(refused("opens no image again"))
    }

    async fn ask(
        &self,
        _id: ImageId,
        _files: &BTreeSet<String>,
        _presets: &Revision,
        _horizon: Timestamp,
        _now: Timestamp,
    ) -> Result<Asking, StoreError> {
        Err(refused("asks for nothing"))
    }

    async fn order(
        &self,
        _id: ImageId,
        _pieces: &BTreeSet<PieceId>,
        _presets: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError> {
        Err(refused("orders no pieces"))
    }

    async fn nudge(&self, _id: ImageId, _now: Timestamp) -> Result<bool, StoreError> {
        Err(refused("nudges nobody"))
    }

    async fn erase(&self, _id: ImageId, _now: Timestamp) -> Result<Image, StoreError> {
        Err(refused("erases nothing"))
    }

    async fn removed(&self, _id: ImageId, _now: Timestamp) -> Result<bool, StoreError> {
        Err(refused("erases nothing"))
    }

    async fn search(
        &self,
        _filter: &Filter,
        _cursor: Option<&str>,
        _limit: usize,
    ) -> Result<Page<Image>, StoreError> {
        Err(refused("searches nothing"))
    }

    async fn due(
        &self,
        _status: Status,
        _before: Timestamp,
        _cursor: Option<&str>,
        _limit: usize,
    ) -> Result<Page<ImageId>, StoreError> {
        Err(refused("sweeps nothing"))
    }
}
