//! What the embedded catalog adds to the contract.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    Catalog, Code, Image, PieceId, Problem, Revision, Sha256, Status, StoreError,
    image::{Outcome, Source, Work},
    ports::{Creation, Idempotency},
    query::Filter,
    record::{Description, Gps, Metadata},
};
use jiff::SignedDuration;
use local::database::statements;
use rusqlite::Connection;

use super::support::{NOW, database, id, pending, temporary};

fn piece(name: &str) -> PieceId {
    PieceId { name: name.to_owned(), revision: Revision::short(Sha256::of(name.as_bytes())) }
}

fn processing(number: u16) -> Image {
    Image {
        status: Status::Processing,
        source: Some(Source {
            header: imaging::Header {
                format: imaging::Format::Jpeg,
                width: 40,
                height: 30,
                orientation: imaging::Orientation::default(),
                frames: 1,
                channels: imaging::Channels::Rgb,
                depth: 8,
                progressive: false,
            },
            bytes: 9,
            sha256: Sha256::of(b"source"),
        }),
        work: Work {
            expected: BTreeSet::from([piece("a.png"), piece("b.png")]),
            ..Work::default()
        },
        ..pending(number)
    }
}

#[tokio::test]
async fn numbers_come_back_as_they_went_however_often_they_are_stored() {
    let root = temporary();
    let database = database(root.path());
    // Numbers that a careless parser gets wrong by their last bit.
    let gps = Gps {
        latitude: 29.672_563_174_382_486,
        longitude: -104.168_536_774_085_87,
        altitude_m: Some(159.858_696_572_485_85),
    };
    let described = Description {
        fields: Metadata { gps: Some(gps), ..Metadata::default() },
        ..Description::default()
    };
    database.create(&processing(1), None).await.expect("an image");
    let outcome = Outcome::Described(Box::new(described.clone()));
    database.record(id(1), &[(piece("a.png"), outcome.clone())], NOW).await.expect("recorded");
    for minute in 1..20 {
        let pieces = [piece("a.png"), piece(&format!("c{minute}.png"))].into();
        let purpose = domain::image::Purpose::Spread;
        database
            .expect(id(1), &pieces, purpose, NOW, NOW + SignedDuration::from_mins(minute))
            .await
            .expect("expected");
    }
    let image = database.image(id(1)).await.expect("the image");
    assert_eq!(image.work.ended.get(&piece("a.png")), Some(&outcome));
}

#[tokio::test]
async fn a_decision_that_changes_nothing_writes_nothing() {
    let root = temporary();
    let database = database(root.path());
    database.create(&pending(1), None).await.expect("an image");
    let problem = Problem::new(Code::Damaged, "broken");
    assert_eq!(database.reject(id(1), &problem, NOW).await, Ok(true));
    let other = Connection::open(root.path().join("darkroom.db")).expect("the database");
    let seen = || {
        other.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).expect("a number")
    };
    let before = seen();
    assert_eq!(database.reject(id(1), &problem, NOW).await, Ok(true));
    assert_eq!(database.expire(id(1), NOW).await, Ok(false));
    assert_eq!(seen(), before, "no commit by anybody");
    database.erase(id(1), NOW).await.expect("erased");
    assert_ne!(seen(), before, "and one that is seen");
}

#[tokio::test]
async fn every_change_is_kept_also_one_that_has_no_event() {
    let root = temporary();
    let database = database(root.path());
    database.create(&processing(1), None).await.expect("an image");
    let failed = Outcome::Failed(Problem::new(Code::Crashed, "three times"));
    database.record(id(1), &[(piece("a.png"), failed)], NOW).await.expect("recorded");
    assert_eq!(database.reopen(id(1), &[piece("a.png")].into(), NOW).await, Ok(true));
    let image = database.image(id(1)).await.expect("the image");
    assert!(image.work.ended.is_empty(), "the failure was taken back: {:?}", image.work.ended);
}

#[tokio::test]
async fn requests_are_remembered_across_restarts() {
    let root = temporary();
    let request = Idempotency { key: "order 66".to_owned(), request: Sha256::of(b"body") };
    let first = database(root.path());
    assert_eq!(first.create(&pending(1), Some(&request)).await, Ok(Creation::Created));
    drop(first);
    let second = database(root.path());
    let repeated = second.create(&pending(2), Some(&request)).await;
    assert_eq!(repeated, Ok(Creation::Repeated(Box::new(pending(1)))));
    let other = Idempotency { request: Sha256::of(b"other"), ..request };
    assert_eq!(second.create(&pending(3), Some(&other)).await, Ok(Creation::Reused));
    assert!(matches!(second.image(id(2)).await, Err(StoreError::Missing(_))));
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_is_refused() {
    let root = temporary();
    let database = database(root.path());
    for cursor in ["", "x", "12", "one~two"] {
        let refused = database.search(&Filter::default(), Some(cursor), 9).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{cursor:?}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_decisions_on_one_image_all_count() {
    let root = temporary();
    let database = Arc::new(database(root.path()));
    let names: Vec<_> = (0..64).map(|n| format!("v{n}.png")).collect();
    let mut image = processing(1);
    image.work.expected = names.iter().map(|name| piece(name)).collect();
    database.create(&image, None).await.expect("an image");
    let records = names.clone().into_iter().map(|name| {
        let database = Arc::clone(&database);
        tokio::spawn(async move {
            let dropped = Outcome::Dropped("larger".to_owned());
            database.record(id(1), &[(piece(&name), dropped)], NOW).await.expect("recorded")
        })
    });
    let mut complete = 0;
    for progress in futures::future::join_all(records).await {
        let progress = progress.expect("a task");
        complete += u32::from(matches!(progress, domain::image::Progress::Complete(_)));
    }
    assert_eq!(complete, 1, "exactly the last one sees that all have ended");
    let image = database.image(id(1)).await.expect("the image");
    assert_eq!((image.work.ended.len(), image.version), (64, 65));
}

#[tokio::test]
async fn the_columns_follow_the_body() {
    let root = temporary();
    let database = database(root.path());
    database.create(&pending(1), None).await.expect("an image");
    database.reject(id(1), &Problem::new(Code::Damaged, "broken"), NOW).await.expect("rejected");
    let other = Connection::open(root.path().join("darkroom.db")).expect("the database");
    let row: (String, Option<i64>, i64, String) = other
        .query_row(
            "SELECT status, due_at, version, body FROM image WHERE id = ?1",
            [id(1).to_string()],
            |row| row.try_into(),
        )
        .expect("the row");
    let image: Image = serde_json::from_str(&row.3).expect("the body");
    assert_eq!((row.0.as_str(), row.1, row.2), ("rejected", None, 2));
    assert_eq!((image.status, image.version), (Status::Rejected, 2));
    assert!(statements::CHANGE_IMAGE.contains("due_at"));
}
