//! Whose database it is, and what it keeps.

use std::{fs, task::Poll};

use domain::{
    Catalog, Keyring, Outbox, Sha256, StoreError, Tenant,
    ports::{ApiKey, Role},
};
use local::database::{Database, DatabaseError, SCHEMA_VERSION};
use rusqlite::Connection;

use super::support::{NOW, accepted, clock, database, id, pending, temporary};

#[tokio::test]
async fn refuses_a_newer_schema_with_both_versions() {
    let root = temporary();
    let path = root.path().join("darkroom.db");
    database(root.path()).close().await;
    let connection = Connection::open(&path).expect("the database");
    connection.pragma_update(None, "user_version", 4711).expect("a version");
    drop(connection);
    for refused in [Database::open(&path, clock()).err(), Database::visit(&path, clock()).err()] {
        let sentence = refused.expect("newer").to_string();
        assert!(sentence.contains("4711"), "{sentence}");
        assert!(sentence.contains(&format!("up to {SCHEMA_VERSION}")), "{sentence}");
    }
}

#[test]
fn refuses_what_is_no_database_of_ours_and_leaves_it_alone() {
    let root = temporary();
    let text = root.path().join("text.db");
    let prose = "It was a dark and stormy night. ".repeat(100);
    fs::write(&text, &prose).expect("a file");
    let refused = Database::open(&text, clock()).err().expect("prose");
    assert!(matches!(refused, DatabaseError::NotADatabase { .. }), "{refused:?}");
    assert!(refused.to_string().contains("text.db"), "{refused}");
    assert_eq!(fs::read_to_string(&text).expect("the file"), prose);

    let other = root.path().join("other.db");
    Connection::open(&other).and_then(|it| it.execute_batch("CREATE TABLE t (x)")).expect("tables");
    let before = fs::read(&other).expect("the file");
    let refused = Database::open(&other, clock()).err().expect("another program's");
    assert!(matches!(refused, DatabaseError::Foreign { .. }), "{refused:?}");
    assert_eq!(fs::read(&other).expect("the file"), before);

    let refused = Database::open(root.path(), clock()).err().expect("a directory");
    assert!(matches!(refused, DatabaseError::NotADatabase { .. }), "{refused:?}");
}

#[test]
fn visits_only_what_is_there_and_up_to_date() {
    let root = temporary();
    let path = root.path().join("darkroom.db");
    let refused = Database::visit(&path, clock()).err().expect("nothing");
    assert!(matches!(refused, DatabaseError::Unopenable { .. }), "{refused:?}");
    assert!(!path.exists(), "a visit creates nothing");
    Connection::open(&path).and_then(|it| it.execute_batch("VACUUM")).expect("an empty database");
    let refused = Database::visit(&path, clock()).err().expect("too old");
    assert!(matches!(refused, DatabaseError::Older { found: 0, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_visitor_and_a_server_see_each_other() {
    let root = temporary();
    let server = database(root.path());
    let visitor = Database::visit(&root.path().join("darkroom.db"), clock()).expect("a visit");
    let (secret, key) = (
        Sha256::of(b"secret"),
        ApiKey {
            id: "key".to_owned(),
            tenant: Tenant::local(),
            role: Role::Operator,
            label: "for the app".to_owned(),
            created_at: NOW,
            revoked_at: None,
        },
    );
    let owner = key.owner();
    visitor.add(&key, secret).await.expect("a key");
    assert_eq!(server.owner(secret).await, Ok(Some(owner)));
    visitor.revoke("key", NOW).await.expect("revoked");
    assert_eq!(server.owner(secret).await, Ok(None));
}

#[tokio::test]
async fn what_was_answered_is_in_the_files_already() {
    let root = temporary();
    let server = database(root.path());
    for number in 0..50 {
        server.create(&pending(number), None).await.expect("an image");
        server.send(&[accepted(number)]).await.expect("a message");
    }
    // As a crash would leave them: the files as they are, without any closing.
    let crashed = temporary();
    for name in ["darkroom.db", "darkroom.db-wal"] {
        fs::copy(root.path().join(name), crashed.path().join(name)).expect(name);
    }
    let again = database(crashed.path());
    for number in 0..50 {
        assert_eq!(again.image(id(number)).await, Ok(pending(number)));
    }
    let queued: u64 =
        again.counts().await.expect("counts").queues.iter().map(|it| it.messages).sum();
    assert_eq!(queued, 50);
}

#[tokio::test]
async fn closing_keeps_what_was_handed_over_and_takes_no_more() {
    let root = temporary();
    let server = database(root.path());
    let messages: Vec<_> = (0..20).map(|number| [accepted(number)]).collect();
    let mut sends = Box::pin(futures::future::join_all(messages.iter().map(|it| server.send(it))));
    // Each gets to its place in the line, and nobody looks for its answer before the closing.
    let waiting =
        std::future::poll_fn(|cx| Poll::Ready(sends.as_mut().poll(cx).is_pending())).await;
    assert!(waiting);
    server.close().await;
    let answers = sends.as_mut().await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    drop(sends);
    let refused = server.send(&[accepted(1)]).await;
    assert!(matches!(refused, Err(StoreError::Busy { .. })), "{refused:?}");
    drop(server);
    let queued = database(root.path()).counts().await.expect("counts").queues;
    assert_eq!(queued.iter().map(|it| it.messages).sum::<u64>(), 20);
}
