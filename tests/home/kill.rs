//! The server is killed fifty times at random moments while two hundred pictures are uploaded. What
//! it answered, a ledger outside remembers; in the end every picture is ready, with the same bytes
//! as if nothing had happened.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    pictures::{Random, photograph},
    server::{Client, Server, darkroom, wait_for},
};
use crate::report;

const UPLOADS: usize = 200;
const KILLS: usize = 50;
const UPLOADS_A_LIFE: usize = UPLOADS / KILLS;
const CLIENTS: usize = 4;
const SEED: u64 = 20_261_123;

#[test]
fn fifty_kills_lose_nothing() {
    let sources: Arc<Vec<_>> =
        Arc::new((0..UPLOADS as u64).map(|seed| photograph(seed, 480, 360)).collect());
    let wanted = undisturbed(&sources);

    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let address = free_address();
    let url = format!("http://{address}");
    let ledger = Arc::new(Ledger::default());
    let uploads = upload_all(&url, &sources, &ledger);

    let begun = Instant::now();
    let mut random = Random(SEED);
    let mut struck = 0;
    for life in 0..KILLS {
        let server = start(&data, &address);
        ledger.allowed.store((life + 1) * UPLOADS_A_LIFE, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20 + random.below(230)));
        server.kill();
        struck += usize::from(unfinished(&data, &ledger));
    }
    let server = start(&data, &address);
    for upload in uploads {
        upload.join().unwrap();
    }
    let client = server.client();
    let answered = ledger.answered.lock().unwrap().clone();
    assert_eq!(answered.len(), UPLOADS, "every upload was answered in the end");
    for (number, entry) in &answered {
        let record = client.finished(&entry.id, Duration::from_mins(2));
        assert_eq!(record["status"], "ready", "picture {number}: {record:#}\n{}", server.log());
        let made = fetch_all(&client, &record);
        assert_eq!(made, wanted[number], "picture {number} has other bytes than undisturbed");
    }
    report::say(
        "kill",
        format_args!(
            "{KILLS} kills in {:?}, {struck} of them struck unfinished work; {} answers were lost and \
         asked for again; all {UPLOADS} pictures are ready",
            begun.elapsed(),
            ledger.lost.load(Ordering::SeqCst)
        ),
    );
    assert!(struck >= 40, "only {struck} kills struck unfinished work");
    assert_eq!(client.get("/v1/dead-letters").json()["dead_letters"], json!([]));
    assert_eq!(client.metric("darkroom_dead_letters"), 0);
}

/// What the client was answered, by the number of the picture.
#[derive(Default)]
struct Ledger {
    answered: Mutex<BTreeMap<usize, Entry>>,
    /// Pictures that may be begun by now.
    allowed: AtomicUsize,
    /// Requests that nobody answered.
    lost: AtomicUsize,
}

#[derive(Clone)]
struct Entry {
    id: String,
    /// The server said that it has the bytes.
    put: bool,
}

type Variants = BTreeMap<String, String>;

/// The same pictures through a server that nobody kills.
fn undisturbed(sources: &Arc<Vec<Vec<u8>>>) -> BTreeMap<usize, Variants> {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(&home.path().join("data"), &[]);
    let ledger = Arc::new(Ledger::default());
    ledger.allowed.store(UPLOADS, Ordering::SeqCst);
    let begun = Instant::now();
    for upload in upload_all(&server.url, sources, &ledger) {
        upload.join().unwrap();
    }
    let client = server.client();
    let answered = ledger.answered.lock().unwrap().clone();
    let made = answered.iter().map(|(number, entry)| {
        let record = client.finished(&entry.id, Duration::from_mins(2));
        assert_eq!(record["status"], "ready", "{record:#}\n{}", server.log());
        (*number, fetch_all(&client, &record))
    });
    let made = made.collect();
    report::say("kill", format_args!("undisturbed: {UPLOADS} pictures in {:?}", begun.elapsed()));
    made
}

