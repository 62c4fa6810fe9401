//! Connections: how many there are, how long they may say nothing, and their end in good order.
//!
//! A place is taken before a connection is accepted: whoever comes when all are taken waits in the
//! kernel's line. Every place is free again some time: a connection on which no whole request head
//! comes is closed, and so is one whose client takes none of its answer; bodies come at a pace that
//! the API asks for, and streams of events are counted by themselves.

mod patient;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use self::patient::Patient;

/// The pause after the system gave no connection: handles are not freed within a moment.
const PAUSE: Duration = Duration::from_secs(1);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many may be open.
    pub connections: usize,
    /// How long a request's head may take, from the connection's first moment, or from the end of
    /// the answer before: it ends connections that send too slowly and those that are left idle.
    pub head: Duration,
    /// How long a client may take nothing of an answer.
    pub answer: Duration,
}

impl Bounds {
    /// With the usual patience: longer than the CLI's own client keeps an idle connection for its
    /// next request (15 s), so that it never sends one into a connection that is being closed.
    pub fn of(connections: usize) -> Self {
        Self { connections, head: Duration::from_secs(20), answer: Duration::from_secs(30) }
    }
}

/// Serves until `stop` ends, then takes no more connections, and ends when the last request that
/// was begun has its answer.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.head);
    let places = Arc::new(Semaphore::new(bounds.connections));
    let ending = GracefulShutdown::new();
    let service = TowerToHyperService::new(router);
    tokio::pin!(stop);
    loop {
        let (stream, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => match accepted {
                Some(accepted) => accepted,
                None => break,
            },
        };
        let stream = TokioIo::new(Patient::new(stream, bounds.answer));
        let connection = ending.watch(http.serve_connection(stream, service.clone()));
        tokio::spawn(async move {
            // Clients hang up as they like; what a request came to is in its own log line.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    ending.shutdown().await;
}

/// The next connection, with its place; none where there are no places any more.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    if places.available_permits() == 0 {
        tracing::debug!("all connections are taken: the next one waits");
    }
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers go out at once.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection stays with delayed sending");
                }
                return Some((stream, place));
            }
            // It was gone before it was taken.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; it is tried again");
                time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionRefused | E::ConnectionAborted | E::ConnectionReset)
}
