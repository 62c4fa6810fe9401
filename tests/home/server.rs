//! A `darkroom serve` in a process of its own, and a client outside of it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

pub(super) const DARKROOM: &str = env!("CARGO_BIN_EXE_darkroom");

/// A command of the program, without the environment of whoever runs the tests.
pub(crate) fn darkroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(DARKROOM);
    command.args(arguments).env_clear();
    command
}

/// A server that runs. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts one on a free port, and waits until it is ready.
    pub(crate) fn start(data: &Path, flags: &[&str]) -> Self {
        let mut command = darkroom(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(data).args(flags);
        Self::of(command)
    }

    pub(super) fn of(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().expect("a pipe was asked for");
        thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        stdout.read_line(&mut first).expect("standard output can be read");
        let url = first.split_whitespace().find(|word| word.starts_with("http://"));
        let Some(url) = url.map(str::to_owned) else {
            thread::sleep(Duration::from_millis(100));
            panic!("the server did not start: {first:?}\n{}", log.lock().unwrap());
        };
        // Read on, so that it never writes into a closed pipe.
        thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
        Self { child, url, log }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// SIGKILL, and its end.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Where it can be reached, whatever it is called: its only listening socket.
    pub(crate) fn listening_on(&self) -> String {
        let table = fs::read_to_string("/proc/net/tcp").expect("Linux");
        let inodes: Vec<_> = fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .expect("a child's files can be seen")
            .flatten()
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .filter_map(|link| {
                Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
            })
            .collect();
        let port = table.lines().find_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let listening = fields.get(3) == Some(&"0A")
                && inodes.iter().any(|it| fields.get(9) == Some(&it.as_str()));
            u16::from_str_radix(fields.get(1)?.rsplit_once(':')?.1, 16).ok().filter(|_| listening)
        });
        format!("http://127.0.0.1:{}", port.expect("it listens"))
    }

    /// SIGTERM, and how it ended.
    pub(super) fn terminate(mut self) -> ExitStatus {
        send_signal("TERM", self.pid());
        self.child.wait().expect("a child can be waited for")
    }

    /// SIGTERM, how it ended, and all that it logged.
    pub(super) fn terminate_with_log(mut self) -> (ExitStatus, String) {
        send_signal("TERM", self.pid());
        let status = self.child.wait().expect("a child can be waited for");
        // Its last lines may still be on their way through the pipe.
        thread::sleep(Duration::from_millis(200));
        (status, self.log())
    }

    /// The worker processes, with the memory that each has now, in KiB.
    pub(super) fn workers(&self) -> Vec<(u32, u64)> {
        let children = fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter().flatten();
        let children = children.flatten().filter_map(|task| {
            let children = fs::read_to_string(task.path().join("children")).ok()?;
            Some(children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        });
        children.flatten().filter_map(|pid: u32| Some((pid, resident(pid)?))).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if thread::panicking() {
            eprintln!("what the server said:\n{}", self.log());
        }
    }
}

fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

pub(super) fn send_signal(name: &str, pid: u32) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status();
    assert!(sent.expect("there is a shell").success(), "SIG{name} cannot be sent to {pid}");
}

/// Looks again and again, until there is something.
pub(super) fn wait_for<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {within:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A client of its own making: what it takes for granted is HTTP.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) url: String,
    agent: ureq::Agent,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

impl Client {
    pub(super) fn new(url: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        Self { url: url.to_owned(), agent }
    }

    /// One request; none where nobody answered, or not to its end.
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let url =
            if path.starts_with('/') { format!("{}{path}", self.url) } else { path.to_owned() };
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = self.agent.run(request.body(body).ok()?).ok()?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec().ok()?;
        Some(Answer { status, body })
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], &[]).unwrap_or_else(|| panic!("GET {path} is not answered"))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.ask("POST", path, &headers, body.to_string().as_bytes())
            .unwrap_or_else(|| panic!("POST {path} is not answered"))
    }

    /// Creates an upload and sends its bytes; answers the image's id.
    pub(super) fn upload(&self, bytes: &[u8]) -> String {
        let terms = json!({"content_length": bytes.len(), "content_type": "image/jpeg"});
        let created = self.post("/v1/uploads", &terms);
        assert_eq!(created.status, 201, "{:?}", created.json());
        let created = created.json();
        let put = self.put(&created["upload"], bytes).expect("the upload is answered");
        assert_eq!(put.status, 200, "{}", String::from_utf8_lossy(&put.body));
        created["image_id"].as_str().expect("an id").to_owned()
    }

    /// Sends the bytes of an upload as it says.
    pub(super) fn put(&self, upload: &Value, bytes: &[u8]) -> Option<Answer> {
        let headers: Vec<_> = upload["headers"]
            .as_object()
            .expect("headers")
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().expect("text")))
            .collect();
        let method = upload["method"].as_str().expect("a method");
        self.ask(method, upload["url"].as_str().expect("a URL"), &headers, bytes)
    }

    pub(super) fn record(&self, id: &str) -> Value {
        let answer = self.get(&format!("/v1/images/{id}"));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// The record, once nothing more happens by itself.
    pub(super) fn finished(&self, id: &str, within: Duration) -> Value {
        wait_for(&format!("image {id} ends"), within, || {
            let record = self.record(id);
            let status = record["status"].as_str().expect("a status");
            thread::sleep(Duration::from_millis(15));
            (!matches!(status, "pending" | "processing")).then_some(record)
        })
    }

    /// A count of `/metrics`; 0 where it was never counted.
    pub(super) fn metric(&self, name: &str) -> u64 {
        let text = String::from_utf8(self.get("/metrics").body).expect("text");
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .map_or(0, |number| number.parse().expect("a number"))
    }
}