/// Clients that upload all pictures, each until it is answered.
fn upload_all(
    url: &str,
    sources: &Arc<Vec<Vec<u8>>>,
    ledger: &Arc<Ledger>,
) -> Vec<thread::JoinHandle<()>> {
    let next = Arc::new(AtomicUsize::new(0));
    let clients = (0..CLIENTS).map(|_| {
        let (client, sources) = (Client::new(url), Arc::clone(sources));
        let (ledger, next) = (Arc::clone(ledger), Arc::clone(&next));
        thread::spawn(move || {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                let Some(bytes) = sources.get(number) else { return };
                while ledger.allowed.load(Ordering::SeqCst) <= number {
                    thread::sleep(Duration::from_millis(2));
                }
                upload(&client, number, bytes, &ledger);
            }
        })
    });
    clients.collect()
}

fn upload(client: &Client, number: usize, bytes: &[u8], ledger: &Ledger) {
    let terms = json!({"content_length": bytes.len(), "content_type": "image/jpeg"}).to_string();
    let key = format!("picture-{number}");
    let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
    loop {
        let created = until_answered(ledger, || {
            client.ask("POST", "/v1/uploads", &headers, terms.as_bytes())
        });
        assert_eq!(created.status, 201, "{}", String::from_utf8_lossy(&created.body));
        let created = created.json();
        let id = created["image_id"].as_str().unwrap().to_owned();
        {
            let mut answered = ledger.answered.lock().unwrap();
            let entry = answered.entry(number).or_insert(Entry { id: id.clone(), put: false });
            assert_eq!(entry.id, id, "what was answered is forgotten: picture {number}");
        }
        let Some(put) = client.put(&created["upload"], bytes) else {
            ledger.lost.fetch_add(1, Ordering::SeqCst);
            continue;
        };
        // 412: the first answer was lost, the bytes were not.
        assert!(matches!(put.status, 200 | 412), "{}", String::from_utf8_lossy(&put.body));
        ledger.answered.lock().unwrap().get_mut(&number).unwrap().put = true;
        return;
    }
}

fn until_answered<T>(ledger: &Ledger, mut ask: impl FnMut() -> Option<T>) -> T {
    wait_for("the server answers", Duration::from_mins(2), || {
        let answer = ask();
        if answer.is_none() {
            ledger.lost.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(10));
        }
        answer
    })
}

/// The digest of each variant's bytes, as they are served.
fn fetch_all(client: &Client, record: &serde_json::Value) -> Variants {
    let variants = record["variants"].as_array().expect("variants");
    let digest = |variant: &serde_json::Value| {
        let name = format!("{}.{}", variant["name"], variant["format"]);
        let bytes = client.get(variant["url"].as_str().expect("a URL")).body;
        let digest = hex::encode(Sha256::digest(&bytes));
        assert_eq!(variant["sha256"], digest.as_str(), "{name}: the record says otherwise");
        (name, digest)
    };
    let made: Variants = variants.iter().map(digest).collect();
    assert_eq!(made.len(), 6, "{record:#}");
    made
}

/// Whether a picture whose bytes the server has accepted is not done, or one is being worked on.
/// Asked of the database of the dead server.
fn unfinished(data: &Path, ledger: &Ledger) -> bool {
    let database = Connection::open(data.join("darkroom.db")).unwrap();
    let status = |id: &str| -> String {
        let found =
            database.query_row("SELECT status FROM image WHERE id = ?1", [id], |row| row.get(0));
        found.unwrap_or_else(|error| panic!("image {id} was answered and is gone: {error}"))
    };
    let answered = ledger.answered.lock().unwrap().clone();
    answered.values().any(|entry| {
        let status = status(&entry.id);
        status == "processing" || (entry.put && status == "pending")
    })
}

fn start(data: &Path, address: &str) -> Server {
    let mut command = darkroom(&["serve", "--listen", address, "--log", "warn", "--data"]);
    command.arg(data);
    Server::of(command)
}

/// An address that is free now; the same for all lives, as it is for a real server.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
