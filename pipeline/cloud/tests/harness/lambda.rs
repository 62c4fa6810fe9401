//! Lambda on this machine: processes of the real binaries behind a Runtime API. What maps queues to them is
//! in `mapping.rs`.
//!
//! It stands in for the service as far as a function can see: the Runtime API (2018-06-01), deadlines,
//! trace headers, batches, partial failures, visibility and dead letters (which are the queue's own). It
//! proves nothing of IAM, of cold starts on AWS, of how AWS scales or filters, and of what a sandbox
//! that was frozen between invocations does.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{self, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
};

/// A process of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    pub(crate) function: &'static str,
    pub(crate) number: u32,
}

/// The id that each process has at the moment.
pub(crate) type Roster = Arc<Mutex<BTreeMap<Who, u32>>>;

/// A function: processes that take one invocation each at a time.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    timeout: Duration,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<mpsc::UnboundedReceiver<Invocation>>,
    sender: mpsc::UnboundedSender<Invocation>,
    more: Notify,
    /// Who waits for the answer of an invocation.
    open: Mutex<HashMap<String, oneshot::Sender<Result<Value, String>>>>,
    /// What each process is at work on.
    at_work: Mutex<BTreeMap<Who, Work>>,
    invocations: AtomicU64,
    /// The most processes that were at work at the same time.
    together: AtomicUsize,
    /// What it wrote to standard output, where the service reads its log.
    said: Mutex<Vec<String>>,
    roster: Roster,
}

/// An invocation that a process was handed.
#[derive(Clone)]
struct Work {
    id: String,
    payload: String,
}

struct Invocation {
    id: String,
    payload: Value,
    timeout: Duration,
    trace: String,
}

impl Function {
    /// Starts a process of its binary in each of these environments. What dies is started again.
    pub(crate) async fn start(
        name: &'static str,
        environments: Vec<BTreeMap<String, String>>,
        timeout: Duration,
        roster: Roster,
    ) -> Function {
        Self::by(binary(name), name, environments, timeout, roster).await
    }

    /// The same of any program that asks the Runtime API for its work.
    pub(crate) async fn by(
        program: PathBuf,
        name: &'static str,
        environments: Vec<BTreeMap<String, String>>,
        timeout: Duration,
        roster: Roster,
    ) -> Function {
        let (sender, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            sender,
            more: Notify::new(),
            open: Mutex::default(),
            at_work: Mutex::default(),
            invocations: AtomicU64::new(0),
            together: AtomicUsize::new(0),
            said: Mutex::default(),
            roster,
        });
        let mut tasks = Vec::new();
        for (number, mut environment) in (0..).zip(environments) {
            let who = Who { function: name, number };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let router = runtime_api(Arc::clone(&shared), who);
            tasks.push(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
            environment.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), address);
            environment.insert("AWS_LAMBDA_FUNCTION_NAME".to_owned(), name.to_owned());
            environment.insert("AWS_LAMBDA_FUNCTION_VERSION".to_owned(), "$LATEST".to_owned());
            tasks.push(tokio::spawn(keep(
                program.clone(),
                environment,
                Arc::clone(&shared),
                who,
                timeout,
            )));
        }
        Function { name, timeout, shared, tasks }
    }

    /// Has it invoked, and waits for the answer. An error is what the service would count as one.
    pub(crate) async fn invoke(
        &self,
        payload: Value,
        trace: Option<String>,
    ) -> Result<Value, String> {
        let number = self.shared.invocations.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", self.name);
        let (answer, answered) = oneshot::channel();
        self.shared.open.lock().unwrap().insert(id.clone(), answer);
        let trace = trace.unwrap_or_else(|| new_trace(number));
        let invocation = Invocation { id: id.clone(), payload, timeout: self.timeout, trace };
        self.shared.sender.send(invocation).map_err(|_| "it is stopped".to_owned())?;
        self.shared.more.notify_one();
        // It may wait for a process that is free.
        let outcome = tokio::time::timeout(self.timeout * 6, answered).await;
        self.shared.open.lock().unwrap().remove(&id);
        match outcome {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the process is gone".to_owned()),
            Err(_) => Err("no answer".to_owned()),
        }
    }

    /// How often it was invoked.
    pub(crate) fn invocations(&self) -> u64 {
        self.shared.invocations.load(Ordering::Relaxed)
    }

    /// How many of its processes were at work at the same time, at most.
    pub(crate) fn together(&self) -> usize {
        self.shared.together.load(Ordering::Relaxed)
    }

    /// The lines of its log, as JSON.
    pub(crate) fn log(&self) -> Vec<Value> {
        let said = self.shared.said.lock().unwrap();
        let parse = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        said.iter().map(parse).collect()
    }

    /// The ids of its processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let roster = self.shared.roster.lock().unwrap();
        let own = roster.iter().filter(|(who, _)| who.function == self.name);
        own.map(|(_, pid)| *pid).collect()
    }

    /// The processes that are at work, and the payload that each was handed.
    pub(crate) fn at_work(&self) -> Vec<(u32, String)> {
        let at_work = self.shared.at_work.lock().unwrap();
        let roster = self.shared.roster.lock().unwrap();
        at_work
            .iter()
            .filter_map(|(who, work)| Some((*roster.get(who)?, work.payload.clone())))
            .collect()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// As X-Ray has it: version, time and 96 bits.
fn new_trace(number: u64) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let random = seconds.subsec_nanos();
    format!("Root=1-{:08x}-{random:08x}{number:016x};Sampled=1", seconds.as_secs())
}

