//! One sweep at a time, and the end of what was kept long enough.

use std::{sync::Arc, time::Duration};

use domain::{
    Catalog, Outbox, Queue, Sha256, StageName, Status, StoreError,
    memory::ManualClock,
    message::{Body, SweepCursor, SweepPhase},
    ports::{Creation, Delivery, Idempotency},
};
use jiff::SignedDuration;
use local::database::{Database, EXPIRED_KEPT, Purged, REQUESTS_KEPT};
use rusqlite::Connection;

use super::support::{NOW, accepted, clock, database, id, pending, temporary};

const MINUTE: Duration = Duration::from_mins(1);

fn sweep_from(phase: SweepPhase) -> Body {
    Body::Sweep { cursor: Some(SweepCursor { phase, after: None }) }
}

async fn lent(database: &Database) -> Vec<Delivery> {
    database.receive(StageName::Fanout, 9, MINUTE).await.expect("messages")
}

#[tokio::test]
async fn a_sweep_is_begun_when_the_one_before_has_ended() {
    let root = temporary();
    let database = database(root.path());
    database.send(&[accepted(1)]).await.expect("a message of another kind");
    assert_eq!(database.begin_sweep().await, Ok(true));
    assert_eq!(database.begin_sweep().await, Ok(false), "it waits");
    let first = lent(&database).await.pop().expect("the sweep");
    assert_eq!(first.message.body, Body::Sweep { cursor: None });
    assert_eq!(database.begin_sweep().await, Ok(false), "it is at work");
    // A step ends as every message does: what follows is sent, then it is acknowledged.
    database.send(&[sweep_from(SweepPhase::Uploads).into()]).await.expect("its next step");
    database.acknowledge(&first.receipt).await.expect("acknowledged");
    assert_eq!(database.begin_sweep().await, Ok(false), "it goes on");
    let last = lent(&database).await.pop().expect("its last step");
    database.acknowledge(&last.receipt).await.expect("acknowledged");
    assert_eq!(database.begin_sweep().await, Ok(true));
}

#[tokio::test]
async fn a_start_replaces_the_sweep_of_the_last_run() {
    let root = temporary();
    let before = database(root.path());
    before.send(&[accepted(1), sweep_from(SweepPhase::Uploads).into()]).await.expect("messages");
    lent(&before).await;
    drop(before);
    let database = database(root.path());
    assert_eq!(database.begin_sweep().await, Ok(false), "it is known after a restart");
    database.release_loans().await.expect("released");
    database.restart_sweep().await.expect("sent");
    let bodies: Vec<_> = lent(&database).await.into_iter().map(|it| it.message.body).collect();
    assert_eq!(bodies, [accepted(1).body, sweep_from(SweepPhase::Arrivals)]);
}

/// One that a newer version left, and that this one cannot read, is never carried to its end.
#[tokio::test]
async fn a_sweep_that_cannot_be_read_holds_up_no_other() {
    let root = temporary();
    let database = database(root.path());
    let other = Connection::open(root.path().join("darkroom.db")).expect("the database");
    let sql = "INSERT INTO message (stage, visible_at, name, body)
               VALUES ('fanout', 0, 'sweep', '{\"message\":\"sweep\",\"cursor\":2031}')";
    other.execute(sql, []).expect("a message from the future");
    assert_eq!(lent(&database).await, []);
    assert_eq!(database.begin_sweep().await, Ok(true));
}

fn idempotency(key: &str) -> Idempotency {
    Idempotency { key: key.to_owned(), request: Sha256::of(key.as_bytes()) }
}

fn home(directory: &std::path::Path, clock: &Arc<ManualClock>) -> Database {
    Database::open(&directory.join("darkroom.db"), clock.clone()).expect("a database")
}

#[tokio::test]
async fn a_request_is_remembered_for_a_day() {
    let (root, clock) = (temporary(), clock());
    let database = home(root.path(), &clock);
    // More than one step takes.
    for number in 0..450 {
        let key = idempotency(&number.to_string());
        database.create(&pending(number), Some(&key)).await.expect("an image");
    }
    let again = || async {
        database.create(&pending(999), Some(&idempotency("7"))).await.expect("an answer")
    };
    clock.advance(REQUESTS_KEPT.unsigned_abs());
    assert_eq!(database.purge().await, Ok(Purged::default()), "not a moment too early");
    assert!(matches!(again().await, Creation::Repeated(image) if image.id == id(7)));
    clock.advance(Duration::from_secs(1));
    assert_eq!(database.purge().await, Ok(Purged { requests: 450, images: 0 }));
    assert_eq!(again().await, Creation::Created);
    assert_eq!(database.image(id(7)).await.map(|image| image.id), Ok(id(7)), "images stay");
}

