//! What happens around every request: an id, a log line, a count, and refusals written down.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use jiff::Timestamp;
use tracing::Instrument as _;

use crate::{App, problem::Refusal};

/// Carries the request's id, both ways.
pub(crate) const ID_HEADER: &str = "x-request-id";

/// Gives the request its id, hands it on, writes down a refusal, counts and logs.
pub(crate) async fn answer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = app.api.clock.now();
    let id = id(&request, start);
    let method = request.method().clone();
    // Without the query: it may carry a signature.
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = tracing::info_span!("request", id, %method, path);

    let mut response = next.run(request).instrument(span.clone()).await;

    let took = app.api.clock.now().duration_since(start).as_secs_f64().max(0.0);
    let status = response.status().as_u16();
    app.traffic.count(&method, route, status, took);
    let refusal = response.extensions_mut().remove::<Arc<Refusal>>();
    span.in_scope(|| log(status, took * 1000.0, refusal.as_deref()));
    if let Some(refusal) = refusal {
        write_down(&mut response, &refusal, &id);
    }
    finish(&mut response, &id);
    response
}

/// One line a request. What went wrong on this side is told here and nowhere else.
fn log(status: u16, milliseconds: f64, refusal: Option<&Refusal>) {
    let Some(Refusal { problem, cause, .. }) = refusal else {
        tracing::info!(status, milliseconds, "answered");
        return;
    };
    let (code, detail) = (problem.code.as_str(), problem.detail.as_str());
    if let Some(cause) = cause {
        tracing::error!(status, milliseconds, code, cause, "could not answer");
    } else {
        tracing::info!(status, milliseconds, code, detail, "refused");
    }
}

/// The id that the client or a proxy gave, where it is a UUID; otherwise a new one.
fn id(request: &Request, now: Timestamp) -> String {
    let given = request.headers().get(ID_HEADER).and_then(|value| value.to_str().ok());
    if let Some(id) = given.and_then(|text| uuid::Uuid::try_parse(text).ok()) {
        return id.hyphenated().to_string();
    }
    let mut random = [0; 10];
    // Without random bytes the moment alone names the request: good enough for a log.
    let _ = getrandom::fill(&mut random);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().hyphenated().to_string()
}

fn write_down(response: &mut Response, refusal: &Refusal, id: &str) {
    // Plain data: nothing in it can fail to be written.
    let body = serde_json::to_vec(&refusal.details(id)).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = Body::from(body);
}

/// What is not said to be cacheable is not: records carry signed URLs.
fn finish(response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(ID_HEADER, id);
    }
}
