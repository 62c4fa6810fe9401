//! A picture that kills or hangs its worker. The test does to the worker what such a picture does:
//! it waits until a worker has the giant in memory, and then kills it, stops it, or takes its memory
//! away. Nothing in the program knows of it.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::Value;

use super::{
    pictures::{self, photograph},
    server::{Client, Server, darkroom, send_signal, wait_for},
};
use crate::report::{self, Lack};

/// A worker that has more than so many KiB has the giant, whose pixels take 144 MB: with the others'
/// pictures and all of its program a worker has a third of it.
pub(super) const GIANT_RESIDENT: u64 = 90 << 10;

const MINUTE: Duration = Duration::from_mins(1);

fn small_ones() -> Vec<Vec<u8>> {
    (0..10).map(|seed| photograph(seed, 400, 300)).collect()
}

/// A worker that is at the giant now.
fn at_the_giant(server: &Server) -> u32 {
    wait_for("a worker takes the giant", MINUTE, || {
        let workers = server.workers();
        workers.into_iter().find(|(_, resident)| *resident > GIANT_RESIDENT).map(|(pid, _)| pid)
    })
}

fn gone(server: &Server, pid: u32) {
    wait_for("the worker is gone", MINUTE, || {
        server.workers().iter().all(|(other, _)| *other != pid).then_some(())
    });
}

/// Uploads the giant among others, and spoils each of its starts.
fn poisoned(server: &Server, spoil: impl Fn(u32)) -> (String, Vec<(String, Instant)>) {
    let client = server.client();
    let mut ids: Vec<_> = small_ones().iter().take(5).map(|bytes| client.upload(bytes)).collect();
    let giant = client.upload(pictures::giant());
    ids.extend(small_ones().iter().skip(5).map(|bytes| client.upload(bytes)));
    let others = {
        let client = client.clone();
        thread::spawn(move || {
            let done = ids.into_iter().map(|id| {
                let record = client.finished(&id, MINUTE);
                assert_eq!(record["status"], "ready", "{record:#}");
                (id, Instant::now())
            });
            done.collect()
        })
    };
    for _start in 0..3 {
        let worker = at_the_giant(server);
        spoil(worker);
        gone(server, worker);
    }
    (giant, others.join().unwrap())
}

fn only_letter(client: &Client) -> Value {
    let letters = client.get("/v1/dead-letters").json();
    let letters = letters["dead_letters"].as_array().expect("letters").clone();
    assert_eq!(letters.len(), 1, "{letters:#?}");
    letters[0].clone()
}

