//! The contract of the ports, over HTTP against moto.
//!
//! Moto is no proof of what presigned URLs refuse, nor of how late an index may be.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Clock,
    contract::{self, Adapters, Pace, Subject},
};
use jiff::Timestamp;

use crate::harness::moto::{Moto, Stack};

/// The machine's own time, by which SQS counts visibility; nobody waits for long times, which only the
/// adapters' own clock sees pass.
#[derive(Default)]
struct RealClock {
    ahead: Mutex<Duration>,
}

/// The longest that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        Timestamp::now() + *self.ahead.lock().unwrap()
    }
}

#[async_trait]
impl Pace for RealClock {
    async fn pass(&self, time: Duration) {
        if time <= PATIENCE {
            return tokio::time::sleep(time).await;
        }
        *self.ahead.lock().unwrap() += time;
    }
}

struct Cloud;

#[async_trait]
impl Subject for Cloud {
    async fn fresh(&self) -> Adapters {
        adapters(Stack::make(Moto::shared()).await)
    }
}

fn adapters(stack: Stack) -> Adapters {
    let clock = Arc::new(RealClock::default());
    let queue = stack.queues(clock.clone());
    let objects = Arc::new(stack.objects(clock.clone()));
    let (catalog, letters, keyring) = (stack.catalog(), stack.letters(), stack.keyring());
    Adapters {
        parts: objects.clone(),
        objects,
        part_least: 5 << 20,
        catalog: Arc::new(catalog),
        queue: Arc::new(queue),
        letters: Arc::new(letters),
        keyring: Arc::new(keyring),
        clock,
        room: None,
        // A function forgets everything with its process: new adapters on the same resources.
        restart: Some(Box::new(move || Box::pin(async move { adapters(stack) }))),
        keep: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn objects_keep_the_contract() {
    judge("objects", &contract::objects(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parts_keep_the_contract() {
    judge("parts", &contract::parts(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_catalog_keeps_the_contract() {
    judge("catalog", &contract::catalog(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn queues_keep_the_contract() {
    judge("queue", &contract::queue(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn letters_keep_the_contract() {
    judge("letters", &contract::letters(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_keyring_keeps_the_contract() {
    judge("keyring", &contract::keyring(&Cloud).await);
}

/// Whether a promise is broken whenever it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Always,
    /// By who happens to be first.
    AtTimes,
}

/// Promises that SQS does not make, or moto does not keep, and why nothing rests on them. One that is kept
/// after all is none.
const HOLES: &[(&str, Broken, &str)] = &[
    (
        "objects::one_creates_by_any_way",
        Broken::Always,
        "moto overlooks If-None-Match of CopyObject, which AWS keeps",
    ),
    (
        "objects::copy_never_overwrites",
        Broken::Always,
        "the same; what is copied has its own hash for a key",
    ),
    (
        "parts::begun_once",
        Broken::AtTimes,
        "S3 dates uploads to the second, so two that begin at once may both be first; what counts is where \
         parts are",
    ),
    (
        "parts::one_of_many_joins",
        Broken::AtTimes,
        "moto looks first and completes then, so that requests of one moment all create; AWS says who did",
    ),
    (
        "queue::overtaken_receipt_acknowledges_nothing",
        Broken::Always,
        "SQS: an old receipt may delete. Whoever acknowledges has done the work",
    ),
    (
        "queue::overtaken_receipt_hides_nothing",
        Broken::Always,
        "SQS: an old receipt may hide. At worst the work is done twice",
    ),
    (
        "queue::lent_to_one_at_a_time",
        Broken::AtTimes,
        "SQS delivers at least once: it may lend twice, and moto does",
    ),
];

fn judge(port: &str, report: &contract::Report) {
    println!("cloud: {report}");
    let hole = |check: &str| HOLES.iter().any(|(name, ..)| *name == check);
    let broken: Vec<_> =
        report.violations.iter().filter(|violation| !hole(violation.check)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let of_port = |check: &str| check.split("::").next() == Some(port);
    let open = HOLES.iter().filter(|(name, broken, _)| *broken == Broken::Always && of_port(name));
    for (name, _, why) in open {
        let broken = report.violations.iter().any(|violation| violation.check == *name);
        assert!(broken, "{name} is kept now, and is no hole any more: {why}");
    }
    // What is full is not for us to fill.
    assert!(report.untested.iter().all(|untested| untested.check.contains("::full_")), "{report}");
}
