//! What stands between the functions and moto: it counts every request, and makes some fail as AWS does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::Response,
};
use futures::stream;
use tokio::{net::TcpListener, task::JoinHandle};

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

/// Counts, and how often something is to fail.
pub(crate) struct Proxy {
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    to: String,
    /// One of so many requests fails; none where it is 0.
    every: u64,
    seen: AtomicU64,
    requests: Mutex<BTreeMap<String, u64>>,
    faults: Mutex<BTreeMap<Fault, u64>>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub(crate) async fn start(to: &str, every: u64) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            every,
            seen: AtomicU64::new(0),
            requests: Mutex::default(),
            faults: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Proxy { url, shared, task }
    }

    /// Requests by service and operation.
    pub(crate) fn requests(&self) -> BTreeMap<String, u64> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How often each kind of trouble was made.
    pub(crate) fn faults(&self) -> BTreeMap<Fault, u64> {
        self.shared.faults.lock().unwrap().clone()
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 256 << 20).await.unwrap();
    let (service, operation) = named(&parts.method, &parts.uri, &parts.headers);
    *shared.requests.lock().unwrap().entry(format!("{service} {operation}")).or_default() += 1;
    let number = shared.seen.fetch_add(1, Ordering::Relaxed) + 1;
    let fault = (shared.every > 0 && number.is_multiple_of(shared.every)).then(|| {
        let turn = usize::try_from(number / shared.every).unwrap() % FAULTS.len();
        *shared.faults.lock().unwrap().entry(FAULTS[turn]).or_default() += 1;
        FAULTS[turn]
    });
    match fault {
        Some(Fault::Unavailable) => return refusal(service, 503, "ServiceUnavailable"),
        Some(Fault::Throttled) if service == "dynamodb" => {
            return refusal(service, 400, "ProvisionedThroughputExceededException");
        }
        Some(Fault::Throttled) if service == "sqs" => {
            return refusal(service, 400, "RequestThrottled");
        }
        Some(Fault::Throttled) => return refusal(service, 503, "SlowDown"),
        Some(Fault::ResetBefore) => return broken(),
        Some(Fault::Slow) => tokio::time::sleep(Duration::from_secs(2)).await,
        Some(Fault::ResetAfter) | None => {}
    }
    let head = parts.method == Method::HEAD;
    let url = format!("{}{}", shared.to, parts.uri.path_and_query().map_or("/", |it| it.as_str()));
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
    .await
    .unwrap();
    if fault == Some(Fault::ResetAfter) {
        return broken();
    }
    let (parts, bytes) = answer;
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

/// An answer that breaks off: its length is announced, and nothing of it comes.
fn broken() -> Response {
    let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let body = Body::from_stream(stream::iter([Err::<Vec<u8>, _>(error)]));
    let mut response = Response::new(body);
    response.headers_mut().insert("content-length", 1.into());
    response
}
