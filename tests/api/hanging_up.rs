//! A client that hangs up before it is answered.

use std::sync::Arc;

use api::{Access, Api, Settings, Vitals};
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response},
};
use domain::{
    Message, Offers, Outbox, Problem, Queue as _, StageName, StoreError,
    memory::{ManualClock, MemoryCatalog, MemoryKeyring, MemoryObjects, MemoryQueue},
    parts::PartObjects,
    signing::Signer,
};
use imaging::Presets;
use serde_json::Value;
use tokio::sync::{Notify, mpsc};
use tower::ServiceExt as _;

use super::server::{jpeg, moment};

/// What became of a call to send.
#[derive(Debug, PartialEq)]
enum End {
    Sent,
    GivenUp,
}

/// An outbox that says when it is asked to send, and does it when it is told to.
struct Gate {
    queue: Arc<MemoryQueue>,
    asked: Notify,
    open: Notify,
    ends: mpsc::UnboundedSender<End>,
}

/// Tells, whatever happens to its owner.
struct Call<'a>(&'a Gate, End);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut self.1, End::GivenUp);
        self.0.ends.send(end).unwrap();
    }
}

#[async_trait]
impl Outbox for Gate {
    async fn send(&self, messages: &[Message]) -> Result<(), StoreError> {
        let mut call = Call(self, End::GivenUp);
        self.asked.notify_one();
        self.open.notified().await;
        self.queue.send(messages).await?;
        call.1 = End::Sent;
        Ok(())
    }
    async fn bury(&self, message: &Message, reason: &Problem) -> Result<(), StoreError> {
        self.queue.bury(message, reason).await
    }
}

struct Silent;

#[async_trait]
impl Vitals for Silent {
    async fn render(&self) -> String {
        String::new()
    }
}

fn router(gate: &Arc<Gate>, clock: Arc<ManualClock>) -> Router {
    let signer = Signer::new(*b"a secret of thirty-two bytes, so", "http://localhost");
    let objects = Arc::new(MemoryObjects::new(signer.clone()));
    api::router(Api {
        parts: Arc::new(PartObjects::new(objects.clone())),
        objects,
        catalog: Arc::new(MemoryCatalog::new()),
        outbox: gate.clone(),
        letters: gate.queue.clone(),
        keyring: Arc::new(MemoryKeyring::new()),
        clock,
        signer,
        offers: Arc::new(|| Arc::new(Offers::from(Presets::built_in()))),
        closing: Arc::new(|| false),
        settings: Settings { access: Access::Loopback, ..Settings::default() },
        vitals: Arc::new(Silent),
    })
}

async fn json(response: Response<Body>) -> Value {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn the_pipeline_is_told_of_bytes_whose_client_did_not_wait() {
    let clock = Arc::new(ManualClock::at(moment("2026-11-23T08:00:00Z")));
    let queue = Arc::new(MemoryQueue::new(clock.clone()));
    let (ends, mut ended) = mpsc::unbounded_channel();
    let gate = Arc::new(Gate { queue, asked: Notify::new(), open: Notify::new(), ends });
    let router = router(&gate, clock);
    let request = |method: &str, target: &str| {
        Request::builder().method(method).uri(target).header("host", "localhost")
    };
    let create = request("POST", "/v1/uploads").body(Body::from(jpeg(10).to_string())).unwrap();
    let created = json(router.clone().oneshot(create).await.unwrap()).await;
    let target = created["upload"]["url"].as_str().unwrap();
    let put = request("PUT", target.strip_prefix("http://localhost").unwrap())
        .header("content-type", "image/jpeg")
        .header("content-length", "10")
        .body(Body::from("ten bytes."))
        .unwrap();

    let mut answer = Box::pin(router.oneshot(put));
    tokio::select! {
        answer = &mut answer => panic!("answered before the pipeline was told: {answer:?}"),
        () = gate.asked.notified() => {}
    }
    // The object is in its place and its event on the way when the connection goes.
    drop(answer);
    gate.open.notify_one();
    assert_eq!(ended.recv().await, Some(End::Sent));
    let lent = gate.queue.receive(StageName::Ingest, 9, std::time::Duration::from_mins(1)).await;
    assert_eq!(lent.unwrap().len(), 1);
}
