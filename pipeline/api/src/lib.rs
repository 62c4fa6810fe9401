//! The HTTP API: one axum router over the ports, the same in both homes.
//!
//! Each room is a module: what a client sends in ([`uploads`], [`receive`], [`parts`]), what it asks about
//! ([`images`], [`list`], [`events`], [`trace`]), what it takes away ([`erase`], [`dead_letters`]) and what
//! anybody may fetch ([`delivery`], [`choice`], [`making`], [`page`]). In front of them stand, from the outside in: the
//! request's id, log line and count ([`request`]), the rules for other origins ([`settings::Cors`]),
//! the rule for host names ([`host`]), and the caller's key ([`auth`]).
//!
//! A refusal is a value ([`problem::Refusal`]) until it leaves: [`request`] alone writes it as
//! RFC 9457 problem details and logs it, once.
//!
//! *Architecture invariant:* no file, no socket, no queue: a home hands in its ports and serves the
//! router itself.

mod accept;
mod auth;
mod body;
mod choice;
mod dead_letters;
mod delivery;
mod erase;
mod events;
pub mod exposition;
mod health;
mod host;
mod images;
mod list;
mod making;
mod mint;
mod openapi;
mod page;
mod params;
mod parts;
mod problem;
mod ranges;
mod receive;
mod request;
mod settings;
mod terms;
mod trace;
mod traffic;
mod uploads;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{Router, middleware};
use domain::{
    Catalog, Clock, DeadLetters, Keyring, Objects, Offers, Outbox, Parts, signing::Signer,
};
use tokio::sync::Semaphore;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::mint::mint;
pub use self::settings::{Access, Cors, Events, Pace, Requests, Settings};
use self::traffic::Traffic;

/// What the API stands on. Handing it to [`router`] is all that a home has to do.
pub struct Api {
    /// Uploads, variants and metadata.
    pub objects: Arc<dyn Objects>,
    /// Uploads that come by parts.
    pub parts: Arc<dyn Parts>,
    /// Images.
    pub catalog: Arc<dyn Catalog>,
    /// Where what happened is sent to the stages.
    pub outbox: Arc<dyn Outbox>,
    /// What was given up.
    pub letters: Arc<dyn DeadLetters>,
    /// Who may do what.
    pub keyring: Arc<dyn Keyring>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Public URLs, and the proof that a signed one is ours.
    pub signer: Signer,
    /// What the presets of this moment offer on request.
    pub offers: OffersSource,
    /// Whether the home is about to stop: nobody is kept waiting then.
    pub closing: Arc<dyn Fn() -> bool + Send + Sync>,
    /// What a deployment decides.
    pub settings: Settings,
    /// How the home is doing.
    pub vitals: Arc<dyn Vitals>,
}

/// What may be asked for at this moment. Presets may change while a home runs.
pub type OffersSource = Arc<dyn Fn() -> Arc<Offers> + Send + Sync>;

/// **Vitals: the home's own counters, as they are at this moment.**
#[async_trait]
pub trait Vitals: Send + Sync {
    /// Whole families in the Prometheus text format (version 0.0.4), each ending in a newline. The
    /// API adds its own families, whose names begin with `darkroom_http_`, in front.
    async fn render(&self) -> String;
}

/// What every handler sees.
struct App {
    api: Api,
    traffic: Traffic,
    /// Places of streams of events.
    followers: Arc<Semaphore>,
    /// Places of those who wait for a variant.
    waiting: Semaphore,
    /// `/openapi.json`, written once: the routes do not change while the router lives.
    description: bytes::Bytes,
}

/// The whole API as one router.
///
/// It needs a Tokio runtime with time enabled. Connections, TLS, the number of requests at a time
/// and the size of request heads are the home's affair.
pub fn router(api: Api) -> Router {
    let (routes, description) = OpenApiRouter::with_openapi(openapi::preamble())
        .routes(routes!(page::page))
        .routes(routes!(page::asset))
        .routes(routes!(health::healthz))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::document))
        .routes(routes!(uploads::create))
        .routes(routes!(receive::upload))
        .routes(routes!(parts::sign))
        .routes(routes!(parts::complete))
        .routes(routes!(parts::receive))
        .routes(routes!(list::images))
        .routes(routes!(images::image, erase::erase))
        .routes(routes!(events::follow))
        .routes(routes!(trace::trace))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::letter))
        .routes(routes!(dead_letters::redrive))
        .routes(routes!(choice::choose))
        .routes(routes!(delivery::public))
        .routes(routes!(delivery::private))
        .routes(routes!(delivery::metadata))
        .split_for_parts();
    let cors = api.settings.cors.layer();
    let app = Arc::new(App {
        description: openapi::complete(description, api.signer.public_url()),
        traffic: Traffic::default(),
        followers: Arc::new(Semaphore::new(api.settings.events.streams)),
        waiting: Semaphore::new(api.settings.requests.waiting),
        api,
    });
    // The last layer is the outermost. A preflight is answered before the host is looked at: it
    // changes nothing and says nothing but the setting.
    let router = routes
        .fallback(problem::unknown_route)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), host::check));
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(middleware::from_fn_with_state(Arc::clone(&app), request::answer)).with_state(app)
}
