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
use tokio::{sync::Mutex, time::timeout};

use crate::problem::Refusal;

/// The most that a JSON body may have.
pub(crate) const JSON_MOST: usize = 64 * 1024;

/// How much of a refused body is read and thrown away.
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// A body on its way into a store. It stays here while the store reads it, so that what the store
/// did not want can still be read away.
pub(crate) struct Intake {
    body: Arc<Mutex<BodyDataStream>>,
    idle: Duration,
    complaint: Arc<OnceLock<Problem>>,
}

impl Intake {
    /// A body that may stand still for `idle` at most.
    pub(crate) fn new(body: Body, idle: Duration) -> Self {
        let body = Arc::new(Mutex::new(body.into_data_stream()));
        Self { body, idle, complaint: Arc::default() }
    }

    /// The bytes, for a port.
    pub(crate) fn stream(&self) -> ByteStream {
        let (idle, complaint) = (self.idle, Arc::clone(&self.complaint));
        let chunks = stream::unfold(Some(Arc::clone(&self.body)), move |body| {
            let complaint = Arc::clone(&complaint);
            async move {
                let body = body?;
                let chunk = next(&mut *body.lock().await, idle).await;
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

    /// Reads what is left: see [`drain`].
    pub(crate) async fn drain(&self) {
        if self.complaint().is_none() {
            drain(&mut *self.body.lock().await, self.idle).await;
        }
    }
}

/// A body that must be one JSON object.
pub(crate) async fn object(body: Body, idle: Duration) -> Result<Map<String, Value>, Refusal> {
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = next(&mut stream, idle).await? {
        if bytes.len() + chunk.len() > JSON_MOST {
            drain(&mut stream, idle).await;
            let detail = format!("the body may have {JSON_MOST} bytes and has more");
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Refusal::new(Code::InvalidJson, format!("the body must be a JSON object: {error}"))
    })
}

/// Reads on after a refusal, within bounds: who closes a connection on unread bytes resets it, and
/// the client would lose the answer.
async fn drain(body: &mut BodyDataStream, idle: Duration) {
    let mut left = LINGER_BYTES;
    let read = async {
        while let Ok(Some(chunk)) = next(body, idle).await {
            let Some(rest) = left.checked_sub(chunk.len()) else { break };
            left = rest;
        }
    };
    // A client that goes on slowly has had its chance.
    let _ = timeout(idle, read).await;
}

async fn next(body: &mut BodyDataStream, idle: Duration) -> Result<Option<Bytes>, Problem> {
    match timeout(idle, body.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(Some(Err(error))) => {
            let detail = format!("the body ended before its announced length: {error}");
            Err(Problem::new(Code::SizeMismatch, detail))
        }
        Err(_) => {
            let detail = format!("nothing more of the body came for {} s", idle.as_secs_f32());
            Err(Problem::new(Code::TooSlow, detail))
        }
    }
}
