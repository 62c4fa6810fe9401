//! `DELETE /v1/images/{id}`: an image is erased, for good.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use domain::{ImageId, Key, StoreError, key::Prefix, message::Body};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, auth::Caller, images::owned, params::Id, problem::Refusal};

/// Keys that are asked for at a time.
const LIST_PAGE: usize = 1000;

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
/// are removed right after. The request can be repeated.
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
    let tombstone = app.api.catalog.erase(id, now).await?;
    let removed = objects_of(&app, id).await?;
    // Also when it was erased before: the first time, this message may not have been sent.
    app.api.outbox.send(&[Body::Erase { image: id, round: 0 }.into()]).await?;
    let erased_at = tombstone.erased_at.unwrap_or(now);
    Ok((StatusCode::ACCEPTED, Json(Erased { image_id: id, erased_at, removed })))
}

/// The keys of everything that an image has in the store.
async fn objects_of(app: &App, id: ImageId) -> Result<Vec<String>, Refusal> {
    let upload = Key::Upload { image: id };
    let mut found = match app.api.objects.head(&upload).await {
        Ok(_) => vec![upload.path()],
        Err(StoreError::Missing(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    for prefix in Prefix::of(id) {
        let mut cursor = None;
        loop {
            let page = app.api.objects.list(&prefix, cursor.as_deref(), LIST_PAGE).await?;
            found.extend(page.items.iter().map(Key::path));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(found)
}
