//! Bodies, read under bounds of size and time.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use domain::{Code, Problem, StoreError, ports::ByteStream};
use futures::{StreamExt, stream};
use serde_json::{Map, Value};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{problem::Refusal, settings::Pace};

/// The most that a JSON body may have.
pub(crate) const JSON_MOST: usize = 64 * 1024;

/// How much of a refused body is read and thrown away.
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// A body, and how long its client has been waited for.
struct Incoming {
    chunks: BodyDataStream,
    pace: Pace,
    came: u64,
    /// The store's own time is not counted: a client is not slow because a disk is.
    waited: Duration,
}

/// A body on its way into a store. It stays here while the store reads it, so that what the store
/// did not want can still be read away.
pub(crate) struct Intake {
    body: Arc<Mutex<Incoming>>,
    complaint: Arc<OnceLock<Problem>>,
}

impl Intake {
    /// A body that has to come at this pace.
    pub(crate) fn new(body: Body, pace: Pace) -> Self {
        Self { body: Arc::new(Mutex::new(Incoming::new(body, pace))), complaint: Arc::default() }
    }

    /// The bytes, for a port.
    pub(crate) fn stream(&self) -> ByteStream {
        let complaint = Arc::clone(&self.complaint);
        let chunks = stream::unfold(Some(Arc::clone(&self.body)), move |body| {
            let complaint = Arc::clone(&complaint);
            async move {
                let body = body?;
                let chunk = body.lock().await.next().await;
                match chunk {
                    Ok(chunk) => chunk.map(|chunk| (Ok(chunk), Some(body))),
                    Err(problem) => {
                        let error = StoreError::Broken(problem.detail.clone());
                        let _ = complaint.set(problem);
                        Some((Err(error), None))
                    }
                }
            }
        });
        Box::pin(chunks)
    }

    /// Why the body stopped short, where that is the client's doing and not the store's.
    pub(crate) fn complaint(&self) -> Option<&Problem> {
        self.complaint.get()
    }

    /// Reads what is left: see [`Incoming::drain`].
    pub(crate) async fn drain(&self) {
        if self.complaint().is_none() {
            self.body.lock().await.drain().await;
        }
    }
}

/// A body that must be one JSON object.
pub(crate) async fn object(body: Body, pace: Pace) -> Result<Map<String, Value>, Refusal> {
    let mut incoming = Incoming::new(body, pace);
    let mut bytes = BytesMut::new();
    while let Some(chunk) = incoming.next().await? {
        if bytes.len() + chunk.len() > JSON_MOST {
            incoming.drain().await;
            let detail = format!("the body may have {JSON_MOST} bytes and has more");
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Refusal::new(Code::InvalidJson, format!("the body must be a JSON object: {error}"))
    })
}

impl Incoming {
    fn new(body: Body, pace: Pace) -> Self {
        Self { chunks: body.into_data_stream(), pace, came: 0, waited: Duration::ZERO }
    }

    /// The next bytes, waited for as long as the pace allows.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let Pace { idle, least } = self.pace;
        // What has come so far was worth so much time.
        let earned = Duration::from_millis(self.came.saturating_mul(1000) / least);
        let left = idle.saturating_add(earned).saturating_sub(self.waited);
        let begun = Instant::now();
        let chunk = timeout(left.min(idle), self.chunks.next()).await;
        self.waited += begun.elapsed();
        match chunk {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => {
                self.came += chunk.len() as u64;
                Ok(Some(chunk))
            }
            Ok(Some(Err(error))) => {
                let detail = format!("the body ended before its announced length: {error}");
                Err(Problem::new(Code::SizeMismatch, detail))
            }
            Err(_) => Err(Problem::new(Code::TooSlow, self.too_slow(left))),
        }
    }

    fn too_slow(&self, left: Duration) -> String {
        let Pace { idle, least } = self.pace;
        if left >= idle {
            return format!("nothing more of the body came for {} s", idle.as_secs_f32());
        }
        format!(
            "{} bytes of the body came in {:.0} s: after the first {} s it has to come at {least} \
             bytes a second at least",
            self.came,
            self.waited.as_secs_f32(),
            idle.as_secs_f32()
        )
    }

    /// Reads on after a refusal, within bounds: who closes a connection on unread bytes resets it,
    /// and the client would lose the answer.
    async fn drain(&mut self) {
        let mut left = LINGER_BYTES;
        let idle = self.pace.idle;
        let read = async {
            while let Ok(Some(chunk)) = self.next().await {
                let Some(rest) = left.checked_sub(chunk.len()) else { break };
                left = rest;
            }
        };
        // A client that goes on slowly has had its chance.
        let _ = timeout(idle, read).await;
    }
}
