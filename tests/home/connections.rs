//! How many connections there are, and how long each may say nothing.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures::stream;
use local::connections::{Bounds, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};

/// How long a test waits for what should come soon.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing here ends by these.
const BOUNDS: Bounds =
    Bounds { connections: 9, head: Duration::from_hours(1), answer: Duration::from_hours(1) };

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A server and the order to stop.
struct Serving {
    address: SocketAddr,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

async fn start(router: Router, bounds: Bounds) -> Serving {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Arc::new(Notify::new());
    let told = Arc::clone(&stop);
    let stopped = async move { told.notified().await };
    Serving { address, stop, task: tokio::spawn(serve(listener, router, bounds, stopped)) }
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// Reads until an answer has come whole; what it says.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut bytes = [0; 1024];
    while !text.ends_with("hello") {
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(read > 0, "it ended with {text:?}");
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    text
}

/// Waits until the server hangs up; what it said before.
async fn end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ended_or_reset = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_its_connection() {
    let head = Duration::from_millis(100);
    let serving = start(hello(), Bounds { head, ..BOUNDS }).await;
    let silent = TcpStream::connect(serving.address).await.unwrap();
    let mut slow = TcpStream::connect(serving.address).await.unwrap();
    slow.write_all(&REQUEST[..REQUEST.len() - 2]).await.unwrap();
    for stream in [silent, slow] {
        assert!(!end(stream).await.contains("200"));
    }
}

#[tokio::test]
async fn a_connection_that_is_left_idle_ends() {
    let head = Duration::from_millis(100);
    let serving = start(hello(), Bounds { head, ..BOUNDS }).await;
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(end(stream).await, "");
}

/// Tells when it is dropped.
struct Last(Arc<Notify>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_off() {
    let dropped = Arc::new(Notify::new());
    let router = Router::new().route("/", {
        let dropped = Arc::clone(&dropped);
        get(async move || {
            let last = Last(Arc::clone(&dropped));
            // Without an end: no buffer of the system's holds it.
            Body::from_stream(stream::repeat_with(move || {
                let _kept = &last;
                Ok::<_, Infallible>(Bytes::from_static(&[0; 16_384]))
            }))
        })
    });
    let answer = Duration::from_millis(100);
    let serving = start(router, Bounds { answer, ..BOUNDS }).await;
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    timeout(PATIENCE, dropped.notified()).await.unwrap();
}

#[tokio::test]
async fn there_are_so_many_connections_and_more_wait() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let router = Router::new().route("/", {
        let most = Arc::clone(&most);
        get(async move || {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Time for the others to come, if they can.
            tokio::time::sleep(Duration::from_millis(50)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            "hello"
        })
    });
    let serving = start(router, Bounds { connections: 2, ..BOUNDS }).await;
    let clients = (0..8).map(|_| async {
        let mut stream = TcpStream::connect(serving.address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        answer(&mut stream).await
    });
    let answers = futures::future::join_all(clients).await;
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200")));
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
}

#[tokio::test]
async fn what_was_begun_is_answered_and_nobody_idle_is_waited_for() {
    let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = hello().route("/slow", {
        let (asked, go_on) = (Arc::clone(&asked), Arc::clone(&go_on));
        get(async move || {
            asked.notify_one();
            go_on.notified().await;
            "slow, hello"
        })
    });
    let serving = start(router, BOUNDS).await;
    let mut idle = TcpStream::connect(serving.address).await.unwrap();
    idle.write_all(REQUEST).await.unwrap();
    answer(&mut idle).await;
    let mut busy = TcpStream::connect(serving.address).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    asked.notified().await;
    serving.stop.notify_one();
    // The idle one is closed while the other is still being answered.
    assert_eq!(end(idle).await, "");
    go_on.notify_one();
    assert!(answer(&mut busy).await.contains("slow"));
    serving.task.await.unwrap();
    assert!(TcpStream::connect(serving.address).await.is_err(), "nobody listens any more");
}
