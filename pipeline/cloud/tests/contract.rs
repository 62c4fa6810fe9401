//! The contract of the ports, over HTTP against moto.
//!
//! Moto is no proof of what presigned URLs refuse, nor of how late an index may be.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Clock,
    contract::{self, Adapters, Pace, Subject},
};
use jiff::Timestamp;

use crate::harness::moto::{Moto, Stack};

/// The machine's own time: SQS counts visibility by it.
struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[async_trait]
impl Pace for RealClock {
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
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
    let clock = Arc::new(RealClock);
    let (objects, queue) = (stack.objects(clock.clone()), stack.queues(clock.clone()));
    let (catalog, letters, keyring) = (stack.catalog(), stack.letters(), stack.keyring());
    Adapters {
        objects: Arc::new(objects),
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
    judge(contract::objects(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_catalog_keeps_the_contract() {
    judge(contract::catalog(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn queues_keep_the_contract() {
    judge(contract::queue(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn letters_keep_the_contract() {
    judge(contract::letters(&Cloud).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_keyring_keeps_the_contract() {
    judge(contract::keyring(&Cloud).await);
}

fn judge(report: contract::Report) {
    println!("cloud: {report}");
    assert_eq!(report.violations, []);
    // What is full is not for us to fill.
    assert!(report.untested.iter().all(|untested| untested.check.contains("::full_")), "{report}");
}