#[tokio::test]
async fn an_expired_image_is_shown_for_thirty_days() {
    let (root, clock) = (temporary(), clock());
    let database = home(root.path(), &clock);
    for number in 0..450 {
        let mut image = pending(number);
        // Old by its beginning, but not by its end.
        if number < 250 {
            image.expires_at += SignedDuration::from_hours(24);
        }
        database.create(&image, Some(&idempotency(&number.to_string()))).await.expect("an image");
    }
    let end = NOW + SignedDuration::from_hours(48);
    for number in 0..448 {
        assert_eq!(database.expire(id(number), end).await, Ok(true));
    }
    database.erase(id(449), end).await.expect("erased");
    let count = async |status| {
        let counts = database.counts().await.expect("counts").images;
        counts.iter().find(|(other, _)| *other == status).expect("a count").1
    };

    clock.advance((EXPIRED_KEPT + SignedDuration::from_hours(1)).unsigned_abs());
    let purged = database.purge().await.expect("purged");
    assert_eq!(purged.images, 198, "those whose URLs ended thirty days ago");
    assert_eq!(count(Status::Expired).await, 250);
    assert!(matches!(database.image(id(250)).await, Err(StoreError::Missing(_))));
    clock.advance(Duration::from_hours(24));
    assert_eq!(database.purge().await.expect("purged").images, 250);
    assert_eq!(count(Status::Expired).await, 0);
    // Who waits is the sweeper's affair, and a tombstone stays.
    assert_eq!(database.image(id(448)).await.expect("it waits").status, Status::Pending);
    assert_eq!(database.image(id(449)).await.expect("a tombstone").status, Status::Erased);
}

/// Older versions wrote a tombstone, and no more where they died right after: what is left of such
/// images is removed when the database is brought up to date.
#[tokio::test]
async fn erased_images_of_the_second_form_are_due() {
    let (root, clock) = (temporary(), clock());
    let database = home(root.path(), &clock);
    for number in 1..=3 {
        database.create(&pending(number), None).await.expect("an image");
    }
    for number in 1..=2 {
        database.erase(id(number), NOW).await.expect("erased");
    }
    drop(database);
    let old = Connection::open(root.path().join("darkroom.db")).expect("the database");
    old.execute_batch(
        "UPDATE image SET due_at = NULL WHERE status = 'erased'; PRAGMA user_version = 2",
    )
    .expect("the second form");
    drop(old);
    let database = home(root.path(), &clock);
    let due = async |status| {
        let later = NOW + SignedDuration::from_mins(40);
        database.due(status, later, None, 10).await.expect("a page").items
    };
    assert_eq!(due(Status::Erased).await, [id(1), id(2)]);
    assert_eq!(due(Status::Pending).await, []);
    let later = NOW + SignedDuration::from_mins(31);
    assert_eq!(database.nudge(id(1), later).await, Ok(true));
    assert_eq!(database.removed(id(2), later).await, Ok(true));
    assert_eq!(due(Status::Erased).await, []);
}

#[tokio::test]
async fn a_database_of_the_first_form_is_brought_up_to_date() {
    let (root, clock) = (temporary(), clock());
    let database = home(root.path(), &clock);
    database.create(&pending(1), Some(&idempotency("1"))).await.expect("an image");
    assert_eq!(database.begin_sweep().await, Ok(true));
    drop(database);
    let old = Connection::open(root.path().join("darkroom.db")).expect("the database");
    old.execute_batch(
        "DROP INDEX request_by_age; DROP INDEX message_sweep; DROP TRIGGER image_removed;
         ALTER TABLE request DROP COLUMN created_at; ALTER TABLE message DROP COLUMN name;
         PRAGMA user_version = 1",
    )
    .expect("the first form");
    drop(old);
    let database = home(root.path(), &clock);
    assert_eq!(database.begin_sweep().await, Ok(false), "the sweep is known");
    assert_eq!(database.purge().await, Ok(Purged::default()), "the request has its age");
    clock.advance(REQUESTS_KEPT.unsigned_abs() + Duration::from_secs(1));
    assert_eq!(database.purge().await, Ok(Purged { requests: 1, images: 0 }));
}