#[test]
fn a_killer_has_three_starts_and_holds_nobody_up() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--workers", "2", "--log", "warn"]);
    let (giant, others) = poisoned(&server, |worker| send_signal("KILL", worker));
    let client = server.client();
    let record = client.finished(&giant, MINUTE);
    let failed = Instant::now();
    assert_eq!(record["status"], "failed", "{record:#}");
    assert_eq!(record["problem"]["code"], "crashed", "{record:#}");
    let detail = record["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains("3 attempts") && detail.contains("signal 9"), "{detail}");
    assert!(others.iter().all(|(_, ready)| *ready < failed), "others waited for the killer");
    assert_eq!(client.metric(r#"darkroom_workers_lost_total{cause="signal"}"#), 3);
    assert_eq!(server.log().matches("a start was lost").count(), 3, "{}", server.log());
    // Nothing more happens to it by itself.
    thread::sleep(Duration::from_secs(3));
    assert_eq!(client.metric(r#"darkroom_workers_lost_total{cause="signal"}"#), 3);
    let letter = only_letter(&client);
    assert_eq!(letter["image_id"], giant.as_str());
    assert_eq!(letter["reason"]["code"], "crashed");

    // The cause is gone: nobody kills any more.
    let redrive =
        darkroom(&["dead-letters", "redrive", "--all", "--endpoint", &server.url]).output();
    assert!(redrive.unwrap().status.success());
    let record = client.finished(&giant, MINUTE);
    assert_eq!(record["status"], "ready", "{record:#}");
    assert_eq!(record["variants"].as_array().unwrap().len(), 6, "{record:#}");
    assert_eq!(client.metric("darkroom_dead_letters"), 0);
}

/// The queue delivers a copy more of the giant's message, which knows of no lost start.
#[test]
fn copies_of_a_killer_share_its_three_starts() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--workers", "1", "--log", "warn"]);
    let client = server.client();
    let giant = client.upload(pictures::giant());
    for start in 0..3 {
        let worker = at_the_giant(&server);
        if start == 0 {
            let queue = Connection::open(data.path().join("darkroom.db")).unwrap();
            let copies = "INSERT INTO message (stage, visible_at, body) \
                SELECT stage, 0, body FROM message WHERE lent = 1 AND body LIKE '%' || ?1 || '%'";
            assert!(queue.execute(copies, [&giant]).unwrap() > 0, "a message is on loan");
        }
        send_signal("KILL", worker);
        gone(&server, worker);
    }
    let record = client.finished(&giant, MINUTE);
    assert!(["failed", "rejected"].contains(&record["status"].as_str().unwrap()), "{record:#}");
    assert_eq!(record["problem"]["code"], "crashed", "{record:#}");
    wait_for("no message is left", MINUTE, || {
        let queue = Connection::open(data.path().join("darkroom.db")).unwrap();
        let left: i64 =
            queue.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap();
        (left == 0).then_some(())
    });
    assert_eq!(client.metric(r#"darkroom_workers_lost_total{cause="signal"}"#), 3);
}

#[test]
fn what_hangs_is_killed_at_its_deadline() {
    let data = tempfile::tempdir().unwrap();
    let server =
        Server::start(data.path(), &["--workers", "2", "--deadline", "6s", "--log", "warn"]);
    let (giant, _others) = poisoned(&server, |worker| send_signal("STOP", worker));
    let client = server.client();
    let record = client.finished(&giant, MINUTE);
    assert_eq!(record["status"], "failed", "{record:#}");
    assert_eq!(record["problem"]["code"], "timed_out", "{record:#}");
    assert_eq!(client.metric(r#"darkroom_workers_lost_total{cause="time"}"#), 3);
    assert_eq!(only_letter(&client)["reason"]["code"], "timed_out");
}

#[test]
fn starts_are_counted_across_restarts() {
    let home = tempfile::tempdir().unwrap();
    let mut giant = None;
    let mut lost = 0;
    for life in 0..3 {
        let server = Server::start(home.path(), &["--workers", "2", "--log", "warn"]);
        let id = giant.get_or_insert_with(|| server.client().upload(pictures::giant())).clone();
        let worker = at_the_giant(&server);
        send_signal("KILL", worker);
        wait_for("the loss is counted", MINUTE, || {
            server.log().contains("a start was lost").then_some(())
        });
        lost += server.log().matches("a start was lost").count();
        if life == 2 {
            let record = server.client().finished(&id, MINUTE);
            assert_eq!(record["status"], "failed", "{record:#}");
            assert_eq!(only_letter(&server.client())["reason"]["code"], "crashed");
        }
        server.kill();
    }
    assert_eq!(lost, 3);
}

#[test]
fn a_worker_that_outgrows_its_memory_is_said_to_have() {
    const TEST: &str = "a worker that outgrows its memory";
    if Command::new("prlimit").arg("--version").output().is_err() {
        let lack = Lack::Machine("there is no prlimit", "it is part of Linux's util-linux");
        return report::not_run(TEST, lack);
    }
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--workers", "1", "--log", "warn"]);
    let client = server.client();
    // Bound to what it has before it begins, as if the giant had been predicted too small.
    // After it has bound itself, files last: a lower bound than its own would keep it from starting.
    let worker = wait_for("a worker is bound", MINUTE, || {
        let (worker, _) = server.workers().first().copied()?;
        let limits = fs::read_to_string(format!("/proc/{worker}/limits")).ok()?;
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        (files.split_whitespace().next() == Some("3")).then_some(worker)
    });
    let bound = format!("--as={}:{}", 64 << 20, 64 << 20);
    let bound =
        Command::new("prlimit").args(["--pid", &worker.to_string(), &bound]).output().unwrap();
    if !bound.status.success() {
        let said = String::from_utf8_lossy(&bound.stderr);
        let what = format!("prlimit may not bind a worker ({})", said.trim());
        return report::not_run(TEST, Lack::Machine(&what, "run it as the workers' own user"));
    }
    let giant = client.upload(pictures::giant());
    let record = client.finished(&giant, MINUTE);
    assert_eq!(record["status"], "ready", "the next worker has its memory: {record:#}");
    let lost = client.metric(r#"darkroom_workers_lost_total{cause="memory"}"#);
    assert!(lost >= 1, "{}", server.log());
    assert!(server.log().contains("ran out of its"), "{}", server.log());
}
