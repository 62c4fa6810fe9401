//! The web page at `/`, and its scripts, styles and pictures under `/assets/`: the files of
//! `web/dist`, compiled in.
//!
//! The page is a client like any other: it has no route of its own and no privilege, so it needs no
//! key itself and asks its visitor for one where the API does.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{Code, Sha256};

use crate::{
    App,
    delivery::{FOR_EVER, etag},
    openapi::Raw,
    problem::Refusal,
    ranges::{Answer, decide},
};

const PAGE: &[u8] = include_bytes!("../../../web/dist/index.html");

/// Names and bytes, as `build.rs` found them.
const ASSETS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Answers the page
///
/// To be asked for again each time: it names the assets of this version.
#[utoipa::path(
    get, path = "/", tag = "home", operation_id = "getPage",
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 304, description = "The client has it"),
    ),
)]
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut response =
        answer(PAGE, "text/html; charset=utf-8", HeaderValue::from_static("no-cache"), &headers)?;
    let policy = policy(&app.api.settings.object_origins)?;
    response.headers_mut().extend([
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]);
    Ok(response)
}

/// Answers a part of the page
///
/// Its name changes with its contents, so it is cached for ever.
#[utoipa::path(
    get, path = "/assets/{file}", tag = "home", operation_id = "getAsset",
    params(("file" = String, Path, description = "As the page names it")),
    responses(
        (status = 200, body = Raw, content_type = "*/*"),
        (status = 304, description = "The client has it"),
    ),
)]
pub(crate) async fn asset(
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = ASSETS.iter().find(|(name, _)| *name == file);
    let Some((name, bytes)) = found else {
        let detail = format!("this version of the page has no file {file:?}: load the page again");
        return Err(Refusal::new(Code::UnknownObject, detail));
    };
    answer(bytes, media_type(name), HeaderValue::from_static(FOR_EVER), &headers)
}

fn answer(
    bytes: &'static [u8],
    media_type: &'static str,
    caching: HeaderValue,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let tag = etag(&Sha256::of(bytes).to_string())?;
    let known = decide(headers, tag.to_str().unwrap_or_default(), bytes.len() as u64);
    let caching = [(header::ETAG, tag), (header::CACHE_CONTROL, caching)];
    if known == Answer::NotModified {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let media_type = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))];
    Ok((caching, media_type, Bytes::from_static(bytes)).into_response())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// What the page may do: run its own scripts, show its own styles, and reach this API and the
/// places where objects lie. No markup in it can become a script (`require-trusted-types-for`).
fn policy(object_origins: &[HeaderValue]) -> Result<HeaderValue, Refusal> {
    let origins: String =
        object_origins.iter().filter_map(|o| o.to_str().ok()).flat_map(|o| [" ", o]).collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{origins}; \
         connect-src 'self'{origins}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    HeaderValue::from_str(&policy).map_err(Refusal::internal)
}
