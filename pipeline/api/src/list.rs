//! `GET /v1/images`: images by state and time.

use std::sync::Arc;

use axum::{Json, extract::State, http::Uri};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Status, query::Filter, record::Record, signing::Signer};
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

/// Characters of a mark.
const MARK: usize = 64;

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
    let cursors = Cursors::of(&app, &caller, "images");
    let (limit, cursor) = (limit(&params)?, cursors.read(&params)?);
    let page = app.api.catalog.search(&filter, cursor.as_deref(), limit).await?;
    let mut images = Vec::with_capacity(page.items.len());
    for image in &page.items {
        images.push(record(&app, image).await?);
    }
    Ok(Json(ImagePage {
        images,
        next_cursor: page.next.as_deref().map(|next| cursors.write(next)),
    }))
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

/// Positions in a list, as clients carry them: marked, so that the catalog is only ever given its
/// own, and bound to the list and its tenant, so that one of another's is none.
pub(crate) struct Cursors<'a> {
    signer: &'a Signer,
    purpose: String,
}

impl<'a> Cursors<'a> {
    /// Those of one list of the caller's.
    pub(crate) fn of(app: &'a App, caller: &Caller, list: &str) -> Self {
        Self { signer: &app.api.signer, purpose: format!("{list} of {}", caller.tenant()) }
    }

    /// The form for clients.
    pub(crate) fn write(&self, position: &str) -> String {
        let mark = self.signer.mark(&self.purpose, position);
        URL_SAFE_NO_PAD.encode(format!("{mark}{position}"))
    }

    /// The position that a client brought back.
    pub(crate) fn read(&self, params: &Params) -> Result<Option<String>, FieldError> {
        let Some(text) = params.text("cursor") else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let position = cursor.as_deref().and_then(|cursor| {
            let (mark, position) = cursor.split_at_checked(MARK)?;
            self.signer.is_marked(&self.purpose, position, mark).then(|| position.to_owned())
        });
        let detail = "is not a cursor of this list: give `next_cursor` as it was answered";
        position.map(Some).ok_or_else(|| FieldError::new("cursor", detail))
    }
}
