//! `POST /v1/uploads`: an image is written down, and its upload URL handed out.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Code, Image, ImageId, Key, Status,
    image::Announced,
    parts::Cut,
    ports::{Creation, Idempotency, UploadTerms},
    signing::Signed,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    auth::Caller,
    body,
    parts::{self, Ticket},
    problem::{FieldError, Refusal},
    terms::Terms,
};

/// The header that makes creation safe to repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A new image, waiting for its bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedUpload)]
pub(crate) struct Created {
    image_id: ImageId,
    /// Where its record is.
    #[schema(format = "uri")]
    image_url: String,
    upload: Upload,
}

/// How the bytes are sent: up to 100 MB at once, more by parts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Upload {
    Whole(Whole),
    Parts(Ticket),
}

/// The one request that brings the bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WholeUpload)]
pub(crate) struct Whole {
    /// The HTTP method: `PUT`.
    method: String,
    /// Creates the object and never overwrites one.
    #[schema(format = "uri")]
    url: String,
    /// What the client has to set itself, exactly so. Every client sets Content-Length.
    headers: BTreeMap<String, String>,
    /// When the URL ends.
    expires_at: Timestamp,
}

/// Creates an upload
///
/// Writes a pending image down and answers the URL to send its bytes to. With an `Idempotency-Key`
/// the request can be repeated: the same request gets the same image and URL, another request under
/// the same key is refused. A key is remembered for 24 hours.
#[utoipa::path(
    post, path = "/v1/uploads", tag = "uploads", operation_id = "createUpload",
    request_body = Terms,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, body = Created, headers(("Location" = String, description = "`image_url`")))),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let settings = &app.api.settings;
    let key = idempotency_key(&headers)?;
    let terms = Terms::read(body::object(body, settings.pace).await?, &settings.limits)?;
    let idempotency = match key {
        Some(key) => Some(Idempotency { key, request: terms.digest()? }),
        None => None,
    };
    let image = pending(&app, &caller, &terms)?;
    // The record first: a URL is never out for an image that nobody knows of.
    let image = match app.api.catalog.create(&image, idempotency.as_ref()).await? {
        Creation::Created => image,
        Creation::Repeated(before) => *before,
        Creation::Reused => {
            return Err(Refusal::new(
                Code::IdempotencyKeyReused,
                "this Idempotency-Key was used for another request: take a new key for a new request",
            ));
        }
    };
    // A URL for it could not be used any more.
    if image.status == Status::Erased {
        let detail = format!("this request made the image {}, which was erased since", image.id);
        return Err(Refusal::new(Code::Erased, detail));
    }
    let upload = match Cut::of(image.announced.content_length) {
        None => {
            let key = Key::Upload { image: image.id };
            let signed = app.api.objects.presign_put(&key, &upload_terms(&image)).await?;
            Upload::Whole(signed.into())
        }
        Some(cut) => Upload::Parts(parts::ticket(&app, &image, cut).await?),
    };
    let image_url = format!("{}/v1/images/{}", app.api.signer.public_url(), image.id);
    let location = HeaderValue::from_str(&image_url).map_err(Refusal::internal)?;
    let created = Created { image_id: image.id, image_url, upload };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(created)).into_response())
}

impl From<Signed> for Whole {
    fn from(signed: Signed) -> Self {
        let Signed { method, url, headers, expires_at } = signed;
        Self { method, url, headers: headers.into_iter().collect(), expires_at }
    }
}

/// The terms of an image's upload URL: those of its first day, however often they are asked for.
pub(crate) fn upload_terms(image: &Image) -> UploadTerms {
    UploadTerms {
        content_length: image.announced.content_length,
        content_type: image.announced.content_type.clone(),
        checksum_sha256: image.announced.checksum_sha256,
        expires_at: image.expires_at,
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = given.next() else { return Ok(None) };
    let fits = (1..=255).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    if let (true, Ok(key), None) = (fits, key.to_str(), given.next()) {
        return Ok(Some(key.to_owned()));
    }
    let detail = "must be given once and have 1 to 255 visible ASCII characters";
    Err(FieldError::new("Idempotency-Key", detail).into())
}

/// A new image. Its moments are cut to what its id and its URL can say: milliseconds and seconds.
fn pending(app: &App, caller: &Caller, terms: &Terms) -> Result<Image, Refusal> {
    let now = app.api.clock.now();
    let millis = now.as_millisecond();
    let created_at = Timestamp::from_millisecond(millis).map_err(Refusal::internal)?;
    let lifetime = match Cut::of(terms.content_length) {
        None => app.api.settings.upload_lifetime,
        // What takes long may pause: its parts are signed anew.
        Some(_) => app.api.settings.parts_lifetime.max(app.api.settings.upload_lifetime),
    };
    let end = now.checked_add(lifetime).map_err(Refusal::internal)?;
    let expires_at = Timestamp::from_second(end.as_second()).map_err(Refusal::internal)?;
    let id = crate::mint(created_at).map_err(Refusal::internal)?;
    let announced = Announced {
        content_length: terms.content_length,
        content_type: terms.content_type.clone(),
        checksum_sha256: terms.checksum_sha256,
    };
    Ok(Image {
        visibility: terms.visibility,
        filename: terms.filename.clone(),
        tags: terms.tags.clone(),
        focal_point: terms.focal_point,
        ..Image::pending(id, caller.tenant(), announced, created_at, expires_at)
    })
}
