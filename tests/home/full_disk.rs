//! The real server on a disk that is full, objects and database alike: it says so, and when there is
//! room again, everything that it had answered for is finished without anybody's help.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    pictures::photograph,
    server::{Client, Server, send_signal, wait_for},
};
use crate::{report, storage::support::Mount};

/// Room for changes of the database, and not for the largest variants.
const CROWDED: u64 = 48 << 10;

/// How long there is no room at all: long enough for every lane to run into it.
const FULL_FOR: Duration = Duration::from_secs(4);

/// One upload: its id, or what it was refused with.
fn upload(client: &Client, bytes: &[u8]) -> Result<String, (u16, Value)> {
    let terms = json!({"content_length": bytes.len(), "content_type": "image/jpeg"});
    let created = client.post("/v1/uploads", &terms);
    if created.status != 201 {
        return Err((created.status, created.json()));
    }
    let created = created.json();
    let put = client.put(&created["upload"], bytes).expect("every PUT is answered");
    if put.status != 200 {
        return Err((put.status, put.json()));
    }
    Ok(created["image_id"].as_str().expect("an id").to_owned())
}

/// Takes what room is left but for so many bytes, which is given back to others again and again.
fn crowd(ballast: &Path, but: u64) {
    let mut file = File::options().append(true).create(true).open(ballast).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(but)).unwrap();
    std::thread::sleep(Duration::from_millis(100));
}

/// How many images were handled twice, and found no room twice.
fn tried_twice(log: &str) -> usize {
    let mut tries: HashMap<_, usize> = HashMap::new();
    for line in log.lines().filter(|line| line.contains("not be handled; it is tried again")) {
        let image = line.split_whitespace().find(|word| word.starts_with("image="));
        *tries.entry(image).or_default() += 1;
    }
    tries.values().filter(|tries| **tries >= 2).count()
}

#[test]
fn what_was_answered_on_a_disk_that_filled_up_is_finished_when_there_is_room() {
    let test = "what_was_answered_on_a_disk_that_filled_up_is_finished_when_there_is_room";
    let Some(mount) = Mount::tmpfs("size=32m", test) else { return };
    let (ballast, rest) = (mount.path().join("ballast"), mount.path().join("rest"));
    fs::write(&ballast, vec![0; 16 << 20]).unwrap();
    fs::write(&rest, vec![0; 8 << 20]).unwrap();
    let pictures: Vec<_> = (0..4).map(|seed| photograph(seed, 800, 600)).collect();
    let server =
        Server::start(&mount.path().join("data"), &["--workers", "2", "--deadline", "75s"]);
    let client = server.client();
    let workers = wait_for("both workers", Duration::from_secs(30), || {
        let workers = server.workers();
        (workers.len() == 2).then_some(workers)
    });

    let mut answered = Vec::new();
    let (mut refused, mut row) = (0, 0);
    for number in 0..2_000 {
        // From here on they make nothing, so that there is work left when there is no room.
        if number == 10 {
            for (worker, _) in &workers {
                send_signal("STOP", *worker);
            }
        }
        match upload(&client, &pictures[number % pictures.len()]) {
            Ok(id) => {
                answered.push(id);
                row = 0;
            }
            Err((status, problem)) => {
                assert_eq!((status, &problem["code"]), (507, &json!("storage_full")), "{problem}");
                (refused, row) = (refused + 1, row + 1);
            }
        }
        if row == 3 {
            break;
        }
    }
    assert_eq!(row, 3, "the disk never filled up");
    for (worker, _) in &workers {
        send_signal("CONT", *worker);
    }
    let crowded = Instant::now();
    while tried_twice(&server.log()) == 0 {
        assert!(crowded.elapsed() < Duration::from_mins(2), "nothing was tried twice");
        crowd(&rest, CROWDED);
    }
    let full = Instant::now();
    while full.elapsed() < FULL_FOR {
        crowd(&rest, 0);
    }
    let (status, problem) = upload(&client, &pictures[0]).expect_err("no room");
    assert_eq!((status, &problem["code"]), (507, &json!("storage_full")), "{problem}");
    let waiting: Vec<_> =
        answered.iter().filter(|id| client.record(id)["status"] != "ready").collect();
    assert!(waiting.len() >= 10, "only {} of {} had to wait", waiting.len(), answered.len());
    let said = server.log();
    for part in ["the disk is full: v/", "the disk is full: the database was not changed"] {
        assert!(said.contains(part), "{part:?} is not in the log");
    }
    report::say(
        "full disk",
        format_args!(
            "{} uploads answered 200, {refused} answered 507; {} had to wait for room, \
             {} were tried twice without it",
            answered.len(),
            waiting.len(),
            tried_twice(&said)
        ),
    );

    fs::remove_file(&rest).unwrap();
    fs::remove_file(&ballast).unwrap();
    let began = Instant::now();
    for id in &answered {
        let record = wait_for(&format!("{id} ends"), Duration::from_mins(2), || {
            let record = client.record(id);
            let open = ["pending", "processing"].contains(&record["status"].as_str()?);
            (!open).then_some(record)
        });
        assert_eq!(record["status"], "ready", "{record}");
        assert!(record["variants"].as_array().is_some_and(|all| all.len() == 6), "{record}");
    }
    let letters = client.get("/v1/dead-letters").json();
    assert_eq!(letters["dead_letters"], json!([]), "{letters}");
    let id = client.upload(&pictures[0]);
    assert_eq!(client.finished(&id, Duration::from_mins(1))["status"], "ready");
    report::say(
        "full disk",
        format_args!("all ready {:.1?} after there was room", began.elapsed()),
    );
}
