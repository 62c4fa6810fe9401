//! Uploads that come by parts: their URLs, their bytes where the home takes them itself, and their end.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{
    Code, Image, ImageId, Key, Status,
    parts::{CompleteError, Cut, Sent},
    ports::Exactly,
    signing::{PutRequest, Signed},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::Instrument as _;
use utoipa::ToSchema;

use crate::{
    App,
    auth::Caller,
    body::{self, Intake},
    images::owned,
    openapi::Raw,
    params::{Id, PartName, unknown_image},
    problem::{FieldError, Refusal},
    receive::{self, UrlParams},
};

/// Longer than any store's.
const ETAG_MOST: usize = 256;

/// The requests that bring the bytes, in any order and at the same time, and the one that ends them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartsUpload)]
pub(crate) struct Ticket {
    parts: Vec<TicketPart>,
    /// Bytes of each part; the last one may have fewer.
    part_size: u64,
    /// Where to say, as `{"parts": [{"number", "etag"}]}`, that all have been sent.
    #[schema(format = "uri")]
    complete_url: String,
    /// When the URLs of the parts end. `POST /v1/uploads/{id}/parts` gives others, for a day.
    expires_at: Timestamp,
}

/// A `PUT` that brings one part. The answer's `ETag` is needed at the end.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadPart)]
pub(crate) struct TicketPart {
    /// From 1.
    number: u16,
    #[schema(format = "uri")]
    url: String,
    /// What the client has to set itself, exactly so. Every client sets Content-Length.
    headers: BTreeMap<String, String>,
    /// Where the part begins in the file.
    offset: u64,
    /// Its bytes.
    length: u64,
}

/// What was sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CompletedUpload)]
pub(crate) struct Completed {
    /// Every part, once, in any order.
    parts: Vec<CompletedPart>,
}

/// A part as it was answered for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompletedPart {
    /// From 1.
    number: u16,
    /// The `ETag` of the answer, with or without its quotes.
    #[schema(min_length = 1, max_length = 256)]
    etag: String,
}

/// An image whose bytes have come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TakenUpload)]
pub(crate) struct Taken {
    image_id: ImageId,
}

/// URLs for all parts of an upload, where parts may still come.
pub(crate) async fn ticket(app: &App, image: &Image, cut: Cut) -> Result<Ticket, Refusal> {
    still_open(app, image)?;
    let (parts, key) = (&app.api.parts, Key::Upload { image: image.id });
    let upload = parts.begin(&key, &image.announced.content_type).await?;
    let end = app.api.clock.now().checked_add(app.api.settings.upload_lifetime);
    let end = end.map_err(Refusal::internal)?.min(image.expires_at);
    let expires_at = Timestamp::from_second(end.as_second()).map_err(Refusal::internal)?;
    let mut urls = Vec::new();
    for part in cut.parts() {
        let Signed { url, headers, .. } = parts.presign(&key, &upload, part, expires_at).await?;
        let headers = headers.into_iter().collect();
        let (number, offset, length) = (part.number, part.offset, part.length);
        urls.push(TicketPart { number, url, headers, offset, length });
    }
    let complete_url = format!("{}/v1/uploads/{}/complete", app.api.signer.public_url(), image.id);
    Ok(Ticket { parts: urls, part_size: cut.size, complete_url, expires_at })
}

/// Signs the parts of an upload again
///
/// URLs of parts end sooner than the upload, which waits for a day. Parts that have come need not be
/// sent again.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/parts", tag = "uploads", operation_id = "signParts",
    params(("id" = ImageId, Path, description = "Which image")),
    responses((status = 200, body = Ticket)),
)]
pub(crate) async fn sign(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Ticket>, Refusal> {
    let image = owned(&app, &caller, id).await?;
    let cut = cut(&image)?;
    Ok(Json(ticket(&app, &image, cut).await?))
}

/// Completes an upload by parts
///
/// Every part has to have come, and is named by its `ETag`. The answer comes when the parts are one
/// object; the request can be repeated.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/complete", tag = "uploads", operation_id = "completeUpload",
    params(("id" = ImageId, Path, description = "Which image")),
    request_body = Completed,
    responses((status = 202, body = Taken)),
)]
pub(crate) async fn complete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    body: Body,
) -> Result<Response, Refusal> {
    let body = body::object(body, app.api.settings.pace).await?;
    let image = owned(&app, &caller, id).await?;
    let cut = cut(&image)?;
    let sent = sent(body, cut)?;
    if is_here(&image) {
        // It was completed before.
        return Ok(taken(id));
    }
    still_open(&app, &image)?;
    // On its own feet, like an upload as a whole.
    let joined = async move { join(&app, id, &sent, cut).await };
    tokio::spawn(joined.in_current_span()).await.map_err(Refusal::internal)?
}

async fn join(app: &App, id: ImageId, sent: &[Sent], cut: Cut) -> Result<Response, Refusal> {
    let key = Key::Upload { image: id };
    match app.api.parts.complete(&key, sent, cut.length).await {
        Ok(_) => {}
        // Another request like this one was faster.
        Err(_) if app.api.objects.head(&key).await.is_ok() => {}
        Err(CompleteError::Parts(why)) => return Err(Refusal::new(Code::PartsMismatch, why)),
        Err(CompleteError::Store(error)) => return Err(error.into()),
    }
    let image = app.api.catalog.image(id).await?;
    if image.status == Status::Erased {
        app.api.objects.delete(&key).await?;
        return Err(receive::erased(&image));
    }
    if !app.api.settings.store_announces {
        receive::announce(app, &key).await?;
    }
    Ok(taken(id))
}

