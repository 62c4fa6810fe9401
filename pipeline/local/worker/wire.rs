//! What supervisor and worker say to each other: frames of a JSON head and raw bytes, so that no
//! picture is ever turned into text.
//!
//! A frame is the head's length and the bytes' length (four bytes each, little endian), then both.
//! The JSON keeps the form of messages that queues carry, which a compact format could not: their
//! fields come and go.

use std::io::{self, Read, Write};

use bytes::Bytes;
use domain::{
    Failure, Image, ImageId, Key, Message, PieceId, Problem, StoreError,
    image::{Acceptance, Outcome, Progress, Source},
    key::Prefix,
    ports::{ObjectMeta, Written},
    query::Page,
};
use imaging::Limits;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest head: a message with hundreds of pieces, or an image's entry with them, fits often.
const LONGEST_HEAD: u32 = 4 << 20;

/// The most raw bytes of a frame: more than any upload or variant that the limits let through.
const MOST_BYTES: u32 = 512 << 20;

/// What the supervisor says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker {
    /// Handle this message.
    Handle(Assignment),
    /// The answer to the call of this number; bytes that were read follow the head.
    Answer {
        /// Which call.
        call: u64,
        /// What came of it.
        reply: Result<Reply, StoreError>,
    },
}

/// A message to handle, and within which bounds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The message.
    pub message: Message,
    /// Milliseconds after which no further piece is to be begun.
    pub time_ms: u64,
    /// What is refused.
    pub limits: Limits,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromWorker {
    /// It has set its own bounds and waits for a message.
    Ready,
    /// It wants something done; bytes to write follow the head.
    Call {
        /// Counts up within one worker.
        call: u64,
        /// What it wants.
        operation: Operation,
    },
    /// The stage has answered.
    Done {
        /// The messages that follow, or what becomes of this one.
        answer: Result<Vec<Message>, Failure>,
    },
}

/// The port operations that a stage in a worker may ask for. Those that are not here
/// (signing, erasing, announcing) belong to the stages that run beside the database. Nor does a
/// worker say when anything is: the supervisor's clock does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// [`domain::Objects::head`].
    Head {
        /// Of which object.
        key: Key,
    },
    /// [`domain::Objects::read`].
    Read {
        /// Which object.
        key: Key,
    },
    /// [`domain::Objects::read_range`].
    ReadRange {
        /// Which object.
        key: Key,
        /// First byte.
        start: u64,
        /// Behind the last byte.
        end: u64,
    },
    /// [`domain::Objects::write_if_absent`].
    Write {
        /// Which object.
        key: Key,
    },
    /// [`domain::Objects::copy`].
    Copy {
        /// From which object.
        from: Key,
        /// To which.
        to: Key,
    },
    /// [`domain::Objects::list`].
    List {
        /// Which folder.
        prefix: Prefix,
        /// Where to go on.
        cursor: Option<String>,
        /// How many at most.
        limit: usize,
    },
    /// [`domain::Objects::delete`].
    Delete {
        /// Which object.
        key: Key,
    },
    /// [`domain::Catalog::image`].
    Image {
        /// Which image.
        id: ImageId,
    },
    /// [`domain::Catalog::accept`].
    Accept {
        /// Which image.
        id: ImageId,
        /// What it is.
        source: Box<Source>,
    },
    /// [`domain::Catalog::reject`].
    Reject {
        /// Which image.
        id: ImageId,
        /// Why.
        problem: Problem,
    },
    /// [`domain::Catalog::record`].
    Record {
        /// Which image.
        id: ImageId,
        /// How pieces ended.
        outcomes: Vec<(PieceId, Outcome)>,
    },
}

/// What an [`Operation`] answers when it was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `head`.
    Meta(ObjectMeta),
    /// To both reads; the bytes follow the head.
    Bytes,
    /// To `write` and `copy`.
    Written(Written),
    /// To `list`.
    Keys(Page<Key>),
    /// To `delete`.
    Deleted,
    /// To `image`.
    Image(Box<Image>),
    /// To `accept`.
    Acceptance(Acceptance),
    /// To `reject`.
    Rejected(bool),
    /// To `record`.
    Progress(Progress),
}

/// Writes a frame; for the worker, which has nothing else to do meanwhile.
pub fn write(to: &mut impl Write, head: &impl Serialize, bytes: &[u8]) -> io::Result<()> {
    let (lengths, head) = opening(head, bytes)?;
    to.write_all(&lengths)?;
    to.write_all(&head)?;
    to.write_all(bytes)?;
    to.flush()
}

/// Writes a frame; for the supervisor.
pub async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    head: &impl Serialize,
    bytes: &[u8],
) -> io::Result<()> {
    let (lengths, head) = opening(head, bytes)?;
    to.write_all(&lengths).await?;
    to.write_all(&head).await?;
    to.write_all(bytes).await?;
    to.flush().await
}

/// Reads a frame; none at the end of the stream, if it ends between two frames.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(T, Bytes)>> {
    let mut lengths = [0; 8];
    if from.read(&mut lengths[..1])? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut lengths[1..])?;
    let (head_length, bytes_length) = checked(lengths, MOST_BYTES)?;
    // The supervisor is believed, so the buffer is of the right size at once: growing it would take
    // up to three times the memory of a large upload.
    let mut head = vec![0; head_length as usize];
    from.read_exact(&mut head)?;
    let mut bytes = vec![0; bytes_length as usize];
    from.read_exact(&mut bytes)?;
    Ok(Some((parse(&head)?, bytes.into())))
}

/// Reads a frame with at most so many raw bytes; none at the end of the stream, if it ends between
/// two frames. A worker is not believed: memory is taken as bytes come, not as they are announced.
pub async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    most: u64,
) -> io::Result<Option<(T, Bytes)>> {
    let mut lengths = [0; 8];
    if from.read(&mut lengths[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut lengths[1..]).await?;
    let most = u32::try_from(most).unwrap_or(u32::MAX).min(MOST_BYTES);
    let (head_length, bytes_length) = checked(lengths, most)?;
    let head = exactly(from, head_length).await?;
    let bytes = exactly(from, bytes_length).await?;
    Ok(Some((parse(&head)?, bytes.into())))
}

async fn exactly(from: &mut (impl AsyncRead + Unpin), length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(length.into()).read_to_end(&mut bytes).await?;
    if bytes.len() < length as usize { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

fn opening(head: &impl Serialize, bytes: &[u8]) -> io::Result<([u8; 8], Vec<u8>)> {
    let head = serde_json::to_vec(head)?;
    let length = |of: &[u8]| u32::try_from(of.len()).unwrap_or(u32::MAX);
    let mut lengths = [0; 8];
    lengths[..4].copy_from_slice(&length(&head).to_le_bytes());
    lengths[4..].copy_from_slice(&length(bytes).to_le_bytes());
    checked(lengths, MOST_BYTES)?;
    Ok((lengths, head))
}

fn checked(lengths: [u8; 8], most: u32) -> io::Result<(u32, u32)> {
    // The first in the lower half, the second in the upper.
    let both = u64::from_le_bytes(lengths);
    let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    let (head, bytes) = (half(both), half(both >> 32));
    if head > LONGEST_HEAD || bytes > most {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "a frame of {head} and {bytes} bytes; at most {LONGEST_HEAD} and {most} are taken"
            ),
        ));
    }
    Ok((head, bytes))
}

fn parse<T: DeserializeOwned>(head: &[u8]) -> io::Result<T> {
    serde_json::from_slice(head).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
