//! What stands between the functions and moto: it counts every request, makes some fail as AWS does, and
//! kills who asks.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, request::Parts},
    response::Response,
};
use futures::stream;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    lambda::{Roster, Who},
    signals,
};

/// Kinds of trouble, in turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// 503 `SlowDown` or `ServiceUnavailable`.
    Unavailable,
    /// `DynamoDB` has no throughput left, SQS and S3 throttle.
    Throttled,
    /// The answer takes seconds.
    Slow,
    /// The connection breaks, before the request has reached anybody.
    ResetBefore,
    /// The connection breaks, after what was asked for was done.
    ResetAfter,
}

const FAULTS: [Fault; 5] =
    [Fault::Unavailable, Fault::Throttled, Fault::Slow, Fault::ResetBefore, Fault::ResetAfter];

/// Whom a door of the proxy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guest {
    /// Anybody.
    Anybody,
    /// One process, so that it can be told from all others, and killed.
    Process(Who),
    /// What is AWS's own, such as the mapping of queues: it is neither counted nor disturbed. It has no
    /// more of its services than others while they are out.
    Service,
}

/// What becomes of a process over a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// Nobody has heard of the request.
    Before,
    /// What was asked for is done, and the process does not come to know.
    After,
    /// The same, but it lives: the answer is lost on its way.
    Lost,
}

/// Strikes whichever process of a function makes its so many-th request about an image, from 0 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aim {
    pub(crate) function: &'static str,
    pub(crate) image: String,
    pub(crate) call: usize,
    pub(crate) moment: Moment,
}

/// Counts, and what is to fail.
pub(crate) struct Proxy {
    pub(crate) url: String,
    shared: Arc<Shared>,
    doors: Mutex<Vec<Door>>,
}

/// A port that it listens on.
struct Door {
    address: SocketAddr,
    guest: Guest,
    task: JoinHandle<()>,
}

struct Shared {
    to: String,
    /// One of so many requests fails; none where it is 0.
    every: u64,
    seen: AtomicU64,
    out: AtomicBool,
    requests: Mutex<BTreeMap<String, u64>>,
    faults: Mutex<BTreeMap<Fault, u64>>,
    roster: Roster,
    /// What processes of a function asked about an image, in order.
    calls: Mutex<BTreeMap<(&'static str, String), Vec<String>>>,
    aims: Mutex<Vec<Aim>>,
    poison: Mutex<Option<String>>,
    poisoned: AtomicU64,
    hits: Mutex<Vec<Aim>>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.doors.lock().unwrap().iter().for_each(|door| door.task.abort());
    }
}

impl Proxy {
    pub(crate) async fn start(to: &str, every: u64, roster: Roster) -> Proxy {
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            every,
            seen: AtomicU64::new(0),
            out: AtomicBool::new(false),
            requests: Mutex::default(),
            faults: Mutex::default(),
            roster,
            calls: Mutex::default(),
            aims: Mutex::default(),
            poison: Mutex::default(),
            poisoned: AtomicU64::new(0),
            hits: Mutex::default(),
        });
        let mut proxy = Proxy { url: String::new(), shared, doors: Mutex::default() };
        proxy.url = proxy.open(Guest::Anybody).await;
        proxy
    }

    /// A way to it for one process.
    pub(crate) async fn for_process(&self, who: Who) -> String {
        self.open(Guest::Process(who)).await
    }

    /// A way to it for what is AWS's own.
    pub(crate) async fn for_service(&self) -> String {
        self.open(Guest::Service).await
    }

    async fn open(&self, guest: Guest) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = self.serve(listener, guest);
        self.doors.lock().unwrap().push(Door { address, guest, task });
        format!("http://{address}")
    }

    fn serve(&self, listener: TcpListener, guest: Guest) -> JoinHandle<()> {
        let router = Router::new().fallback(pass).with_state((Arc::clone(&self.shared), guest));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
    }

    /// Nobody answers for a while: new connections are refused, open ones break.
    pub(crate) async fn outage(&self, time: Duration) {
        self.shared.out.store(true, Ordering::SeqCst);
        self.doors.lock().unwrap().iter().for_each(|door| door.task.abort());
        tokio::time::sleep(time).await;
        self.shared.out.store(false, Ordering::SeqCst);
        let doors: Vec<_> =
            self.doors.lock().unwrap().iter().map(|door| (door.address, door.guest)).collect();
        for (number, (address, guest)) in doors.into_iter().enumerate() {
            let listener = TcpListener::bind(address).await.unwrap();
            let task = self.serve(listener, guest);
            self.doors.lock().unwrap()[number].task = task;
        }
    }

    /// Requests by service and operation.
    pub(crate) fn requests(&self) -> BTreeMap<String, u64> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How often each kind of trouble was made.
    pub(crate) fn faults(&self) -> BTreeMap<Fault, u64> {
        self.shared.faults.lock().unwrap().clone()
    }

    /// What processes of a function asked about an image, in order.
    pub(crate) fn calls(&self, function: &'static str, image: &str) -> Vec<String> {
        let calls = self.shared.calls.lock().unwrap();
        calls.get(&(function, image.to_owned())).cloned().unwrap_or_default()
    }

    /// Has a process killed once.
    pub(crate) fn aim(&self, aim: Aim) {
        self.shared.aims.lock().unwrap().push(aim);
    }

    /// From now on whoever makes variants dies of what it has read of this image; none where the killer is
    /// gone.
    pub(crate) fn poison(&self, image: Option<&str>) {
        *self.shared.poison.lock().unwrap() = image.map(str::to_owned);
    }

    /// How many died of it.
    pub(crate) fn poisoned(&self) -> u64 {
        self.shared.poisoned.load(Ordering::Relaxed)
    }

    /// What was aimed at and hit.
    pub(crate) fn hits(&self) -> Vec<Aim> {
        self.shared.hits.lock().unwrap().clone()
    }
}

