//! The Lambda loop of each function: what every file of `bin/` calls.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use jiff::Timestamp;
use lambda_http::RequestExt as _;
use lambda_runtime::{Error, LambdaEvent, service_fn};

use crate::{
    events::{Answer, Batch},
    function::Function,
    home::{Handler, Home},
    logging,
    settings::Settings,
    trace,
    vitals::NoVitals,
};

/// Opens the home as the environment says, or says what is wrong with it.
pub async fn home() -> Result<Arc<Home>> {
    let settings = Settings::from_env()?;
    logging::start(&settings.log);
    Ok(Arc::new(Home::open(settings).await))
}

/// Runs the function of a stage until Lambda ends it.
pub async fn stage(own: Handler, hosted: &[Handler]) -> Result<()> {
    let function = Function::new(home().await?, own, hosted).await;
    let function = Arc::new(function.map_err(|why| anyhow!(why)).context("the presets")?);
    let handle = |event: LambdaEvent<Batch>| {
        let function = Arc::clone(&function);
        async move {
            let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
            let deadline = Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX);
            Ok::<Answer, Error>(function.handle(event.payload, deadline).await)
        }
    };
    lambda_runtime::run(service_fn(handle)).await.map_err(|error| anyhow!(error))
}

/// Runs the API until Lambda ends it.
pub async fn api() -> Result<()> {
    let home = home().await?;
    let router = router(&home).await?.layer(middleware::from_fn(traced));
    lambda_http::run(router).await.map_err(|error| anyhow!(error))
}

/// What a request sends belongs to the trace of its invocation, unless it is about an image.
async fn traced(request: Request, next: Next) -> Response {
    let trace = request.lambda_context_ref().and_then(|context| context.xray_trace_id.clone());
    trace::within(trace, next.run(request)).await
}

/// The API over the ports of this home.
pub async fn router(home: &Arc<Home>) -> Result<Router> {
    let presets = home.presets().await.map_err(|why| anyhow!(why)).context("the presets")?;
    let settings = &home.settings;
    let (live, objects) = (Arc::clone(&presets), Arc::clone(&home.objects));
    let router = api::router(api::Api {
        objects: home.objects.clone(),
        parts: home.objects.clone(),
        catalog: home.catalog.clone(),
        outbox: home.queues.clone(),
        letters: home.letters.clone(),
        keyring: home.keyring.clone(),
        clock: Arc::clone(&home.clock),
        signer: domain::signing::Signer::new(settings.secret.as_bytes(), &settings.public_url),
        offers: Arc::new(move || presets.offers()),
        // A function is not told that it is about to end.
        closing: Arc::new(|| false),
        settings: api::Settings {
            limits: settings.limits.clone(),
            access: api::Access::Keys,
            cors: settings.cors.clone(),
            object_origins: settings
                .object_origins
                .iter()
                .filter_map(|it| it.parse().ok())
                .collect(),
            requests: api::Requests { patience: settings.visibility, ..api::Requests::default() },
            store_announces: true,
            ..api::Settings::default()
        },
        vitals: Arc::new(NoVitals),
    });
    // A function runs only while it is asked, so whoever asks looks after the presets.
    Ok(router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let (live, objects) = (Arc::clone(&live), Arc::clone(&objects));
        async move {
            live.refresh(&*objects).await;
            next.run(request).await
        }
    })))
}
