//! One start: from the spawning of a process until its first answer, and the same again.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::harness::lambda::{Function, Roster};

const PATIENCE: Duration = Duration::from_secs(30);

/// A program that serves the Runtime API, and what it is told.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
}

/// What a start took.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// Until the answer to the first event.
    pub(crate) first: Duration,
    /// What the answer to another event of the same kind took, in the same process.
    pub(crate) second: Duration,
    /// Of all threads, until the first answer.
    pub(crate) cpu: Duration,
}

impl Program {
    /// Starts it for two events, one after the other.
    pub(crate) async fn start(&self, name: &'static str, events: [Value; 2]) -> Start {
        let [event, another] = events;
        let (path, environments) = (self.path.clone(), vec![self.environment.clone()]);
        let begun = Instant::now();
        let function = Function::by(path, name, environments, PATIENCE, Roster::default()).await;
        let answer = function.invoke(event, None).await;
        let first = begun.elapsed();
        self.check(name, answer);
        let cpu = function.pids().into_iter().map(cpu).sum();
        let begun = Instant::now();
        let answer = function.invoke(another, None).await;
        let second = begun.elapsed();
        self.check(name, answer);
        Start { first, second, cpu }
    }

    /// Nothing is measured of what failed.
    fn check(&self, name: &str, answer: Result<Value, String>) {
        let path = self.path.display();
        let answer = answer.unwrap_or_else(|why| panic!("{name} by {path}: {why}"));
        let done = match name {
            "api" => answer["statusCode"] == 202,
            _ => answer["batchItemFailures"] == json!([]),
        };
        assert!(done, "{name} by {path} answers {answer}");
    }
}

/// What the threads of a process have run for, as Linux's scheduler counts it; elsewhere nothing.
fn cpu(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let run = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(run.sum())
}
