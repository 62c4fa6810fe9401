//! `GET /v/…`, `/p/…`, `/m/…`: the bytes of variants and metadata, where the home serves its own
//! objects. (In the cloud the CDN does it.)

use std::{ops::Range, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{Code, Key, Objects, Status, StoreError};
use futures::{StreamExt, stream};
use utoipa::IntoParams;

use crate::{
    App,
    openapi::Raw,
    params::{Params, unknown_image},
    problem::Refusal,
    ranges::{Answer, decide},
};

/// How much of an object is in memory at a time.
const CHUNK: u64 = 1024 * 1024;

/// Longer than any cache keeps: what lies under such a URL never changes.
pub(crate) const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Answers a public variant
///
/// With `ETag`, ranges and conditional requests, to be cached for ever.
#[utoipa::path(
    get, path = "/v/{id}/{revision}/{file}", tag = "delivery", operation_id = "getVariant",
    params(
        ("id" = domain::ImageId, Path, description = "Which image"),
        ("revision" = String, Path, description = "Which source, plan and engine it was made by"),
        ("file" = String, Path, description = "`small.webp`"),
    ),
    responses(
        (status = 200, body = Raw, content_type = "image/*"),
        (status = 206, body = Raw, content_type = "image/*", description = "The range that was asked for"),
        (status = 304, description = "The client has it"),
    ),
)]
pub(crate) async fn public(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    serve(&app, &key(&uri)?, &headers, HeaderValue::from_static(FOR_EVER)).await
}

/// Answers a private variant
///
/// By signed URL only, cached no longer than the URL is good for.
#[utoipa::path(
    get, path = "/p/{id}/{revision}/{file}", tag = "delivery", operation_id = "getPrivateVariant",
    params(
        ("id" = domain::ImageId, Path, description = "Which image"),
        ("revision" = String, Path, description = "Which source, plan and engine it was made by"),
        ("file" = String, Path, description = "`small.webp`"),
        Signed,
    ),
    responses(
        (status = 200, body = Raw, content_type = "image/*"),
        (status = 206, body = Raw, content_type = "image/*", description = "The range that was asked for"),
        (status = 304, description = "The client has it"),
    ),
)]
pub(crate) async fn private(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    signed(&app, &uri, &headers).await
}

/// Answers raw metadata
///
/// By signed URL only, of public images too: it may say where a picture was taken.
#[utoipa::path(
    get, path = "/m/{id}/{file}", tag = "delivery", operation_id = "getRawMetadata",
    params(
        ("id" = domain::ImageId, Path, description = "Which image"),
        ("file" = String, Path, description = "SHA-256 of the bytes in hex, and `.json`"),
        Signed,
    ),
    responses(
        (status = 200, body = Object, content_type = "application/json"),
        (status = 206, body = Raw, content_type = "application/json", description = "The range that was asked for"),
        (status = 304, description = "The client has it"),
    ),
)]
pub(crate) async fn metadata(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    signed(&app, &uri, &headers).await
}

/// What a signed URL brings along.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Signed {
    /// Unix seconds; as signed
    expires: i64,
    /// Over all that the URL allows
    signature: String,
}

impl Signed {
    fn of(uri: &Uri) -> Result<Self, Refusal> {
        let params = Params::of(uri, &["expires", "signature"])?;
        let (Ok(expires), Ok(signature)) = (
            params.required("expires", "Unix seconds"),
            params.required("signature", "a signature"),
        ) else {
            let detail = "this object is fetched by a signed URL: take it from the image's record";
            return Err(Refusal::new(Code::SignatureInvalid, detail));
        };
        Ok(Self { expires, signature })
    }
}

async fn signed(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Response, Refusal> {
    let (key, now) = (key(uri)?, app.api.clock.now());
    let Signed { expires, signature } = Signed::of(uri)?;
    app.api.signer.allows_get(&key, expires, &signature, now)?;
    let left = expires.saturating_sub(now.as_second()).max(0);
    let caching = HeaderValue::from_str(&format!("private, max-age={left}"));
    serve(app, &key, headers, caching.map_err(Refusal::internal)?).await
}

/// The key that a path spells. Keys have one spelling, without escapes.
fn key(uri: &Uri) -> Result<Key, Refusal> {
    let path = uri.path().trim_start_matches('/');
    Key::parse(path).map_err(|_| unknown_object(path))
}

fn unknown_object(key: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::UnknownObject, format!("there is no object {key}"))
}