impl Shared {
    fn fault(&self) -> Option<Fault> {
        let number = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        (self.every > 0 && number.is_multiple_of(self.every)).then(|| {
            let turn = usize::try_from(number / self.every).unwrap() % FAULTS.len();
            *self.faults.lock().unwrap().entry(FAULTS[turn]).or_default() += 1;
            FAULTS[turn]
        })
    }

    /// Writes down what a process asks about an image, and whether it is to die of it.
    fn observe(&self, who: Who, named: &str, uri: &Uri, body: &[u8]) -> Option<Moment> {
        // What is stored is no text of ours.
        let body: &[u8] = if named.starts_with("s3") { &[] } else { body };
        let image = image_in(uri.to_string().as_bytes()).or_else(|| image_in(body))?;
        let mut calls = self.calls.lock().unwrap();
        let calls = calls.entry((who.function, image.clone())).or_default();
        calls.push(named.to_owned());
        let reads = who.function == "resize" && named == "s3 GetObject";
        if reads && self.poison.lock().unwrap().as_ref() == Some(&image) {
            self.poisoned.fetch_add(1, Ordering::Relaxed);
            return Some(Moment::After);
        }
        let mut aims = self.aims.lock().unwrap();
        let hit = aims.iter().position(|aim| {
            aim.function == who.function && aim.image == image && aim.call + 1 == calls.len()
        })?;
        let aim = aims.swap_remove(hit);
        let moment = aim.moment;
        self.hits.lock().unwrap().push(aim);
        Some(moment)
    }

    async fn kill(&self, who: Who) {
        let pid = self.roster.lock().unwrap().get(&who).copied();
        if let Some(pid) = pid {
            tokio::task::spawn_blocking(move || signals::send("KILL", pid)).await.unwrap();
        }
    }
}

/// The first image that a text names.
fn image_in(text: &[u8]) -> Option<String> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let fits = |(at, byte): (usize, &u8)| {
        if DASHES.contains(&at) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    let is_id = |text: &[u8]| text.iter().enumerate().all(fits);
    let id = text.windows(36).find(|window| is_id(window))?;
    Some(String::from_utf8_lossy(id).into_owned())
}

