//! `GET /v1/images/{id}/trace`: an image's life, as far as its entry in the catalog tells it.

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{ImageId, trace::Trace};

use crate::{App, auth::Caller, images::owned, params::Id, problem::Refusal};

/// Answers an image's life
///
/// What happened to it and when, in order; moments that are not kept are left out. Work that was given up
/// is among the dead letters.
#[utoipa::path(
    get, path = "/v1/images/{id}/trace", tag = "images", operation_id = "traceImage",
    params(("id" = ImageId, Path, description = "Which image")),
    responses((status = 200, body = Trace)),
)]
pub(crate) async fn trace(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Trace>, Refusal> {
    Ok(Json(Trace::of(&owned(&app, &caller, id).await?)))
}
