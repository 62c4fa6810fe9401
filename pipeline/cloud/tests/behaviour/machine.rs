//! The home on one machine: the real server in a process of its own, and powers over its processes, its
//! files and its database.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use super::house::{House, PATIENCE, Sent, grow_old};
use crate::harness::{
    client::{Client, Created},
    lambda::binary,
    signals,
};

/// A worker that has more than so many KiB has a giant, whose pixels take 144 MB.
const GIANT_RESIDENT: u64 = 90 << 10;

/// `darkroom serve`, until it is dropped.
pub(super) struct Machine {
    process: Mutex<Child>,
    address: String,
    flags: Vec<String>,
    folder: tempfile::TempDir,
    client: Client,
    killer: Mutex<Option<Killer>>,
}

/// Whoever kills workers that have the giant.
struct Killer {
    stop: Arc<AtomicBool>,
    killed: Arc<AtomicU64>,
}

impl Machine {
    pub(super) fn start(presets: Option<&str>, flags: &[&str]) -> Machine {
        let folder = tempfile::tempdir().unwrap();
        let mut all = vec!["--max-upload".to_owned(), "200MB".to_owned()];
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        if let Some(presets) = presets {
            let file = folder.path().join("presets.toml");
            fs::write(&file, presets).unwrap();
            all.extend(["--presets".to_owned(), file.display().to_string()]);
        }
        // The same for all lives of the server, as it is for a real one.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let process = serve(folder.path(), &address, &all);
        let client = Client::without_key(&format!("http://{address}"));
        let (process, killer) = (Mutex::new(process), Mutex::default());
        Machine { process, address, flags: all, folder, client, killer }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn database(&self) -> Connection {
        let database = Connection::open(self.data().join("darkroom.db")).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        database
    }

    fn workers(&self) -> Vec<u32> {
        workers(self.process.lock().unwrap().id())
    }
}

/// Starts it, and waits until it is ready.
fn serve(folder: &Path, address: &str, flags: &[String]) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut process = Command::new(binary("darkroom"))
        .args(["serve", "--listen", address, "--data"])
        .arg(folder.join("data"))
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect(
            "the root package's binary is built: ./dev test does, or cargo build --bin darkroom",
        );
    let mut said = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
    assert!(line.contains("http://"), "the server did not start: {line:?}\n{}", log());
    // Read on, so that it never writes into a closed pipe.
    thread::spawn(move || said.read_to_end(&mut Vec::new()));
    process
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(killer) = self.killer.lock().unwrap().take() {
            killer.stop.store(true, Ordering::Relaxed);
        }
        let mut process = self.process.lock().unwrap();
        // It may be gone already.
        drop(process.kill());
        drop(process.wait());
        if thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("what the server said:\n{log}");
        }
    }
}

fn workers(server: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{server}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<_> = children.collect();
    children
        .iter()
        .flat_map(|pids| pids.split_whitespace())
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// KiB of memory that a process has now.
fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// All files under a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path(), found),
            _ => found.push(entry.path()),
        }
    }
}

#[async_trait(?Send)]
impl House for Machine {
    fn client(&self) -> &Client {
        &self.client
    }

    async fn say_arrived(&self, upload: &Created, bytes: &[u8], sent: Sent) {
        if sent == Sent::Yes {
            let (status, said) = upload.put(bytes).await.unwrap();
            // It is there, or was and is erased.
            assert!(matches!(status, 410 | 412), "{status}: {said}");
        }
    }

    async fn say_accepted(&self, _id: &str) {}

    async fn stored(&self, id: &str) -> BTreeSet<String> {
        let mut found = Vec::new();
        let objects = self.data().join("objects");
        files(&objects, &mut found);
        let keys =
            found.iter().map(|file| file.strip_prefix(&objects).unwrap().display().to_string());
        keys.filter(|key| key.contains(id)).map(|key| key.replace(id, "ID")).collect()
    }

    async fn hold(&self) {
        signals::send_all("STOP", self.workers());
    }

    async fn lose(&self, age: Duration) {
        let mut process = self.process.lock().unwrap();
        let stopped = workers(process.id());
        process.kill().unwrap();
        process.wait().unwrap();
        signals::send_all("KILL", stopped);
        let database = self.database();
        database.execute("DELETE FROM message", []).unwrap();
        let mut images = database.prepare("SELECT id, body FROM image").unwrap();
        let rows = images.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>().unwrap();
        for (id, body) in rows {
            let mut body: Value = serde_json::from_str(&body).unwrap();
            grow_old(&mut body, age);
            let older = "UPDATE image SET body = ?2, due_at = due_at - ?3 WHERE id = ?1";
            let micros = i64::try_from(age.as_micros()).unwrap();
            database.execute(older, (&id, body.to_string(), micros)).unwrap();
        }
        *process = serve(self.folder.path(), &self.address, &self.flags);
    }

    async fn sweep(&self) {}

    async fn set_presets(&self, text: &str) {
        fs::write(self.folder.path().join("presets.toml"), text).unwrap();
    }

    async fn poison(&self, _id: &str) {
        let server = self.process.lock().unwrap().id();
        let (stop, killed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let killer = Killer { stop: Arc::clone(&stop), killed: Arc::clone(&killed) };
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let giant = |pid: &u32| resident(*pid).is_some_and(|size| size > GIANT_RESIDENT);
                if let Some(pid) = workers(server).into_iter().find(giant)
                    && signals::send("KILL", pid)
                {
                    killed.fetch_add(1, Ordering::Relaxed);
                    // Until nobody sees it any more.
                    thread::sleep(Duration::from_millis(200));
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        *self.killer.lock().unwrap() = Some(killer);
    }

    async fn cure(&self) -> u64 {
        let killer = self.killer.lock().unwrap().take().unwrap();
        killer.stop.store(true, Ordering::Relaxed);
        killer.killed.load(Ordering::Relaxed)
    }

    async fn renders(&self) -> u64 {
        let (_, metrics) = self.client.call("GET", "/metrics", None).await;
        let name = "darkroom_messages_handled_total{stage=\"resize\",outcome=\"done\"} ";
        let lines = metrics.as_str().unwrap().lines();
        lines.filter_map(|line| line.strip_prefix(name)?.parse::<u64>().ok()).sum()
    }

    fn ingests_at_once(&self) -> Option<usize> {
        None
    }

    async fn outage(&self, time: Duration) {
        // Whoever locks a database for so long: another program, or a slow disk.
        let database = self.database();
        let locked = tokio::task::spawn_blocking(move || {
            database.execute_batch("BEGIN IMMEDIATE").unwrap();
            thread::sleep(time);
            database.execute_batch("ROLLBACK").unwrap();
        });
        locked.await.unwrap();
    }

    async fn settle(&self) {
        let begun = tokio::time::Instant::now();
        let count = || {
            // What waits for minutes is nothing that a test waits for.
            let soon = Timestamp::now().as_microsecond() + 60_000_000;
            let left = "SELECT count(*) FROM message WHERE lent = 1 OR visible_at < ?1";
            self.database().query_row(left, [soon], |row| row.get::<_, i64>(0)).unwrap()
        };
        while count() > 0 {
            assert!(begun.elapsed() < PATIENCE, "there are messages after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
