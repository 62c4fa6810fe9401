//! `DELETE /v1/images/{id}`: an image is erased, for good.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use domain::{ImageId, Key, stage};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, auth::Caller, images::owned, params::Id, problem::Refusal};

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names that clients read")]
pub(crate) struct Erased {
    image_id: ImageId,
    /// When it was erased: at the first request for it.
    erased_at: Timestamp,
    /// The keys of the objects that are being removed.
    removed: Vec<String>,
}

/// Erases an image
///
/// A tombstone is written at once, from which no late work can bring the image back; its objects
/// are removed right after, or, where the server was stopped in between, by its sweeper. The request
/// can be repeated.
#[utoipa::path(
    delete, path = "/v1/images/{id}", tag = "images", operation_id = "eraseImage",
    params(("id" = ImageId, Path, description = "Which image")),
    responses((status = 202, body = Erased)),
)]
pub(crate) async fn erase(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<(StatusCode, Json<Erased>), Refusal> {
    owned(&app, &caller, id).await?;
    let now = app.api.clock.now();
    let (catalog, objects, outbox) = (&*app.api.catalog, &*app.api.objects, &*app.api.outbox);
    let (tombstone, keys) = stage::erase(catalog, objects, outbox, id, now).await?;
    let erased_at = tombstone.erased_at.unwrap_or(now);
    let removed = keys.iter().map(Key::path).collect();
    Ok((StatusCode::ACCEPTED, Json(Erased { image_id: id, erased_at, removed })))
}
