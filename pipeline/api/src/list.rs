//! `GET /v1/images`: images by state and time.

use std::sync::Arc;

use axum::{Json, extract::State, http::Uri};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Status, query::Filter, record::Record};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    auth::Caller,
    images::record,
    params::Params,
    problem::{FieldError, Refusal},
};

/// Items of a page where the caller names no number, and the most that it may name.
const PAGE: usize = 50;
const PAGE_MOST: usize = 100;

/// A page of records, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImagePage {
    images: Vec<Record>,
    /// What to give as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Lists images
///
/// The caller's own, the newest first, by state and time of creation.
#[utoipa::path(
    get, path = "/v1/images", tag = "images", operation_id = "listImages",
    params(
        ("status" = Option<Status>, Query, description = "In this state only"),
        ("after" = Option<Timestamp>, Query, description = "Created at this moment or later"),
        ("before" = Option<Timestamp>, Query, description = "Created before this moment"),
        ("limit" = Option<u8>, Query, description = "Images of a page: 1 to 100, otherwise 50"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, body = ImagePage)),
)]
pub(crate) async fn images(
    State(app): State<Arc<App>>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<ImagePage>, Refusal> {
    let params = Params::of(&uri, &["status", "after", "before", "limit", "cursor"])?;
    let moment = "an RFC 3339 moment such as 2026-11-23T08:00:00Z";
    let states = "a status: pending, processing, ready, failed, rejected, expired or erased";
    let filter = Filter {
        tenant: Some(caller.tenant()),
        status: params.optional("status", states)?,
        after: params.optional("after", moment)?,
        before: params.optional("before", moment)?,
    };
    let (limit, cursor) = (limit(&params)?, cursor(&params)?);
    let page = app.api.catalog.search(&filter, cursor.as_deref(), limit).await?;
    let mut images = Vec::with_capacity(page.items.len());
    for image in &page.items {
        images.push(record(&app, image).await?);
    }
    Ok(Json(ImagePage { images, next_cursor: page.next.as_deref().map(opaque) }))
}

/// How many items the caller wants at a time.
pub(crate) fn limit(params: &Params) -> Result<usize, FieldError> {
    let form = format!("a number from 1 to {PAGE_MOST}");
    let limit = params.optional("limit", &form)?.unwrap_or(PAGE);
    if (1..=PAGE_MOST).contains(&limit) {
        return Ok(limit);
    }
    Err(FieldError::new("limit", format!("{limit} is not {form}")))
}

/// A position as clients carry it. It is a place among the caller's own items and nothing else:
/// whose they are is decided by the key of each request, so a forged one finds nothing more.
pub(crate) fn opaque(cursor: &str) -> String {
    URL_SAFE_NO_PAD.encode(cursor)
}

/// The position that a client brought back.
pub(crate) fn cursor(params: &Params) -> Result<Option<String>, FieldError> {
    let Some(text) = params.text("cursor") else { return Ok(None) };
    let cursor = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let cursor = cursor.filter(|cursor| {
        (1..=512).contains(&cursor.len()) && cursor.bytes().all(|b| b.is_ascii_graphic())
    });
    let wrong = || {
        FieldError::new(
            "cursor",
            format!("{text:?} is not a cursor: give `next_cursor` as it was answered"),
        )
    };
    cursor.map(Some).ok_or_else(wrong)
}
