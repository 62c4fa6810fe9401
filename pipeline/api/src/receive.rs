//! `PUT /in/{id}`: the bytes of an upload, where the home keeps its own objects. (In the cloud the
//! URL leads to the bucket itself.)

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{
    Code, Image, Key, Problem, Status, StoreError,
    message::Body as Event,
    ports::{Exactly, WriteError, Written},
    signing::{CHECKSUM_HEADER, PutRequest},
};
use jiff::Timestamp;
use tracing::Instrument as _;

use crate::{
    App,
    body::Intake,
    openapi::Raw,
    params::{Id, Params, unknown_image},
    problem::{FieldError, Refusal},
};

/// Takes an upload's bytes
///
/// The URL of a created upload. It creates the object once and never overwrites it. The answer comes
/// when the bytes are durable and the pipeline has been told.
#[utoipa::path(
    put, path = "/in/{id}", tag = "uploads", operation_id = "putUpload",
    params(
        ("id" = domain::ImageId, Path, description = "Which image"),
        ("expires" = i64, Query, description = "Unix seconds; as signed"),
        ("length" = u64, Query, description = "Bytes; as signed"),
        ("signature" = String, Query, description = "Over all that the URL allows"),
        ("Content-Type" = String, Header, description = "As signed"),
        ("x-amz-checksum-sha256" = Option<String>, Header, description = "Base64; as signed, where one was announced"),
    ),
    request_body(content = Raw, content_type = "application/octet-stream"),
    responses((status = 200, description = "All bytes are there", headers(("ETag" = String)))),
)]
pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    Id(id): Id,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let key = Key::Upload { image: id };
    // Sends a client that asked first away before it sends anything.
    let asked = headers.contains_key(header::EXPECT);
    let intake = Intake::new(body, app.api.settings.pace);
    match admit(&app, &key, &uri, &headers).await {
        Ok(image) => {
            // On its own feet: once the object is there, the pipeline is told, whether or not the
            // client waits for the answer. A body that breaks off ends it soon enough.
            let stored = async move { store(&app, &key, &image, &intake).await };
            let stored = tokio::spawn(stored.in_current_span());
            stored.await.map_err(Refusal::internal)?
        }
        Err(refusal) => {
            if !asked {
                intake.drain().await;
            }
            Err(refusal)
        }
    }
}

/// Whether this request is the one that the URL was made for. Looks at nothing but the head.
async fn admit(app: &App, key: &Key, uri: &Uri, headers: &HeaderMap) -> Result<Image, Refusal> {
    let now = app.api.clock.now();
    let UrlParams { expires, length: signed_length, signature } = UrlParams::of(uri)?;
    let content_length = content_length(headers)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let request = PutRequest {
        signed_length,
        expires,
        signature: &signature,
        content_length,
        content_type: text("content-type").unwrap_or(""),
        checksum: text(CHECKSUM_HEADER),
    };
    let verdict = app.api.signer.allows_put(key, &request, now);
    let image = match (app.api.catalog.image(key_image(key)?).await, verdict) {
        // Whoever cannot show a signature learns nothing about images.
        (Err(StoreError::Missing(_)), Ok(())) => return Err(unknown_image(key)),
        (Err(StoreError::Missing(_)), Err(problem)) => return Err(problem.into()),
        (image, Ok(())) => image?,
        (image, Err(problem)) => {
            return Err(precisely(app, key, &image?, &request, problem, now).into());
        }
    };
    if image.status == Status::Erased {
        return Err(erased(&image));
    }
    // Where the bytes are there already, nothing has to be sent to find that out.
    if let Some(refusal) = taken(app, key, &image).await? {
        return Err(refusal);
    }
    Ok(image)
}

/// What the URL of an upload carries.
pub(crate) struct UrlParams {
    pub(crate) expires: i64,
    pub(crate) length: u64,
    pub(crate) signature: String,
}

impl UrlParams {
    pub(crate) fn of(uri: &Uri) -> Result<Self, Refusal> {
        let params = Params::of(uri, &["expires", "length", "signature"])?;
        let (Ok(expires), Ok(length), Ok(signature)) = (
            params.required("expires", "Unix seconds"),
            params.required("length", "a number of bytes"),
            params.required("signature", "a signature"),
        ) else {
            let detail =
                "the URL lacks a parameter, or one is not a number: send it as it was given";
            return Err(Refusal::new(Code::SignatureInvalid, detail));
        };
        Ok(Self { expires, length, signature })
    }
}

fn key_image(key: &Key) -> Result<domain::ImageId, Refusal> {
    key.image().ok_or_else(|| unknown_image(key))
}

pub(crate) fn content_length(headers: &HeaderMap) -> Result<u64, Refusal> {
    let missing = || {
        Refusal::new(
            Code::LengthRequired,
            "send the header Content-Length with the length that was announced; a body in chunks \
             is not taken",
        )
    };
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(missing());
    }
    let given = headers.get(header::CONTENT_LENGTH).ok_or_else(missing)?;
    let number = given.to_str().ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| FieldError::new("Content-Length", "is not a number of bytes").into())
}

