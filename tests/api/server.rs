//! The router on a socket of its own, over the reference adapters.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use api::{Access, Api, Cors, Events, Pace, Requests, Settings, Vitals};
use async_trait::async_trait;
use axum::http::HeaderValue;
use bytes::Bytes;
use domain::{
    Catalog, Code, ImageId, Key, Keyring, Message, Objects, Offers, Outbox, PieceId, Problem,
    Queue, Revision, Sha256, StageName, Visibility,
    image::{Expectation, Flip, Made, Outcome, Progress, Purpose, Source},
    memory::{ManualClock, MemoryCatalog, MemoryKeyring, MemoryObjects, MemoryQueue},
    message::Body,
    parts::PartObjects,
    ports::{ApiKey, Clock, Role, Written},
    record::variant_key,
    signing::Signer,
};
use imaging::{Channels, Format, Header, Limits, Orientation, Presets};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use super::{
    client::{Reply, Request},
    schema::Description,
};

/// What differs from test to test.
pub(crate) struct Options {
    pub(crate) access: Access,
    pub(crate) cors: Cors,
    pub(crate) object_origins: Vec<HeaderValue>,
    pub(crate) pace: Pace,
    pub(crate) events: Events,
    pub(crate) requests: Requests,
    pub(crate) closing: bool,
    pub(crate) room: u64,
    /// Bytes of the largest upload.
    pub(crate) upload: u64,
    pub(crate) catalog: Option<Arc<dyn Catalog>>,
    pub(crate) objects: Option<fn(Signer) -> Arc<dyn Objects>>,
    pub(crate) outbox: Option<Arc<dyn Outbox>>,
    /// What clients reach it by; otherwise its address.
    pub(crate) public_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::Loopback,
            cors: Cors::None,
            object_origins: Vec::new(),
            pace: Pace { idle: Duration::from_secs(10), ..Pace::default() },
            events: Events {
                poll: Duration::from_millis(5),
                poll_most: Duration::from_millis(20),
                heartbeat: Duration::from_secs(10),
                life: Duration::from_secs(20),
                ..Events::default()
            },
            requests: Requests { poll: Duration::from_millis(5), ..Requests::default() },
            closing: false,
            room: u64::MAX,
            upload: Settings::default().limits.bytes,
            catalog: None,
            objects: None,
            outbox: None,
            public_url: None,
        }
    }
}

/// A running API and all that it stands on.
pub(crate) struct Server {
    runtime: Runtime,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) objects: Arc<MemoryObjects>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) keyring: Arc<MemoryKeyring>,
    pub(crate) signer: Signer,
    offers: Arc<Mutex<Arc<Offers>>>,
    description: Description,
}

struct Steady;

