//! Being told to stop, and what becomes of what was begun.

use std::time::{Duration, Instant};

use super::{
    pictures::{giant, photograph},
    poison::GIANT_RESIDENT,
    server::{Server, send_signal, wait_for},
};

#[test]
fn sigterm_finishes_what_was_begun_and_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--workers", "2"]);
    let client = server.client();
    let ids: Vec<_> = (0..30).map(|seed| client.upload(&photograph(seed, 1200, 900))).collect();
    let pending = ids.iter().filter(|id| client.record(id)["status"] != "ready").count();
    assert!(pending > 0, "all was done before it could be interrupted");
    let begun = Instant::now();
    let log = server.terminate_with_log();
    assert!(log.0.success(), "{}", log.1);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(!log.1.contains("a start was lost"), "{}", log.1);
    assert!(log.1.contains("everything that was begun is finished"), "{}", log.1);

    let server = Server::start(data.path(), &["--workers", "2"]);
    for id in ids {
        let record = server.client().finished(&id, Duration::from_mins(1));
        assert_eq!(record["status"], "ready", "{record:#}");
    }
}

#[test]
fn an_open_stream_of_events_does_not_hold_the_server() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let client = server.client();
    let terms = serde_json::json!({"content_length": 10, "content_type": "image/jpeg"});
    let id = client.post("/v1/uploads", &terms).json()["image_id"].as_str().unwrap().to_owned();
    let follower = std::thread::spawn({
        let client = client.clone();
        move || client.ask("GET", &format!("/v1/images/{id}/events"), &[], &[])
    });
    // The server's own count of requests under way is not public: time enough to connect.
    std::thread::sleep(Duration::from_secs(1));
    let begun = Instant::now();
    assert!(server.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let answer = follower.join().unwrap().expect("the stream ended in order");
    let heard = String::from_utf8(answer.body).unwrap();
    assert!(heard.contains("event: status"), "the stream was open: {heard:?}");
}

#[test]
fn a_second_signal_stops_at_once_and_workers_go_too() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--workers", "1"]);
    let client = server.client();
    let giant = client.upload(giant());
    let worker = wait_for("a worker is at it", Duration::from_mins(1), || {
        server
            .workers()
            .into_iter()
            .find(|(_, resident)| *resident > GIANT_RESIDENT)
            .map(|(pid, _)| pid)
    });
    // Stopped, so that it cannot finish by itself.
    send_signal("STOP", worker);
    send_signal("TERM", server.pid());
    wait_for("the first signal is taken", Duration::from_secs(10), || {
        server.log().contains("stopping").then_some(())
    });
    let begun = Instant::now();
    assert_eq!(server.terminate().code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // It sees the end of its input as soon as it can see anything.
    send_signal("CONT", worker);
    wait_for("the worker is gone", Duration::from_secs(10), || {
        (!std::path::Path::new(&format!("/proc/{worker}/fd/0")).exists()).then_some(())
    });

    let server = Server::start(data.path(), &["--workers", "1"]);
    let record = server.client().finished(&giant, Duration::from_mins(1));
    assert_eq!(record["status"], "ready", "{record:#}");
}
