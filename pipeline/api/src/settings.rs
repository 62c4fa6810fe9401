//! What a deployment decides about the API.

use std::{num::NonZeroU64, str::FromStr, time::Duration};

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use domain::signing::CHECKSUM_HEADER;
use jiff::Timestamp;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// What a deployment decides. [`Settings::default`] is the cautious choice in every respect.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is refused before it is sent: the same limits that ingest applies to what came.
    pub limits: imaging::Limits,
    /// Who is let in.
    pub access: Access,
    /// Which web pages may use the API.
    pub cors: Cors,
    /// Where the page sends uploads and fetches variants, as origins, besides the API's own: in the
    /// cloud those of the bucket and the CDN.
    pub object_origins: Vec<HeaderValue>,
    /// How long an upload URL is good for.
    pub upload_lifetime: Duration,
    /// How long an upload by parts waits for them; their URLs are signed again meanwhile.
    pub parts_lifetime: Duration,
    /// Whether the store itself tells the pipeline what arrived, as a bucket with notifications does.
    pub store_announces: bool,
    /// How long the signed URL of a private object is good for.
    pub link_lifetime: Duration,
    /// How fast bodies have to come.
    pub pace: Pace,
    /// How images are followed.
    pub events: Events,
    /// How variants are waited for that are made when they are first asked for.
    pub requests: Requests,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: imaging::Limits::default(),
            access: Access::Keys,
            cors: Cors::None,
            object_origins: Vec::new(),
            upload_lifetime: domain::signing::UPLOAD_LIFETIME,
            parts_lifetime: Duration::from_hours(24),
            store_announces: false,
            link_lifetime: Duration::from_hours(1),
            pace: Pace::default(),
            events: Events::default(),
            requests: Requests::default(),
        }
    }
}

/// How fast a body has to come, so that nobody holds a connection and a file open for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long it may stand still.
    pub idle: Duration,
    /// Bytes a second that it has to come at, on average, after it might have stood still once.
    pub least: NonZeroU64,
}

impl Default for Pace {
    fn default() -> Self {
        // The slowest mobile networks still in use carry four times as much.
        Self { idle: Duration::from_secs(30), least: NonZeroU64::MIN.saturating_add(4095) }
    }
}

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever is on this machine, as the tenant `local`, without a key. Requests must be addressed
    /// to `localhost`, `127.0.0.1`, `[::1]` or the public URL's host, and those that change
    /// something must not come from a foreign web page: otherwise a page could reach the API under
    /// a name that it points at this machine (DNS rebinding). For servers on loopback only.
    Loopback,
    /// Whoever has an API key, as the key's tenant.
    Keys,
}

/// Which web pages, besides those of the API's own origin, may use the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// None.
    #[default]
    None,
    /// All.
    Any,
    /// Those of these origins, each as a browser sends it: `https://app.example`.
    Origins(Vec<HeaderValue>),
}

impl FromStr for Cors {
    type Err = String;

    /// Reads `none`, `*`, or origins with commas between them.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "none" | "" => Ok(Self::None),
            "*" => Ok(Self::Any),
            origins => origins.split(',').map(origin).collect::<Result<_, _>>().map(Self::Origins),
        }
    }
}

/// Scheme, host and port, and nothing else: what a browser sends as `Origin`.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "{text:?} is not an origin: give scheme, host and port as in https://app.example:8443, \
             several with commas between them, or * for all, or none"
        )
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let bare =
        uri.scheme_str().zip(uri.authority()).map(|(scheme, host)| format!("{scheme}://{host}"));
    if bare.as_deref() != Some(text) {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map_err(|_| wrong())
}

impl Cors {
    /// Whether a request that changes something may come from this origin.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Origins(origins) => origins.contains(origin),
        }
    }

    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        let layer = CorsLayer::new()
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static(CHECKSUM_HEADER),
                HeaderName::from_static("idempotency-key"),
                HeaderName::from_static("last-event-id"),
                header::RANGE,
            ])
            .expose_headers([
                header::ETAG,
                header::LOCATION,
                header::RETRY_AFTER,
                header::CONTENT_RANGE,
                HeaderName::from_static(crate::request::ID_HEADER),
            ])
            .max_age(Duration::from_hours(1));
        match self {
            Self::None => None,
            // The answer is the same for everybody, so no cache has to keep origins apart.
            Self::Any => Some(layer.allow_origin(AllowOrigin::any()).vary([])),
            Self::Origins(origins) => {
                let origins = AllowOrigin::list(origins.iter().cloned());
                Some(layer.allow_origin(origins).vary([header::ORIGIN]))
            }
        }
    }
}

/// How images are followed by `/v1/images/{id}/events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Events {
    /// How soon after a change the catalog is looked at again.
    pub poll: Duration,
    /// How long the pause between two looks may grow while nothing changes.
    pub poll_most: Duration,
    /// How often something is sent while nothing changes, so that nobody on the way hangs up.
    pub heartbeat: Duration,
    /// When the response ends by itself, for the client to resume: 25 s suit the cloud, whose
    /// gateway cuts responses off at 30 s.
    pub life: Duration,
    /// How many streams there may be at a time in one process.
    pub streams: usize,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(100),
            poll_most: Duration::from_secs(1),
            heartbeat: Duration::from_secs(10),
            life: Duration::from_secs(25),
            streams: 256,
        }
    }
}

/// How variants are waited for that are made when they are first asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// How long an answer waits: gateways cut responses off at 30 s.
    pub wait: Duration,
    /// How many answers may wait at a time in one process; others tell their clients to come again.
    pub waiting: usize,
    /// How soon the catalog is looked at again.
    pub poll: Duration,
    /// How long the pause between two looks may grow.
    pub poll_most: Duration,
    /// How long what was asked for is left its time before it is asked for again: the visibility
    /// time of the queues.
    pub patience: Duration,
    /// When this home began to run: what was asked for before may never have been sent.
    pub alive_since: Timestamp,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(15),
            waiting: 256,
            poll: Duration::from_millis(50),
            poll_most: Duration::from_millis(500),
            patience: Duration::from_mins(10),
            alive_since: Timestamp::MIN,
        }
    }
}

impl Requests {
    /// What was asked for at this moment or before is asked for again.
    pub(crate) fn horizon(&self, now: Timestamp) -> Timestamp {
        let patience = now.checked_sub(self.patience).unwrap_or(Timestamp::MIN);
        // A store may keep no more than microseconds.
        let last_life = self.alive_since.checked_sub(Duration::from_micros(1));
        patience.max(last_life.unwrap_or(Timestamp::MIN))
    }
}