async fn serve(
    app: &App,
    key: &Key,
    headers: &HeaderMap,
    caching: HeaderValue,
) -> Result<Response, Refusal> {
    living(app, key).await?;
    let meta = match app.api.objects.head(key).await {
        Err(StoreError::Missing(_)) => return Err(unknown_object(key)),
        meta => meta?,
    };
    let tag = etag(&meta.etag)?;
    let (status, range) = match decide(headers, tag.to_str().unwrap_or_default(), meta.size) {
        Answer::NotModified => {
            let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, caching)];
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        Answer::PreconditionFailed => {
            let detail = format!("the object has the ETag {tag:?}, not one of those in If-Match");
            return Err(Refusal::new(Code::PreconditionFailed, detail));
        }
        Answer::NotSatisfiable => return Err(not_satisfiable(meta.size)?),
        Answer::Whole => (StatusCode::OK, 0..meta.size),
        Answer::Part(first, end) => (StatusCode::PARTIAL_CONTENT, first..end),
    };
    let length = range.end - range.start;
    let fixed = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    let mut response = (
        status,
        [
            (header::ETAG, tag),
            (header::CACHE_CONTROL, caching),
            (header::CONTENT_LENGTH, HeaderValue::from(length)),
            fixed(header::CONTENT_TYPE, media_type(key)),
            fixed(header::ACCEPT_RANGES, "bytes"),
            // Whatever a client makes of the bytes: nothing in them runs, and any page may show them.
            fixed(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
            fixed(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        ],
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let value = format!("bytes {}-{}/{}", range.start, range.end - 1, meta.size);
        let value = HeaderValue::from_str(&value).map_err(Refusal::internal)?;
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    *response.body_mut() = body(&app.api.objects, key, range).await?;
    Ok(response)
}

/// An erased image is gone from the moment of its tombstone on, while its objects are still being
/// removed. (In the cloud the bucket knows no tombstone, so there it is gone a moment later.)
async fn living(app: &App, key: &Key) -> Result<(), Refusal> {
    let Some(id) = key.image() else { return Err(unknown_object(key)) };
    match app.api.catalog.image(id).await {
        Ok(image) if image.status == Status::Erased => {
            Err(Refusal::new(Code::Erased, format!("the image {id} was erased")))
        }
        Ok(_) => Ok(()),
        Err(StoreError::Missing(_)) => Err(unknown_image(id)),
        Err(error) => Err(error.into()),
    }
}

/// A store's tag as HTTP writes it. Stores differ in whether they bring the quotes along.
pub(crate) fn etag(tag: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(&format!("\"{}\"", tag.trim_matches('"'))).map_err(Refusal::internal)
}

fn not_satisfiable(size: u64) -> Result<Refusal, Refusal> {
    let refusal = Refusal::new(Code::RangeNotSatisfiable, format!("the object has {size} bytes"));
    let value = HeaderValue::from_str(&format!("bytes */{size}")).map_err(Refusal::internal)?;
    Ok(refusal.with(header::CONTENT_RANGE, value))
}

/// By the key, which we wrote ourselves: not by what the bytes look like.
fn media_type(key: &Key) -> &'static str {
    match key {
        Key::Metadata { .. } => "application/json",
        Key::Variant { file, .. } => {
            let extension = file.rsplit('.').next().unwrap_or_default();
            imaging::Format::from_name(extension)
                .map_or("application/octet-stream", imaging::Format::media_type)
        }
        Key::Upload { .. }
        | Key::Part { .. }
        | Key::Foreign { .. }
        | Key::Original { .. }
        | Key::Asset { .. } => "application/octet-stream",
    }
}

/// Bytes of an object. The first chunk is read before the answer begins, so that a store's failure
/// is still an answer; what is behind it comes as it is taken.
async fn body(objects: &Arc<dyn Objects>, key: &Key, range: Range<u64>) -> Result<Body, Refusal> {
    let first = objects.read_range(key, chunk(&range)).await?;
    let rest = range.start + first.len() as u64..range.end;
    if rest.is_empty() {
        return Ok(Body::from(first));
    }
    let (objects, key) = (Arc::clone(objects), key.clone());
    let rest = stream::try_unfold(rest, move |rest| {
        let (objects, key) = (Arc::clone(&objects), key.clone());
        async move {
            if rest.is_empty() {
                return Ok(None);
            }
            let bytes = objects.read_range(&key, chunk(&rest)).await?;
            if bytes.is_empty() {
                return Err(StoreError::Missing(key.to_string()));
            }
            let rest = rest.start + bytes.len() as u64..rest.end;
            Ok::<_, StoreError>(Some((bytes, rest)))
        }
    });
    Ok(Body::from_stream(stream::iter([Ok::<Bytes, StoreError>(first)]).chain(rest)))
}

fn chunk(range: &Range<u64>) -> Range<u64> {
    range.start..range.end.min(range.start.saturating_add(CHUNK))
}
