//! What the embedded queue adds to the contract.

use std::{sync::Arc, time::Duration};

use domain::{
    Catalog, Code, DeadLetters, Message, Outbox, Problem, Queue, StageName, Status,
    memory::ManualClock, message::Body,
};
use jiff::SignedDuration;
use local::database::Database;
use rusqlite::Connection;

use super::support::{NOW, accepted, database, id, pending, temporary};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn loans_of_a_dead_owner_are_given_back_at_once_and_stay_counted() {
    let root = temporary();
    {
        let dead = database(root.path());
        dead.send(&[accepted(1), accepted(2)]).await.expect("messages");
        let later = accepted(3).not_before(NOW + SignedDuration::from_mins(1));
        dead.send(&[later]).await.expect("a message for later");
        let lent = dead.receive(StageName::Fanout, 1, MINUTE).await.expect("a loan");
        assert_eq!((lent.len(), lent[0].receives), (1, 1));
    }
    let next = database(root.path());
    let hidden = next.receive(StageName::Fanout, 9, Duration::ZERO).await.expect("messages");
    assert_eq!(hidden.len(), 1, "opening alone gives nothing back: a visitor opens too");
    let sent = next.sent();
    assert_eq!(next.release_loans().await, Ok(2));
    assert!(sent.has_changed().expect("open"), "whoever waits is told");
    let mut lent = next.receive(StageName::Fanout, 9, MINUTE).await.expect("messages");
    lent.sort_by_key(|it| it.message.image());
    let seen: Vec<_> = lent.iter().map(|it| (it.message.image(), it.receives)).collect();
    assert_eq!(seen, [(Some(id(1)), 2), (Some(id(2)), 2)], "but not what is held back until later");
    assert_eq!(next.release_loans().await, Ok(2));
    assert_eq!(next.release_loans().await, Ok(0));
}

#[tokio::test]
async fn a_message_is_never_lent_before_its_time() {
    let root = temporary();
    let clock = Arc::new(ManualClock::at(NOW));
    let database =
        Database::open(&root.path().join("darkroom.db"), clock.clone()).expect("a database");
    // Columns have microseconds, moments nanoseconds.
    let message = accepted(1).not_before(NOW + SignedDuration::from_nanos(1_500));
    database.send(&[message]).await.expect("a message");
    for (nanos, expected) in [(1_400, 0), (99, 0), (501, 1)] {
        clock.advance(Duration::from_nanos(nanos));
        let lent = database.receive(StageName::Fanout, 9, MINUTE).await.expect("messages");
        assert_eq!(lent.len(), expected, "after {nanos} more");
    }
}

#[tokio::test]
async fn what_cannot_be_read_holds_nobody_up_and_is_not_lost() {
    let root = temporary();
    let database = database(root.path());
    let other = Connection::open(root.path().join("darkroom.db")).expect("the database");
    let sql = "INSERT INTO message (stage, visible_at, body) VALUES ('fanout', 0, '{\"message\":\"of 2031\"}')";
    other.execute(sql, []).expect("a message from the future");
    database.send(&[accepted(1)]).await.expect("a message");
    let lent = database.receive(StageName::Fanout, 9, MINUTE).await.expect("messages");
    assert_eq!(lent.len(), 1);
    let counts = database.counts().await.expect("counts");
    assert_eq!(counts.unreadable, 1);
    let kept: String = other
        .query_row("SELECT body FROM message WHERE stage = 'unreadable'", [], |row| row.get(0))
        .expect("kept");
    assert!(kept.contains("2031"));
}