async fn pass(State((shared, guest)): State<(Arc<Shared>, Guest)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    if shared.out.load(Ordering::SeqCst) {
        return broken(&method);
    }
    let Ok(body) = to_bytes(body, 256 << 20).await else { return broken(&method) };
    if guest == Guest::Service {
        return forward(&shared.to, parts, body).await;
    }
    let (service, operation) = named(&parts.method, &parts.uri, &parts.headers);
    let name = format!("{service} {operation}");
    *shared.requests.lock().unwrap().entry(name.clone()).or_default() += 1;
    if let Guest::Process(who) = guest {
        match shared.observe(who, &name, &parts.uri, &body) {
            None => {}
            Some(moment) => {
                if moment != Moment::Before {
                    forward(&shared.to, parts, body).await;
                }
                if moment != Moment::Lost {
                    shared.kill(who).await;
                }
                return broken(&method);
            }
        }
    }
    let fault = shared.fault();
    match fault {
        Some(Fault::Unavailable) => return refusal(service, 503, "ServiceUnavailable"),
        Some(Fault::Throttled) if service == "dynamodb" => {
            return refusal(service, 400, "ProvisionedThroughputExceededException");
        }
        Some(Fault::Throttled) if service == "sqs" => {
            return refusal(service, 400, "RequestThrottled");
        }
        Some(Fault::Throttled) => return refusal(service, 503, "SlowDown"),
        Some(Fault::ResetBefore) => return broken(&method),
        Some(Fault::Slow) => tokio::time::sleep(Duration::from_secs(2)).await,
        Some(Fault::ResetAfter) | None => {}
    }
    let answer = forward(&shared.to, parts, body).await;
    if fault == Some(Fault::ResetAfter) { broken(&method) } else { answer }
}

/// What moto answers.
async fn forward(to: &str, parts: Parts, body: Bytes) -> Response {
    let head = parts.method == Method::HEAD;
    let url = format!("{to}{}", parts.uri.path_and_query().map_or("/", |it| it.as_str()));
    let answer = tokio::task::spawn_blocking(move || {
        let mut request = ureq::http::Request::builder().method(parts.method).uri(url);
        *request.headers_mut().unwrap() = parts.headers;
        request.headers_mut().unwrap().remove("transfer-encoding");
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let request = request.body(body.to_vec()).unwrap();
        let mut response = agent.run(request).unwrap();
        let bytes = response.body_mut().with_config().limit(256 << 20).read_to_vec().unwrap();
        let (parts, _) = response.into_parts();
        (parts, bytes)
    })
    .await;
    let (parts, bytes) = answer.unwrap();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = parts.status;
    for (name, value) in &parts.headers {
        if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
            response.headers_mut().append(name, value.clone());
        }
    }
    // An answer to a HEAD announces what it does not send.
    if head && let Some(length) = parts.headers.get("content-length") {
        response.headers_mut().insert("content-length", length.clone());
    }
    response
}

/// By the scope of the signature and the target, or for S3 the method and the query.
fn named(method: &Method, uri: &Uri, headers: &HeaderMap) -> (&'static str, String) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let target = header("x-amz-target");
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    if target.starts_with("DynamoDB") {
        return ("dynamodb", operation);
    }
    if target.starts_with("AmazonSQS") {
        return ("sqs", operation);
    }
    let query = uri.query().unwrap_or_default();
    let operation = match (method.as_str(), header("x-amz-copy-source").is_empty()) {
        ("PUT", false) => "CopyObject",
        ("PUT", true) if query.contains("X-Amz-Signature") => "PutObject (upload)",
        ("PUT", true) => "PutObject",
        ("GET", _) if query.contains("list-type") => "ListObjectsV2",
        ("GET", _) if query.split('&').any(|part| part == "uploads") => "ListMultipartUploads",
        ("GET", _) => "GetObject",
        ("HEAD", _) => "HeadObject",
        ("DELETE", _) => "DeleteObject",
        (other, _) => other,
    };
    ("s3", operation.to_owned())
}

fn refusal(service: &str, status: u16, code: &str) -> Response {
    let body = match service {
        "s3" => format!("<Error><Code>{code}</Code><Message>injected</Message></Error>"),
        _ => format!("{{\"__type\":\"com.amazonaws#{code}\",\"message\":\"injected\"}}"),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// An answer that breaks off: its length is announced, and nothing of it comes. One to a HEAD would be
/// whole, and say what is not so: it is refused.
fn broken(method: &Method) -> Response {
    if *method == Method::HEAD {
        return refusal("s3", 503, "ServiceUnavailable");
    }
    let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let body = Body::from_stream(stream::iter([Err::<Vec<u8>, _>(error)]));
    let mut response = Response::new(body);
    response.headers_mut().insert("content-length", 1.into());
    response
}