#[async_trait]
impl Vitals for Steady {
    async fn render(&self) -> String {
        "# TYPE darkroom_test_beats_total counter\ndarkroom_test_beats_total 7\n".to_owned()
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with_keys() -> Self {
        Self::with(Options { access: Access::Keys, ..Options::default() })
    }

    pub(crate) fn with(options: Options) -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let public_url = options.public_url.unwrap_or_else(|| format!("http://{address}"));
        let signer = Signer::new(*b"a secret of thirty-two bytes, so", &public_url);
        let clock = Arc::new(ManualClock::at("2026-11-23T08:00:00.123456Z".parse().unwrap()));
        let objects = Arc::new(MemoryObjects::new(signer.clone()).with_room(options.room));
        let queue = Arc::new(MemoryQueue::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let catalog = options.catalog.unwrap_or_else(|| Arc::new(MemoryCatalog::new()));
        let keyring = Arc::new(MemoryKeyring::new());
        let offers = Arc::new(Mutex::new(Arc::new(Offers::from(Presets::built_in()))));
        let stored: Arc<dyn Objects> = match options.objects {
            Some(other) => other(signer.clone()),
            None => Arc::clone(&objects) as _,
        };
        let router = api::router(Api {
            parts: Arc::new(PartObjects::new(Arc::clone(&stored))),
            objects: stored,
            catalog: Arc::clone(&catalog),
            outbox: options.outbox.unwrap_or_else(|| Arc::clone(&queue) as _),
            letters: Arc::clone(&queue) as _,
            keyring: Arc::clone(&keyring) as _,
            clock: Arc::clone(&clock) as _,
            signer: signer.clone(),
            offers: Arc::new({
                let offers = Arc::clone(&offers);
                move || Arc::clone(&offers.lock().unwrap())
            }),
            closing: Arc::new(move || options.closing),
            settings: Settings {
                limits: Limits { bytes: options.upload, ..Limits::default() },
                access: options.access,
                cors: options.cors,
                object_origins: options.object_origins,
                pace: options.pace,
                events: options.events,
                requests: options.requests,
                ..Settings::default()
            },
            vitals: Arc::new(Steady),
        });
        runtime.spawn(async move { axum::serve(listener, router).await });
        let document = Request::get("/openapi.json").header("Host", "localhost").send(address);
        let description = Description::of(document.ok(200));
        Self {
            runtime,
            address,
            clock,
            objects,
            catalog,
            queue,
            keyring,
            signer,
            offers,
            description,
        }
    }

    /// Other presets come into force.
    pub(crate) fn offer(&self, presets: &str) {
        *self.offers.lock().unwrap() = Arc::new(Offers::from(&Presets::parse(presets).unwrap()));
    }

    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Sends a request and holds the answer against the description.
    #[track_caller]
    pub(crate) fn call(&self, request: &Request) -> Reply {
        let reply = request.send(self.address);
        self.description.hold(&request.method, &request.target, &reply);
        reply
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Reply {
        self.call(&Request::get(target))
    }

    /// A URL of this server without scheme and host.
    pub(crate) fn path(&self, url: &Value) -> String {
        let url = url.as_str().unwrap();
        let path = url.strip_prefix(self.signer.public_url());
        path.unwrap_or_else(|| panic!("{url} is not of this server")).to_owned()
    }

    /// Makes a key for a tenant; answers its secret.
    pub(crate) fn key(&self, tenant: &str) -> String {
        self.key_as(tenant, Role::Tenant)
    }

    pub(crate) fn key_as(&self, tenant: &str, role: Role) -> String {
        let secret = format!("dk_{tenant}_{role:?}_secret");
        let id = match role {
            Role::Tenant => format!("key-{tenant}"),
            Role::Operator => format!("operator-{tenant}"),
        };
        let key = ApiKey {
            id,
            tenant: tenant.parse().unwrap(),
            role,
            label: tenant.to_owned(),
            created_at: self.clock.now(),
            revoked_at: None,
        };
        self.run(self.keyring.add(&key, Sha256::of(secret.as_bytes()))).unwrap();
        secret
    }

    /// Creates an upload by the API.
    pub(crate) fn create(&self, body: &Value) -> Created {
        self.create_as(None, body)
    }

    pub(crate) fn create_as(&self, secret: Option<&str>, body: &Value) -> Created {
        let mut request = Request::new("POST", "/v1/uploads").json(body);
        if let Some(secret) = secret {
            request = request.key(secret);
        }
        let body = self.call(&request).ok(201);
        let id = body["image_id"].as_str().unwrap().parse().unwrap();
        Created { id, target: self.path(&body["upload"]["url"]), body }
    }

    /// Creates the upload of a JPEG that was never sent.
    pub(crate) fn image(&self) -> ImageId {
        self.create(&jpeg(1000)).id
    }

    /// What waits in the queue of a stage, without taking it.
    pub(crate) fn waiting(&self, stage: StageName) -> Vec<Message> {
        let lent = self.run(self.queue.receive(stage, 100, Duration::ZERO)).unwrap();
        lent.into_iter().map(|delivery| delivery.message).collect()
    }

    pub(crate) fn holds(&self, key: &Key) -> bool {
        self.run(self.objects.head(key)).is_ok()
    }

    pub(crate) fn accept(&self, id: ImageId) {
        let now = self.clock.now();
        self.run(self.catalog.accept(id, &source(), now)).unwrap();
    }

    /// Writes down which pieces an accepted image awaits.
    pub(crate) fn expect(&self, id: ImageId, names: &[&str]) {
        let now = self.clock.now();
        let pieces = names.iter().map(|name| piece(name)).collect();
        let expectation = self.catalog.expect(id, &pieces, Purpose::Spread, now, now);
        assert!(matches!(self.run(expectation).unwrap(), Expectation::Send(_)));
    }

    pub(crate) fn record(&self, id: ImageId, name: &str, outcome: Outcome) -> Progress {
        let now = self.clock.now();
        self.run(self.catalog.record(id, &[(piece(name), outcome)], now)).unwrap()
    }

    /// Makes a variant: its object and its entry.
    pub(crate) fn make(&self, id: ImageId, name: &str, bytes: &[u8]) -> Progress {
        let image = self.run(self.catalog.image(id)).unwrap();
        let key = variant_key(&image, &piece(name));
        let bytes = Bytes::copy_from_slice(bytes);
        let sha256 = Sha256::of(&bytes);
        let length = bytes.len() as u64;
        assert_eq!(self.run(self.objects.write_if_absent(&key, bytes)).unwrap(), Written::Created);
        let format = name.split_once('.').and_then(|(_, ext)| Format::from_name(ext));
        let format = format.unwrap_or(Format::Jpeg);
        let made = Made { format, width: 200, height: 150, bytes: length, sha256 };
        self.record(id, name, Outcome::Made(made))
    }

    pub(crate) fn flip(&self, id: ImageId) {
        let revision = self.run(self.catalog.image(id)).unwrap().work.revision();
        let now = self.clock.now();
        assert!(matches!(self.run(self.catalog.flip(id, &revision, now)).unwrap(), Flip::Now(_)));
    }

    /// Takes an image from its upload to ready, with these variants.
    pub(crate) fn finish(&self, id: ImageId, variants: &[(&str, &[u8])]) {
        self.accept(id);
        let names: Vec<_> = variants.iter().map(|(name, _)| *name).collect();
        self.expect(id, &names);
        for (name, bytes) in variants {
            self.make(id, name, bytes);
        }
        self.flip(id);
    }

    /// The path of a variant's bytes.
    pub(crate) fn variant(&self, id: ImageId, name: &str) -> String {
        let image = self.run(self.catalog.image(id)).unwrap();
        format!("/{}", variant_key(&image, &piece(name)).path())
    }

    /// Gives up the work on a piece of an image; answers the letter's name.
    pub(crate) fn bury(&self, id: ImageId, name: &str) -> String {
        let body = Body::Describe { image: id, piece: piece(name) };
        self.bury_message(&body.into())
    }

    pub(crate) fn bury_message(&self, message: &Message) -> String {
        let reason = Problem::new(Code::Crashed, "the worker was lost at each of 3 attempts");
        self.run(self.queue.bury(message, &reason)).unwrap();
        domain::ports::DeadLetter::name(message)
    }
}

impl Drop for Server {
    /// Requests that are still open have nobody to wait for them.
    fn drop(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        std::mem::replace(&mut self.runtime, runtime).shutdown_background();
    }
}

/// An upload as the API created it.
pub(crate) struct Created {
    pub(crate) id: ImageId,
    /// The upload URL without scheme and host.
    pub(crate) target: String,
    pub(crate) body: Value,
}

impl Created {
    pub(crate) fn key(&self) -> Key {
        Key::Upload { image: self.id }
    }

    /// The PUT that the URL was made for.
    pub(crate) fn put(&self, bytes: &[u8]) -> Request {
        let headers = self.body["upload"]["headers"].as_object().unwrap();
        let request = Request::new("PUT", &self.target).body(bytes);
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value.as_str().unwrap()))
    }
}

/// The body of a plain creation.
pub(crate) fn jpeg(length: usize) -> Value {
    json!({ "content_length": length, "content_type": "image/jpeg" })
}

pub(crate) fn private() -> Value {
    json!({ "content_length": 1000, "content_type": "image/jpeg", "visibility": "private" })
}

pub(crate) fn piece(name: &str) -> PieceId {
    PieceId { name: name.to_owned(), revision: Revision::short(Sha256::of(name.as_bytes())) }
}

pub(crate) fn public_key(id: ImageId, name: &str) -> Key {
    let PieceId { name, revision } = piece(name);
    Key::Variant { image: id, revision, file: name, visibility: Visibility::Public }
}

pub(crate) fn source() -> Source {
    Source {
        header: Header {
            format: Format::Jpeg,
            width: 4032,
            height: 3024,
            orientation: Orientation::Turned90,
            frames: 1,
            channels: Channels::Rgb,
            depth: 8,
            progressive: false,
        },
        bytes: 1000,
        sha256: Sha256::of(b"source"),
    }
}

pub(crate) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}