#[tokio::test]
async fn burying_is_one_step() {
    let root = temporary();
    let database = database(root.path());
    // The letter is written first: where its obituary cannot be sent, there is no letter either.
    let other = Connection::open(root.path().join("darkroom.db")).expect("the database");
    other
        .execute_batch(
            "CREATE TRIGGER sabotage BEFORE INSERT ON message WHEN new.body LIKE '%\"buried\"%' \
             BEGIN SELECT RAISE(ABORT, 'sabotage'); END",
        )
        .expect("a trigger");
    let upload: Message = Body::Uploaded {
        key: domain::Key::Upload { image: id(1) },
        bucket: None,
        size: 9,
        etag: String::new(),
        sequencer: None,
    }
    .into();
    let reason = Problem::new(Code::Crashed, "three times");
    assert!(database.bury(&upload, &reason).await.is_err());
    assert!(database.letters(None, 9).await.expect("letters").items.is_empty());

    other.execute_batch("DROP TRIGGER sabotage").expect("no trigger");
    database.bury(&upload, &reason).await.expect("buried");
    let letters = database.letters(None, 9).await.expect("letters").items;
    assert_eq!((letters.len(), &letters[0].reason), (1, &reason));
    let lent = database.receive(StageName::Fanout, 9, MINUTE).await.expect("messages");
    assert!(matches!(&lent[0].message.body, Body::Buried { image, .. } if *image == id(1)));
}

#[tokio::test]
async fn counts_are_what_counting_gives() {
    let root = temporary();
    let clock = Arc::new(ManualClock::at(NOW));
    let database =
        Database::open(&root.path().join("darkroom.db"), clock.clone()).expect("a database");
    for number in 0..10 {
        database.create(&pending(number), None).await.expect("an image");
    }
    for number in 0..4 {
        database.erase(id(number), NOW).await.expect("erased");
        database.erase(id(number), NOW).await.expect("erased again");
    }
    let mut held_back = accepted(9);
    held_back.not_before = Some(NOW + SignedDuration::from_mins(9));
    database.send(&[accepted(1), accepted(2), accepted(3), held_back]).await.expect("messages");
    let lent = database.receive(StageName::Fanout, 2, MINUTE).await.expect("messages");
    database.acknowledge(&lent[0].receipt).await.expect("acknowledged");
    database.bury(&accepted(7), &Problem::new(Code::Crashed, "")).await.expect("buried");
    database.bury(&accepted(7), &Problem::new(Code::Crashed, "")).await.expect("buried again");
    clock.advance(Duration::from_secs(5));

    let counts = database.counts().await.expect("counts");
    assert_eq!(counts.letters, 1);
    let images: Vec<_> = counts.images.iter().filter(|(_, n)| *n > 0).copied().collect();
    assert_eq!(images, [(Status::Pending, 6), (Status::Erased, 4)]);
    assert_eq!(counts.images.len(), Status::ALL.len(), "every state has its line in the metrics");
    let queues: Vec<_> =
        counts.queues.iter().map(|it| (it.stage, it.messages, it.oldest)).collect();
    assert_eq!(
        queues,
        [
            (StageName::Ingest, 0, None),
            (StageName::Fanout, 3, Some(Duration::from_secs(5))),
            (StageName::Resize, 0, None),
            (StageName::Metadata, 0, None),
        ]
    );
    let letter = database.letters(None, 1).await.expect("a letter").items.remove(0);
    database.discard(&letter.id, letter.buried_at).await.expect("discarded");
    assert_eq!(database.counts().await.expect("counts").letters, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_receivers_share_the_messages_without_doubles() {
    let root = temporary();
    let database = Arc::new(database(root.path()));
    let all: Vec<_> = (0..400).map(accepted).collect();
    database.send(&all).await.expect("messages");
    let receivers = (0..16).map(|_| {
        let database = Arc::clone(&database);
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let lent = database.receive(StageName::Fanout, 3, MINUTE).await.expect("messages");
                if lent.is_empty() {
                    return mine;
                }
                for delivery in lent {
                    mine.extend(delivery.message.image());
                    database.acknowledge(&delivery.receipt).await.expect("acknowledged");
                }
            }
        })
    });
    let mut seen = Vec::new();
    for mine in futures::future::join_all(receivers).await {
        seen.extend(mine.expect("a receiver"));
    }
    seen.sort();
    assert_eq!(seen, (0..400).map(id).collect::<Vec<_>>());
    assert_eq!(database.counts().await.expect("counts").queues[1].messages, 0);
}
