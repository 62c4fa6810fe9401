//! The promises of [`Queue`](crate::Queue) and its [`Outbox`](crate::Outbox).

mod delivering;
mod lending;

use std::time::Duration;

use super::{Check, Finding, trial};
use crate::{
    Key, Message, Queue, Sha256, StageName, Status,
    message::{Body, Order, SweepCursor, SweepPhase},
    ports::Delivery,
    query::Filter,
};

/// Every check of this port.
pub const CHECKS: &[Check] = trial::checks! { "queue";
    delivering::sent_is_delivered => "What was sent is delivered, each message of a batch, until it is acknowledged.";
    delivering::every_message_arrives_as_sent => "Every kind of message arrives at its stage as it was sent.";
    delivering::sent_twice_is_delivered_twice => "Sending what was sent before delivers it again.";
    delivering::stages_are_apart => "A stage is given its own messages only.";
    delivering::limit_is_kept => "No more messages are lent than were asked for, and the rest waits.";
    delivering::not_before_its_time => "A message is not delivered before its own time, and is delivered then.";
    delivering::restart_keeps_messages => "What was sent and not acknowledged survives that the home is stopped without warning.";
    delivering::full_home_keeps_messages => "Whatever was sent successfully while the home is full is delivered.";
    lending::hidden_while_lent => "A lent message is hidden for its visibility time.";
    lending::lent_again_when_not_acknowledged => "A message that is not acknowledged in time is lent again, and its receives are counted.";
    lending::acknowledged_is_gone => "An acknowledged message never comes back, and the others stay.";
    lending::overtaken_receipt_acknowledges_nothing => "A receipt that was overtaken by another loan acknowledges nothing.";
    lending::overtaken_receipt_hides_nothing => "A receipt that was overtaken by another loan hides nothing and gives nothing back.";
    lending::hiding_counts_from_now => "Hiding sets anew how long a lent message stays hidden, from now on.";
    lending::giving_back_lends_at_once => "Hiding for no time gives a message back at once.";
    lending::lent_to_one_at_a_time => "Of any number of borrowers at once, one is lent a message.";
};

/// For how long the checks borrow: long enough for a real clock to be inside of it, short enough to
/// be waited for.
const VISIBILITY: Duration = Duration::from_secs(4);
/// Certainly after it.
const AFTER: Duration = Duration::from_secs(5);

/// Everything that can be borrowed of a stage now.
pub(super) async fn borrow_all(
    queue: &dyn Queue,
    stage: StageName,
) -> Result<Vec<Delivery>, Finding> {
    let mut found = Vec::new();
    for _ in 0..10_000 {
        let lent = queue.receive(stage, 10, VISIBILITY).await?;
        if lent.is_empty() {
            return Ok(found);
        }
        found.extend(lent);
    }
    Err(Finding::Violated(format!("{stage:?} is lent messages without an end")))
}

/// The one message that can be borrowed of a stage now.
async fn borrow_one(queue: &dyn Queue, stage: StageName) -> Result<Delivery, Finding> {
    let mut lent = queue.receive(stage, 10, VISIBILITY).await?;
    match (lent.pop(), lent.len()) {
        (Some(delivery), 0) => Ok(delivery),
        (last, more) => {
            let lent = more + usize::from(last.is_some());
            Err(Finding::Violated(format!("expected one message for {stage:?}, found {lent}")))
        }
    }
}

/// Nothing can be borrowed of a stage now.
pub(super) async fn idle(queue: &dyn Queue, stage: StageName, when: &str) -> super::Outcome {
    let lent = queue.receive(stage, 10, VISIBILITY).await?;
    let names: Vec<_> = lent.iter().map(|delivery| delivery.message.name()).collect();
    trial::ensure!(names.is_empty(), "expected no message for {stage:?} {when}, found {names:?}");
    Ok(())
}

/// A message for fanout, told from others by its number.
fn accepted(number: u8) -> Message {
    Body::Accepted { image: super::samples::id(number) }.into()
}

/// One of every kind, some with attempts and retries.
pub(super) fn every_kind() -> Vec<Message> {
    let image = super::samples::id(1);
    let piece = super::samples::piece("small.webp");
    let order = Order {
        id: piece.clone(),
        piece: imaging::Piece {
            name: piece.name.clone(),
            work: imaging::Work::Derived {
                lineage: imaging::Lineage {
                    shrink: imaging::Shrink::NONE,
                    space: imaging::Space::Srgb,
                    steps: Vec::new(),
                },
            },
        },
    };
    let reason = super::samples::problem("it's “broken”\n\u{1f4f7}");
    let bodies = [
        Body::Uploaded {
            key: Key::Foreign { key: "in/ä +%2F'\".jpg".to_owned(), version: "v\\1".to_owned() },
            bucket: Some("bucket".to_owned()),
            size: u64::from(u32::MAX) + 1,
            etag: "\"etag\"".to_owned(),
            sequencer: Some("0A".to_owned()),
        },
        Body::Accepted { image },
        Body::Describe { image, piece: piece.clone() },
        Body::Render { image, pieces: vec![order] },
        Body::Completed { image, revision: piece.revision.clone() },
        Body::Requested { image, files: vec!["hero.webp".to_owned()] },
        Body::Notify {
            image,
            revision: piece.revision.clone(),
            status: Status::Ready,
            endpoint: "https://example.org/?a=b&c".to_owned(),
        },
        Body::Buried { image, pieces: vec![piece], reason, at: Some(super::samples::at(7)) },
        Body::Erase { image, round: 2 },
        Body::Sweep {
            cursor: Some(SweepCursor {
                phase: SweepPhase::Processing,
                after: Some("x".to_owned()),
            }),
        },
        Body::Reprocess { query: Filter::default(), cursor: Some("y".to_owned()) },
    ];
    let mut messages: Vec<_> = bodies.into_iter().map(Message::from).collect();
    for (n, message) in messages.iter_mut().enumerate() {
        let n = u32::try_from(n).unwrap_or(0);
        (message.attempts, message.retries) = (n % 3, n % 4);
    }
    messages
}

/// Sorts messages, which have no order of their own, so that lists can be compared.
fn sorted(mut messages: Vec<Message>) -> Vec<Message> {
    messages.sort_by_cached_key(|message| Sha256::of(format!("{message:?}").as_bytes()));
    messages
}
