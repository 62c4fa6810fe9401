//! Changes that come together are committed together, and fail apart.

use std::{fs, path::Path, sync::Arc, time::Duration};

use domain::{Message, Outbox, Queue, StageName, StoreError, message::Body};
use local::database::Database;
use rusqlite::Connection;
use tokio::task::JoinHandle;

use super::support::{accepted, database, id, temporary};

/// Keeps the writer waiting at the beginning of its next batch, so that a line forms behind it.
struct Hold(Connection);

impl Hold {
    fn take(directory: &Path) -> Self {
        let connection = Connection::open(directory.join("darkroom.db")).expect("the database");
        connection.execute_batch("BEGIN IMMEDIATE").expect("the write lock");
        Self(connection)
    }

    fn release(self) {
        self.0.execute_batch("COMMIT").expect("released");
    }
}

/// Sends all of these while the writer is held up: it has taken some of the first into its hands,
/// and all others stand in its line.
async fn line(
    database: &Arc<Database>,
    hold: Hold,
    sends: Vec<Vec<Message>>,
) -> Vec<Result<(), StoreError>> {
    let tasks: Vec<JoinHandle<_>> = sends
        .into_iter()
        .map(|messages| {
            let database = Arc::clone(database);
            tokio::spawn(async move { database.send(&messages).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(tasks.iter().all(|task| !task.is_finished()), "no answer before the commit");
    hold.release();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("a task"));
    }
    answers
}

/// Makes the database itself fail at every message about this image, as late as it can.
fn sabotage(directory: &Path, how: &str) {
    let connection = Connection::open(directory.join("darkroom.db")).expect("the database");
    let sql = format!(
        "CREATE TRIGGER sabotage AFTER INSERT ON message WHEN new.body LIKE '%{}%' \
         BEGIN SELECT RAISE({how}, 'sabotage'); END",
        id(666)
    );
    connection.execute_batch(&sql).expect("a trigger");
}

/// The images whose messages are in the queue.
async fn queued(database: &Database) -> Vec<u16> {
    let lent = database.receive(StageName::Fanout, 1000, Duration::from_secs(1)).await;
    let numbers = |message: &Message| match message.body {
        Body::Accepted { image } => (0..1000).find(|n| id(*n) == image).expect("one of ours"),
        _ => unreachable!("only these were sent"),
    };
    lent.expect("messages").iter().map(|it| numbers(&it.message)).collect()
}

/// Commits in the write-ahead log: frames that carry the database's size.
fn commits(directory: &Path) -> usize {
    let log = fs::read(directory.join("darkroom.db-wal")).expect("the log");
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().expect("four bytes"));
    let frame = 24 + word(8) as usize;
    (32..=log.len() - frame)
        .step_by(frame)
        .filter(|at| (word(at + 8), word(at + 12)) == (word(16), word(20)) && word(at + 4) != 0)
        .count()
}

#[tokio::test]
async fn a_line_shares_one_commit() {
    let root = temporary();
    let database = Arc::new(database(root.path()));
    database.send(&[accepted(0)]).await.expect("a first");
    let before = commits(root.path());
    assert!(before > 0, "commits can be counted");
    let hold = Hold::take(root.path());
    let sends = (1..=100).map(|n| vec![accepted(n)]).collect();
    let answers = line(&database, hold, sends).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let commits = commits(root.path()) - before;
    assert!((1..=2).contains(&commits), "{commits}: what was in its hands, and all others");
    assert_eq!(queued(&database).await, (0..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failing_change_takes_no_other_along() {
    let root = temporary();
    let database = Arc::new(database(root.path()));
    sabotage(root.path(), "ABORT");
    let hold = Hold::take(root.path());
    let sends = vec![
        vec![accepted(1)],
        vec![accepted(2)],
        vec![accepted(3), accepted(4), accepted(666), accepted(5)],
        vec![accepted(6)],
    ];
    let answers = line(&database, hold, sends).await;
    assert!(matches!(answers[2], Err(StoreError::Broken(_))), "{answers:?}");
    assert!(answers.iter().enumerate().all(|(n, it)| n == 2 || it.is_ok()), "{answers:?}");
    assert_eq!(queued(&database).await, [1, 2, 6], "nothing of the failed one, all of the others");
}

#[tokio::test]
async fn a_rollback_by_the_database_itself_fails_the_batch_and_no_more() {
    let root = temporary();
    let database = Arc::new(database(root.path()));
    // What a full disk may do: the whole transaction is gone, not the statement alone.
    sabotage(root.path(), "ROLLBACK");
    let hold = Hold::take(root.path());
    let sends = vec![
        vec![accepted(1)],
        vec![accepted(2)],
        vec![accepted(3), accepted(666)],
        vec![accepted(4)],
    ];
    let answers = line(&database, hold, sends).await;
    assert!(answers[2].is_err(), "{answers:?}");
    database.send(&[accepted(5)]).await.expect("the batch behind");
    let expected: Vec<_> = [1, 2, 3, 4]
        .into_iter()
        .zip(&answers)
        .filter(|(_, it)| it.is_ok())
        .map(|(n, _)| n)
        .collect();
    assert_eq!(queued(&database).await, [expected, vec![5]].concat(), "what was answered is so");
}

#[tokio::test]
async fn a_change_whose_caller_has_gone_is_made_and_announced() {
    let root = temporary();
    let database = Arc::new(database(root.path()));
    let mut sent = database.sent();
    let hold = Hold::take(root.path());
    let messages = [accepted(1)];
    let send = database.send(&messages);
    tokio::time::timeout(Duration::from_millis(100), send).await.expect_err("held up");
    assert!(!sent.has_changed().expect("open"), "not before the commit");
    hold.release();
    tokio::time::timeout(Duration::from_secs(5), sent.changed())
        .await
        .expect("in time")
        .expect("open");
    assert_eq!(queued(&database).await, [1]);
}