/// Says which header is wrong, where the URL itself is as it was signed.
fn precisely(
    app: &App,
    key: &Key,
    image: &Image,
    request: &PutRequest<'_>,
    problem: Problem,
    now: Timestamp,
) -> Problem {
    let announced = &image.announced;
    let checksum = announced.checksum_sha256.map(domain::Sha256::to_base64);
    let meant = PutRequest {
        content_type: &announced.content_type,
        checksum: checksum.as_deref(),
        ..*request
    };
    if problem.code != Code::SignatureInvalid {
        return problem;
    }
    match app.api.signer.allows_put(key, &meant, now) {
        Err(other) if other.code == Code::SignatureInvalid => problem,
        Err(other) => other,
        Ok(()) if request.content_type != announced.content_type => Problem::new(
            Code::TypeMismatch,
            format!(
                "the Content-Type {:?} was announced and {:?} is being sent",
                announced.content_type, request.content_type
            ),
        ),
        Ok(()) => Problem::new(
            Code::ChecksumMismatch,
            match &checksum {
                Some(sum) => format!("the header {CHECKSUM_HEADER} must be {sum:?}, as announced"),
                None => {
                    format!("no checksum was announced: leave the header {CHECKSUM_HEADER} out")
                }
            },
        ),
    }
}

/// Writes the body, tells the pipeline, and then answers.
async fn store(app: &App, key: &Key, image: &Image, intake: &Intake) -> Result<Response, Refusal> {
    let exactly =
        Exactly { size: image.announced.content_length, sha256: image.announced.checksum_sha256 };
    let written = app.api.objects.write_stream(key, &exactly, intake.stream()).await;
    intake.drain().await;
    // The catalog is asked once more: it may have been erased while the bytes came.
    let image = app.api.catalog.image(image.id).await?;
    match written {
        Ok(Written::Created) if image.status == Status::Erased => {
            app.api.objects.delete(key).await?;
            Err(erased(&image))
        }
        Ok(Written::Created) => {
            let etag = announce(app, key).await?;
            Ok((StatusCode::OK, [(header::ETAG, etag)]).into_response())
        }
        Ok(Written::Exists) => match taken(app, key, &image).await? {
            Some(refusal) => Err(refusal),
            // It was there a moment ago and is gone: erase or a sweep was faster.
            None => Err(StoreError::Conflict(key.to_string()).into()),
        },
        Err(error) => Err(unwritten(&exactly, error, intake.complaint())),
    }
}

/// The refusal of an upload whose object is there. Its event may have been lost between the write
/// and the sending: where the image still waits, it is sent again.
async fn taken(app: &App, key: &Key, image: &Image) -> Result<Option<Refusal>, Refusal> {
    match app.api.objects.head(key).await {
        Err(StoreError::Missing(_))
            if matches!(image.status, Status::Pending | Status::Expired) =>
        {
            return Ok(None);
        }
        // The object of a finished upload is cleared away some time after.
        Err(StoreError::Missing(_)) => {}
        Err(error) => return Err(error.into()),
        Ok(_) if image.status == Status::Pending => {
            announce(app, key).await?;
        }
        Ok(_) => {}
    }
    let detail = format!("the bytes of image {} are here already: create another upload", image.id);
    Ok(Some(Refusal::new(Code::AlreadyUploaded, detail)))
}

/// Tells the pipeline what has come; answers its `ETag`.
pub(crate) async fn announce(app: &App, key: &Key) -> Result<HeaderValue, Refusal> {
    let meta = app.api.objects.head(key).await?;
    let etag = crate::delivery::etag(&meta.etag)?;
    let event = Event::Uploaded {
        key: key.clone(),
        bucket: None,
        size: meta.size,
        etag: meta.etag,
        sequencer: None,
    };
    app.api.outbox.send(&[event.into()]).await?;
    Ok(etag)
}

pub(crate) fn unwritten(
    exactly: &Exactly,
    error: WriteError,
    complaint: Option<&Problem>,
) -> Refusal {
    if let Some(problem) = complaint {
        return problem.clone().into();
    }
    match error {
        WriteError::Size(came) => Refusal::new(
            Code::SizeMismatch,
            format!("{} bytes were announced and {came} came", exactly.size),
        ),
        WriteError::Checksum(sum) => Refusal::new(
            Code::ChecksumMismatch,
            format!(
                "the bytes have the SHA-256 {} (base64), which was not announced",
                sum.to_base64()
            ),
        ),
        WriteError::Store(error) => error.into(),
    }
}

pub(crate) fn erased(image: &Image) -> Refusal {
    Refusal::new(Code::Erased, format!("the image {} was erased: create another upload", image.id))
}
