//! The server: wires the home together and runs it until it is told to stop.
//!
//! The order at the start: own the directory, open the database, release what the last run had
//! borrowed, take the port, empty the staging, then carry and listen. Whatever is wrong is said
//! before the first request is taken.

use std::{io, net::SocketAddr, path::Path, process::exit, sync::Arc, time::Duration};

use api::{Access, Api};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::header::CONTENT_TYPE,
    middleware::{self, Next},
    response::Response,
};
use domain::{Clock, Keyring, StoreError, parts::PartObjects, signing::Signer};
use fanout::Patience;
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time,
};

use crate::{
    capacity::Largest,
    clock::SystemClock,
    connections::{self, Bounds},
    data_directory::{DataDirectory, DataDirectoryError},
    database::{Database, DatabaseError},
    machine,
    objects::LocalObjects,
    presets::{self, Live},
    runner::{self, Drained, Runner},
    settings::{Settings, is_loopback, is_loopback_url},
    stages,
    vitals::{LocalVitals, Tally},
    worker::{conversation::Ports, supervisor::Terms},
};

/// Handles that are needed besides those of connections: the database's, the workers' pipes, the
/// objects that stages look at.
const HANDLES: u64 = 256;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DataDirectoryError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Store(#[from] StoreError),
    /// The pictures that presets name have no place.
    #[error("the pictures that the presets name cannot be kept in the data directory: {0}")]
    Assets(StoreError),
    /// Others could use it without a key.
    #[error(
        "{reach} can be reached from other machines, and there is no API key: make one by \
         `darkroom keys create --data {data}`, or listen on 127.0.0.1 only"
    )]
    NoKeys {
        /// What can be reached.
        reach: String,
        /// The data directory.
        data: String,
    },
    /// The port is taken.
    #[error(
        "{0} is in use by another program: stop that one, or choose another port by --listen \
         (DARKROOM_LISTEN); port 0 takes any that is free"
    )]
    PortInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address} (--listen, DARKROOM_LISTEN): {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not do what every server needs.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

/// A server that stands and has not begun.
pub struct Server {
    listener: TcpListener,
    router: Router,
    runner: Runner,
    database: Arc<Database>,
    bounds: Bounds,
    drain: Duration,
    url: String,
    /// Listened to before anybody is told that the server is there, so that it may be stopped at once.
    stop: (watch::Sender<bool>, watch::Receiver<bool>),
    /// Ours for as long as the server lives.
    _directory: DataDirectory,
}

impl Server {
    /// Makes everything ready, or says what is not.
    pub async fn prepare(settings: &Settings) -> Result<Self, ServeError> {
        let stop = watch::channel(false);
        stop_on_signals(stop.0.clone())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let alive_since = clock.now();
        let directory = own(&settings.data).await?;
        let database = Arc::new(Database::open(&directory.database_path(), clock.clone())?);
        let access = access(settings, &database).await?;
        let released = database.release_loans().await?;
        if released > 0 {
            tracing::info!(messages = released, "what the last run had begun is begun again");
        }
        // A connection is a handle, and so is the file that it writes or reads.
        machine::allow_handles(2 * settings.connections.get() as u64 + HANDLES);
        let listener = listen(settings.listen).await?;
        let address = listener.local_addr()?;
        let url = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let signer = Signer::new(*directory.secret(), &url);
        let objects = Arc::new(LocalObjects::open(&directory, signer.clone())?);
        presets::keep(&*objects, &settings.presets.assets).await.map_err(ServeError::Assets)?;
        let live = Arc::new(Live::new(settings.presets_file.clone(), settings.presets.clone()));
        tokio::spawn({
            let (live, objects, stop) = (Arc::clone(&live), objects.clone(), stop.1.clone());
            async move { live.follow(objects, stop).await }
        });
        let tally = Arc::new(Tally::default());
        let runner = Runner {
            database: database.clone(),
            ports: Ports {
                objects: objects.clone(),
                catalog: database.clone(),
                clock: clock.clone(),
            },
            fanout: Arc::new(stages::fanout(
                objects.clone(),
                database.clone(),
                {
                    let live = Arc::clone(&live);
                    Arc::new(move || live.now())
                },
                settings.limits.clone(),
                Patience {
                    visibility: runner::visibility(settings.deadline),
                    alive_since,
                    uploads: settings.upload_lifetime,
                },
            )),
            terms: Terms {
                memory: settings.capacity.each,
                limits: settings.limits.clone(),
                deadline: settings.deadline,
                log: settings.log.clone(),
            },
            workers: settings.capacity.workers.get(),
            clock: clock.clone(),
            tally: tally.clone(),
        };
        let router = api::router(Api {
            parts: Arc::new(PartObjects::new(objects.clone())),
            objects,
            catalog: database.clone(),
            outbox: database.clone(),
            letters: database.clone(),
            keyring: database.clone(),
            clock,
            signer,
            offers: Arc::new(move || live.offers()),
            closing: Arc::new({
                let stop = stop.1.clone();
                move || *stop.borrow()
            }),
            settings: api_settings(settings, access, alive_since),
            vitals: Arc::new(LocalVitals { tally, database: database.clone() }),
        });
        let largest = Largest::within(&settings.presets.presets, &settings.limits);
        tracing::info!("{}: every {largest} fits", settings.capacity);
        let bounds = Bounds::of(settings.connections.get());
        let drain = settings.drain;
        Ok(Self {
            listener,
            router,
            runner,
            database,
            bounds,
            drain,
            url,
            stop,
            _directory: directory,
        })
    }

    /// What clients reach it by.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs until a signal to stop, and then until what was begun has ended.
    pub async fn run(self) -> Result<Drained, ServeError> {
        let (order, stop) = self.stop;
        let running = tokio::spawn(self.runner.run(stop.clone(), self.drain));
        let router = self.router.layer(middleware::from_fn({
            let stop = stop.clone();
            move |request: Request, next: Next| ending_with(stop.clone(), request, next)
        }));
        let told = told_to_stop(stop.clone());
        let serving = connections::serve(self.listener, router, self.bounds, told);
        let limit = async {
            told_to_stop(stop).await;
            time::sleep(self.drain).await;
        };
        tokio::select! {
            () = serving => {}
            () = limit => tracing::warn!("some connections were still open and are cut off"),
        }
        // Whatever ended the serving, the runner ends, too.
        let _runner_is_gone = order.send(true);
        let drained = running.await.map_err(io::Error::other)?;
        self.database.close().await;
        Ok(drained)
    }
}

fn api_settings(settings: &Settings, access: Access, alive_since: Timestamp) -> api::Settings {
    let connections = settings.connections.get();
    api::Settings {
        limits: settings.limits.clone(),
        access,
        cors: settings.cors.clone(),
        upload_lifetime: settings.upload_lifetime,
        events: api::Events {
            // Nothing here cuts a response off, so a stream lasts until its image is final.
            life: Duration::from_hours(24),
            // However many follow their images, others find a connection.
            streams: connections.div_ceil(2),
            ..api::Events::default()
        },
        requests: api::Requests {
            waiting: connections.div_ceil(4),
            patience: runner::visibility(settings.deadline),
            alive_since,
            ..api::Requests::default()
        },
        ..api::Settings::default()
    }
}

/// Takes the directory. One that a killed server held stays locked for some milliseconds more if it
/// was just starting a worker, whose copy of the lock goes when its own program begins.
async fn own(path: &Path) -> Result<DataDirectory, DataDirectoryError> {
    const TRIES: u32 = 10;
    const PAUSE: Duration = Duration::from_millis(100);
    for _ in 1..TRIES {
        match DataDirectory::open(path) {
            Err(DataDirectoryError::Locked { .. }) => time::sleep(PAUSE).await,
            other => return other,
        }
    }
    DataDirectory::open(path)
}

/// On loopback, and under a public URL on loopback, nobody is asked for a key. A public URL of
/// another host means that something passes requests on from there, so keys are asked for.
async fn access(settings: &Settings, database: &Database) -> Result<Access, ServeError> {
    let url = settings.public_url.as_deref();
    if is_loopback(settings.listen.ip()) && url.is_none_or(is_loopback_url) {
        return Ok(Access::Loopback);
    }
    let keys = database.keys().await?;
    if keys.iter().any(|key| key.revoked_at.is_none()) {
        return Ok(Access::Keys);
    }
    let reach = match url {
        Some(url) if is_loopback(settings.listen.ip()) => url.to_owned(),
        _ => settings.listen.to_string(),
    };
    Err(ServeError::NoKeys { reach, data: settings.data.display().to_string() })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse(address),
        _ => ServeError::Listen { address, source },
    })
}

/// The first signal asks running work to finish, the second does not wait for it. What is cut off
/// is begun again at the next start.
fn stop_on_signals(order: watch::Sender<bool>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if order.send_replace(true) {
                tracing::warn!("stopped at once");
                exit(1);
            }
            tracing::info!(
                "stopping: what was begun is finished first; a second signal stops at once"
            );
        }
    });
    Ok(())
}

async fn told_to_stop(mut stop: watch::Receiver<bool>) {
    // Without a sender there is nobody left to run for.
    stop.wait_for(|stop| *stop).await.ok();
}

/// Streams of events would keep a server that is stopping open for as long as they last. Their
/// clients resume when it is back.
async fn ending_with(stop: watch::Receiver<bool>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    let stop = Box::pin(told_to_stop(stop));
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(stop)))
}
