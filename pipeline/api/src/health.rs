//! Whether the home is well, and how it is doing.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use domain::{Code, ImageId, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, auth::Caller, problem::Refusal};

/// A home that answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
    /// Its version.
    version: &'static str,
}

/// Says whether the home can work
///
/// 200 where the catalog answers, otherwise a problem with 503.
#[utoipa::path(
    get, path = "/healthz", tag = "home", operation_id = "getHealth",
    responses((status = 200, body = Health)),
)]
pub(crate) async fn healthz(State(app): State<Arc<App>>) -> Result<Json<Health>, Refusal> {
    // No image has this id: to hear so is all that is wanted.
    match app.api.catalog.image(ImageId::mint(0, &[0; 10])).await {
        Ok(_) | Err(StoreError::Missing(_)) => {
            Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
        }
        Err(error) => Err(Refusal {
            cause: Some(error.to_string()),
            ..Refusal::new(Code::Busy, "the catalog does not answer").retry_after(1)
        }),
    }
}

/// Counts
///
/// Prometheus text. They are of all tenants, so where keys are asked for, an operator's is needed:
/// otherwise 403 `operator_required`.
#[utoipa::path(
    get, path = "/metrics", tag = "home", operation_id = "getMetrics",
    responses((status = 200, body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Response, Refusal> {
    if !caller.runs_the_home() {
        let detail = "these are the counts of the whole home; `darkroom keys create --operator` \
                      makes a key for them";
        return Err(Refusal::new(Code::OperatorRequired, detail));
    }
    let text = app.traffic.render() + &app.api.vitals.render().await;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