fn taken(image_id: ImageId) -> Response {
    (StatusCode::ACCEPTED, Json(Taken { image_id })).into_response()
}

fn cut(image: &Image) -> Result<Cut, Refusal> {
    // It says no more how long it was.
    if image.status == Status::Erased {
        return Err(receive::erased(image));
    }
    let by_parts = Cut::of(image.announced.content_length);
    by_parts.ok_or_else(|| {
        let detail = format!(
            "image {} was announced with {} bytes, which are sent to one URL",
            image.id, image.announced.content_length
        );
        Refusal::new(Code::NotByParts, detail)
    })
}

fn is_here(image: &Image) -> bool {
    match image.status {
        Status::Processing | Status::Ready | Status::Failed | Status::Rejected => true,
        Status::Pending | Status::Expired | Status::Erased => false,
    }
}

/// Whether parts may still come.
fn still_open(app: &App, image: &Image) -> Result<(), Refusal> {
    match image.status {
        Status::Pending if app.api.clock.now() < image.expires_at => Ok(()),
        Status::Pending | Status::Expired => {
            let detail = format!("the upload ended at {}: create another", image.expires_at);
            Err(Refusal::new(Code::UrlExpired, detail))
        }
        Status::Erased => Err(receive::erased(image)),
        Status::Processing | Status::Ready | Status::Failed | Status::Rejected => {
            let id = image.id;
            let detail = format!("the bytes of image {id} are here already: nothing is to be sent");
            Err(Refusal::new(Code::AlreadyUploaded, detail))
        }
    }
}

/// What a client says of its parts: each number once.
fn sent(body: Map<String, Value>, cut: Cut) -> Result<Vec<Sent>, Refusal> {
    let wrong = |detail: String| Refusal::from(FieldError::new("parts", detail));
    let body: Completed = serde_json::from_value(Value::Object(body)).map_err(|error| {
        wrong(format!("must list all parts, each as {{\"number\": 1, \"etag\": \"…\"}}: {error}"))
    })?;
    let count = cut.parts().count();
    let mut named = BTreeMap::new();
    for CompletedPart { number, etag } in body.parts {
        if !(1..=count).contains(&usize::from(number)) {
            return Err(wrong(format!("there is no part {number}: they go from 1 to {count}")));
        }
        if !(1..=ETAG_MOST).contains(&etag.len()) {
            return Err(wrong(format!("part {number} has an ETag of {} bytes", etag.len())));
        }
        if named.insert(number, etag).is_some() {
            return Err(wrong(format!("part {number} is named twice")));
        }
    }
    if let Some(part) = cut.parts().find(|part| !named.contains_key(&part.number)) {
        return Err(wrong(format!("part {} of {count} is not named", part.number)));
    }
    Ok(named.into_iter().map(|(number, etag)| Sent { number, etag }).collect())
}

/// Takes a part of an upload
///
/// The URL of one part. It can be used again; the last bytes count.
#[utoipa::path(
    put, path = "/u/{id}/{number}", tag = "uploads", operation_id = "putPart",
    params(
        ("id" = ImageId, Path, description = "Which image"),
        ("number" = String, Path, description = "Which part, in five digits"),
        ("expires" = i64, Query, description = "Unix seconds; as signed"),
        ("length" = u64, Query, description = "Bytes; as signed"),
        ("signature" = String, Query, description = "Over all that the URL allows"),
        ("Content-Type" = String, Header, description = "As signed"),
    ),
    request_body(content = Raw, content_type = "application/octet-stream"),
    responses((status = 200, description = "The part is there", headers(("ETag" = String)))),
)]
pub(crate) async fn receive(
    State(app): State<Arc<App>>,
    PartName(key): PartName,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let asked = headers.contains_key(header::EXPECT);
    let intake = Intake::new(body, app.api.settings.pace);
    match admit(&app, &key, &uri, &headers).await {
        Ok((image, part)) => {
            let upload = Key::Upload { image: image.id };
            let begun = app.api.parts.begin(&upload, &image.announced.content_type).await?;
            let etag = app.api.parts.write(&upload, &begun, part, intake.stream()).await;
            intake.drain().await;
            let exactly = Exactly { size: part.length, sha256: None };
            let etag =
                etag.map_err(|error| receive::unwritten(&exactly, error, intake.complaint()))?;
            let etag: HeaderValue = crate::delivery::etag(&etag)?;
            Ok((StatusCode::OK, [(header::ETAG, etag)]).into_response())
        }
        Err(refusal) => {
            if !asked {
                intake.drain().await;
            }
            Err(refusal)
        }
    }
}

/// Whether this request is one that a URL was made for, and of which part.
async fn admit(
    app: &App,
    key: &Key,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(Image, domain::parts::Part), Refusal> {
    let UrlParams { expires, length, signature } = UrlParams::of(uri)?;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let request = PutRequest {
        signed_length: length,
        expires,
        signature: &signature,
        content_length: receive::content_length(headers)?,
        content_type: content_type.unwrap_or(""),
        checksum: None,
    };
    app.api.signer.allows_put(key, &request, app.api.clock.now())?;
    let Key::Part { image, number } = key else { return Err(unknown_image(key)) };
    let image = image_of(app, *image).await?;
    let part = cut(&image)?.parts().find(|part| part.number == *number);
    let part = part.ok_or_else(|| unknown_image(key))?;
    still_open(app, &image)?;
    Ok((image, part))
}

/// The image of a URL that was signed: the signature is the proof of being allowed to.
async fn image_of(app: &App, id: ImageId) -> Result<Image, Refusal> {
    match app.api.catalog.image(id).await {
        Err(domain::StoreError::Missing(_)) => Err(unknown_image(id)),
        image => Ok(image?),
    }
}
