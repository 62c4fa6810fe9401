//! What stands between the functions and moto: it counts every request, makes some fail as AWS does, and
//! kills who asks.
//!
//! It proves nothing of how often AWS fails, of what it fails together, and of TLS.

mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{Uri, request::Parts},
    response::Response,
};
use tokio::{net::TcpListener, task::JoinHandle};

use self::wire::{broken, forward, named, refusal};
use super::{
    lambda::{Roster, Who},
    signals,
};

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// 503 `SlowDown` or `ServiceUnavailable`.
    Unavailable,
    /// SQS and S3 throttle.
    Throttled,
    /// `DynamoDB` does: `ProvisionedThroughputExceededException`.
    Exhausted,
    /// The answer takes seconds.
    Slow,
    /// The connection breaks, before the request has reached anybody.
    ResetBefore,
    /// The connection breaks, after what was asked for was done.
    ResetAfter,
    /// Nobody is there: the connection is cut off.
    Gone,
    /// The answer takes longer than any service of ours does.
    Hung,
}

/// What is in no turn comes of an [outage](Proxy::outage), or of a moto that was stopped or ended.
const HANGS: Duration = Duration::from_secs(3);

/// In turns.
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

/// Any image, of which nobody knows the id yet.
pub(crate) const ANY: &str = "any";

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
    /// Functions that die of whatever they ask about an image.
    doomed: Mutex<BTreeSet<(&'static str, String)>>,
    dooms: AtomicU64,
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
            doomed: Mutex::default(),
            dooms: AtomicU64::new(0),
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

    /// Nobody answers for a while: connections are refused, and in the second half of it cut off, which can
    /// be counted.
    pub(crate) async fn outage(&self, time: Duration) {
        self.shared.out.store(true, Ordering::SeqCst);
        self.doors.lock().unwrap().iter().for_each(|door| door.task.abort());
        tokio::time::sleep(time / 2).await;
        self.open_again(|listener, _| {
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                while let Ok((connection, _)) = listener.accept().await {
                    shared.note(Fault::Gone);
                    drop(connection);
                }
            })
        })
        .await;
        tokio::time::sleep(time / 2).await;
        self.doors.lock().unwrap().iter().for_each(|door| door.task.abort());
        self.shared.out.store(false, Ordering::SeqCst);
        self.open_again(|listener, guest| self.serve(listener, guest)).await;
    }

    async fn open_again(&self, by: impl Fn(TcpListener, Guest) -> JoinHandle<()>) {
        let doors: Vec<_> =
            self.doors.lock().unwrap().iter().map(|door| (door.address, door.guest)).collect();
        for (number, (address, guest)) in doors.into_iter().enumerate() {
            // Whoever was here before may not have left yet.
            let listener = loop {
                match TcpListener::bind(address).await {
                    Ok(listener) => break listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            };
            self.doors.lock().unwrap()[number].task = by(listener, guest);
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

    /// From now on this function dies of the first thing that it asks about this image, so that it cannot
    /// even write down that it died.
    pub(crate) fn doom(&self, function: &'static str, image: &str) {
        self.shared.doomed.lock().unwrap().insert((function, image.to_owned()));
    }

    /// How many died so.
    pub(crate) fn dooms(&self) -> u64 {
        self.shared.dooms.load(Ordering::Relaxed)
    }

    /// What was aimed at and hit.
    pub(crate) fn hits(&self) -> Vec<Aim> {
        self.shared.hits.lock().unwrap().clone()
    }
}

impl Shared {
    fn fault(&self, service: &str) -> Option<Fault> {
        let number = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        (self.every > 0 && number.is_multiple_of(self.every)).then(|| {
            let turn = usize::try_from(number / self.every).unwrap() % FAULTS.len();
            let fault = match FAULTS[turn] {
                Fault::Throttled if service == "dynamodb" => Fault::Exhausted,
                fault => fault,
            };
            self.note(fault);
            fault
        })
    }

    fn note(&self, fault: Fault) {
        *self.faults.lock().unwrap().entry(fault).or_default() += 1;
    }

    /// What moto answers, and whether it was as quick as it is.
    async fn forward(&self, parts: Parts, body: Bytes) -> Response {
        let (begun, method) = (tokio::time::Instant::now(), parts.method.clone());
        let answer = forward(&self.to, parts, body).await.unwrap_or_else(|| {
            self.note(Fault::Gone);
            broken(&method)
        });
        if begun.elapsed() > HANGS {
            self.note(Fault::Hung);
        }
        answer
    }

    /// Writes down what a process asks about an image, and whether it is to die of it.
    fn observe(&self, who: Who, named: &str, uri: &Uri, body: &[u8]) -> Option<Moment> {
        // What is stored is no text of ours.
        let body: &[u8] = if named.starts_with("s3") { &[] } else { body };
        let image = image_in(uri.to_string().as_bytes()).or_else(|| image_in(body))?;
        let mut calls = self.calls.lock().unwrap();
        let calls = calls.entry((who.function, image.clone())).or_default();
        calls.push(named.to_owned());
        if self.doomed.lock().unwrap().contains(&(who.function, image.clone())) {
            self.dooms.fetch_add(1, Ordering::Relaxed);
            return Some(Moment::Before);
        }
        let reads = who.function == "resize" && named == "s3 GetObject";
        if reads && self.poison.lock().unwrap().as_ref() == Some(&image) {
            self.poisoned.fetch_add(1, Ordering::Relaxed);
            return Some(Moment::After);
        }
        let mut aims = self.aims.lock().unwrap();
        let hit = aims.iter().position(|aim| {
            let meant = aim.image == image || aim.image == ANY;
            aim.function == who.function && meant && aim.call + 1 == calls.len()
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
        shared.note(Fault::Gone);
        return broken(&method);
    }
    let Ok(body) = to_bytes(body, 256 << 20).await else { return broken(&method) };
    if guest == Guest::Service {
        return shared.forward(parts, body).await;
    }
    let (service, operation) = named(&parts.method, &parts.uri, &parts.headers);
    let name = format!("{service} {operation}");
    *shared.requests.lock().unwrap().entry(name.clone()).or_default() += 1;
    if let Guest::Process(who) = guest {
        match shared.observe(who, &name, &parts.uri, &body) {
            None => {}
            Some(moment) => {
                if moment != Moment::Before {
                    shared.forward(parts, body).await;
                }
                if moment != Moment::Lost {
                    shared.kill(who).await;
                }
                return broken(&method);
            }
        }
    }
    let fault = shared.fault(service);
    match fault {
        Some(Fault::Unavailable) => return refusal(service, 503, "ServiceUnavailable"),
        Some(Fault::Exhausted) => {
            return refusal(service, 400, "ProvisionedThroughputExceededException");
        }
        Some(Fault::Throttled) if service == "sqs" => {
            return refusal(service, 400, "RequestThrottled");
        }
        Some(Fault::Throttled) => return refusal(service, 503, "SlowDown"),
        Some(Fault::ResetBefore) => return broken(&method),
        Some(Fault::Slow) => tokio::time::sleep(Duration::from_secs(2)).await,
        Some(Fault::ResetAfter | Fault::Gone | Fault::Hung) | None => {}
    }
    let answer = shared.forward(parts, body).await;
    if fault == Some(Fault::ResetAfter) { broken(&method) } else { answer }
}