/// Runs a process, and another when it ends, and ends one that is over its time.
async fn keep(
    program: PathBuf,
    environment: BTreeMap<String, String>,
    shared: Arc<Shared>,
    who: Who,
    timeout: Duration,
) {
    loop {
        let mut child: Child = Command::new(&program)
            .env_clear()
            .envs(&environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        tokio::spawn(listen(child.stdout.take().unwrap(), Arc::clone(&shared)));
        let pid = child.id().unwrap_or_default();
        shared.roster.lock().unwrap().insert(who, pid);
        let mut busy_since: Option<(String, SystemTime)> = None;
        loop {
            if let Ok(ended) = tokio::time::timeout(Duration::from_millis(50), child.wait()).await {
                drop(ended);
                break;
            }
            let at_work = shared.at_work.lock().unwrap().get(&who).map(|work| work.id.clone());
            busy_since = match (at_work, busy_since) {
                (Some(id), Some((before, since))) if id == before => Some((before, since)),
                (Some(id), _) => Some((id, SystemTime::now())),
                (None, _) => None,
            };
            let over = |(_, since): &(String, SystemTime)| {
                since.elapsed().is_ok_and(|elapsed| elapsed > timeout + Duration::from_millis(100))
            };
            if busy_since.as_ref().is_some_and(over) {
                drop(child.kill().await);
            }
        }
        shared.roster.lock().unwrap().remove(&who);
        let lost = shared.at_work.lock().unwrap().remove(&who);
        let answer = lost.and_then(|work| shared.open.lock().unwrap().remove(&work.id));
        if let Some(answer) = answer {
            drop(answer.send(Err("the process ended".to_owned())));
        }
    }
}

/// Keeps every whole line, and shows it to whoever runs the tests.
async fn listen(stdout: ChildStdout, shared: Arc<Shared>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        println!("{line}");
        shared.said.lock().unwrap().push(line);
    }
}

fn runtime_api(shared: Arc<Shared>, who: Who) -> Router {
    let base = "/2018-06-01/runtime";
    Router::new()
        .route(&format!("{base}/invocation/next"), get(next))
        .route(&format!("{base}/invocation/{{id}}/response"), post(response))
        .route(&format!("{base}/invocation/{{id}}/error"), post(error))
        .route(
            &format!("{base}/init/error"),
            post(async |body: Bytes| {
                eprintln!("a function did not start: {}", String::from_utf8_lossy(&body));
                StatusCode::ACCEPTED
            }),
        )
        .layer(extract::DefaultBodyLimit::max(8 << 20))
        .with_state((shared, who))
}

async fn next(State((shared, who)): Me) -> Response {
    let invocation = loop {
        let more = shared.more.notified();
        if let Ok(invocation) = shared.queue.lock().unwrap().try_recv() {
            break invocation;
        }
        more.await;
    };
    // There may be more for another process.
    shared.more.notify_one();
    let payload = invocation.payload.to_string();
    let work = Work { id: invocation.id.clone(), payload: payload.clone() };
    let together = {
        let mut at_work = shared.at_work.lock().unwrap();
        at_work.insert(who, work);
        at_work.len()
    };
    shared.together.fetch_max(together, Ordering::Relaxed);
    // Its time begins now, however long it waited for a process.
    let deadline = SystemTime::now() + invocation.timeout;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:0:function:f".to_owned()),
        ("lambda-runtime-trace-id", invocation.trace),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, payload).into_response()
}

type Me = State<(Arc<Shared>, Who)>;

async fn response(State((shared, who)): Me, id: extract::Path<String>, body: Bytes) -> StatusCode {
    let answer = serde_json::from_slice(&body).map_err(|error| error.to_string());
    settle(&shared, who, &id, answer)
}

async fn error(State((shared, who)): Me, id: extract::Path<String>, body: Bytes) -> StatusCode {
    settle(&shared, who, &id, Err(String::from_utf8_lossy(&body).into_owned()))
}

fn settle(shared: &Shared, who: Who, id: &str, answer: Result<Value, String>) -> StatusCode {
    shared.at_work.lock().unwrap().remove(&who);
    let open = shared.open.lock().unwrap().remove(id);
    if let Some(open) = open {
        drop(open.send(answer));
    }
    StatusCode::ACCEPTED
}

/// A binary of ours, built beside these tests. One of the same name elsewhere is not meant.
pub(crate) fn binary(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.ancestors().find(|folder| folder.join(name).is_file());
    let folder = folder.unwrap_or_else(|| {
        panic!("{name} is not built: cargo test --workspace, or ./dev test, builds it")
    });
    folder.join(name)
}
