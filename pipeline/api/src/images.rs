//! `GET /v1/images/{id}`: the record.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{Json, extract::State};
use domain::{Image, ImageId, Key, StoreError, Visibility, record::Record};
use jiff::Timestamp;

use crate::{
    App,
    auth::Caller,
    params::{Id, unknown_image},
    problem::Refusal,
};

/// Answers the record
///
/// Of an erased image the tombstone is left: its id, its times and its state.
#[utoipa::path(
    get, path = "/v1/images/{id}", tag = "images", operation_id = "getImage",
    params(("id" = ImageId, Path, description = "Which image")),
    responses((status = 200, body = Record)),
)]
pub(crate) async fn image(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Record>, Refusal> {
    Ok(Json(record(&app, &owned(&app, &caller, id).await?).await?))
}

/// An image of the caller. Other tenants' images are as unknown as those that never were.
pub(crate) async fn owned(app: &App, caller: &Caller, id: ImageId) -> Result<Image, Refusal> {
    match app.api.catalog.image(id).await {
        Ok(image) if caller.owns(&image) => Ok(image),
        Ok(_) | Err(StoreError::Missing(_)) => Err(unknown_image(id)),
        Err(error) => Err(error.into()),
    }
}

/// The record of an image, with URLs that work now.
pub(crate) async fn record(app: &App, image: &Image) -> Result<Record, Refusal> {
    // Which URLs a record has is the record's affair: it is asked once for their keys, and then
    // given what a store may need time to sign.
    let wanted = RefCell::new(BTreeSet::new());
    Record::of(image, &|key| {
        wanted.borrow_mut().insert(key.clone());
        None
    });
    let mut urls = BTreeMap::new();
    for key in wanted.into_inner() {
        let url = url(app, &key).await?;
        urls.insert(key, url);
    }
    Ok(Record::of(image, &|key| urls.get(key).cloned()))
}

/// Where clients fetch an object: public variants under their own URL for ever, everything else by
/// a signed one.
pub(crate) async fn url(app: &App, key: &Key) -> Result<String, Refusal> {
    if let Key::Variant { visibility: Visibility::Public, .. } = key {
        return Ok(app.api.signer.plain(key));
    }
    let end = app.api.clock.now().checked_add(app.api.settings.link_lifetime);
    let end: Timestamp = end.map_err(Refusal::internal)?;
    Ok(app.api.objects.presign_get(key, end).await?)
}
