//! `GET /i/{id}/{variant}`: a variant by name, in the format that suits the client.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{
    Code, Image, PieceId, Problem, Status, StoreError, Visibility, image::Outcome,
    record::variant_key,
};

use crate::{
    App, accept,
    auth::Caller,
    images::url,
    params::{Id, unknown_image},
    problem::Refusal,
};

/// Leads to a variant
///
/// Redirects to the immutable URL of `small.webp`, or of `small` in the best existing format for
/// `Accept`. Of a private image it needs the owner's key and leads to a signed URL.
#[utoipa::path(
    get, path = "/i/{id}/{variant}", tag = "delivery", operation_id = "chooseVariant",
    params(
        ("id" = domain::ImageId, Path, description = "Which image"),
        ("variant" = String, Path, description = "Its name in the presets, with or without an extension"),
        ("Accept" = Option<String>, Header, description = "Decides where there is no extension"),
    ),
    responses((status = 302, description = "Where the bytes are", headers(("Location" = String)))),
)]
pub(crate) async fn choose(
    State(app): State<Arc<App>>,
    Id(id): Id,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let image = match app.api.catalog.image(id).await {
        Err(StoreError::Missing(_)) => return Err(unknown_image(id)),
        image => image?,
    };
    if image.visibility == Visibility::Private && !Caller::of(&app, &headers).await?.owns(&image) {
        return Err(unknown_image(id));
    }
    let wanted = Wanted::of(uri.path());
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accept = accept.collect::<Vec<_>>().join(",");
    let accept = Some(accept.as_str()).filter(|accept| !accept.is_empty());
    let piece = find(&image, &wanted, accept)?;

    let target = url(&app, &variant_key(&image, piece)).await?;
    let target = HeaderValue::from_str(&target).map_err(Refusal::internal)?;
    let caching = match image.visibility {
        Visibility::Public => "public, max-age=60",
        Visibility::Private => "private, no-store",
    };
    let mut response = (
        StatusCode::FOUND,
        [(header::LOCATION, target), (header::CACHE_CONTROL, HeaderValue::from_static(caching))],
    )
        .into_response();
    if wanted.format.is_none() {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    }
    Ok(response)
}

/// The end of the path: a name, and perhaps a format.
struct Wanted<'a> {
    name: &'a str,
    format: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(path: &'a str) -> Self {
        let file = path.rsplit('/').next().unwrap_or_default();
        match file.rsplit_once('.') {
            // Files are called both; the format has one name here.
            Some((name, "jpg")) => Self { name, format: Some("jpeg") },
            Some((name, format)) => Self { name, format: Some(format) },
            None => Self { name: file, format: None },
        }
    }

    /// The format of a piece that is meant.
    fn format_of<'p>(&self, piece: &'p PieceId) -> Option<&'p str> {
        let (name, format) = piece.name.split_once('.')?;
        (name == self.name && self.format.is_none_or(|wanted| wanted == format)).then_some(format)
    }
}

/// The piece to serve, or why there is none.
fn find<'a>(
    image: &'a Image,
    wanted: &Wanted<'_>,
    accept: Option<&str>,
) -> Result<&'a PieceId, Refusal> {
    let gone = |code, detail: &str| Problem::new(code, format!("the image {} {detail}", image.id));
    let given = |otherwise: Problem| image.problem.clone().unwrap_or(otherwise).into();
    match image.status {
        Status::Erased => return Err(gone(Code::Erased, "was erased").into()),
        Status::Expired => return Err(given(gone(Code::NothingArrived, "never arrived"))),
        Status::Rejected => return Err(given(gone(Code::UnsupportedFormat, "was not taken"))),
        Status::Pending | Status::Processing | Status::Ready | Status::Failed => {}
    }
    let made: Vec<_> = image
        .visible()
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Made(_)))
        .filter_map(|(piece, _)| Some((wanted.format_of(piece)?, piece)))
        .collect();
    let formats: Vec<_> = made.iter().map(|(format, _)| *format).collect();
    let best = match wanted.format {
        Some(_) => formats.first().copied(),
        None => accept::best(accept, &formats),
    };
    // While a better one is being made, one that the client cannot show is not worth much.
    let best = match best {
        None if is_underway(image, wanted) => {
            let detail = "the variant is being made: ask again, or follow the image's events";
            return Err(Refusal::new(Code::NotReady, detail).retry_after(1));
        }
        None => accept::safest(&formats),
        best => best,
    };
    let piece = made.iter().find(|(format, _)| Some(*format) == best).map(|(_, piece)| *piece);
    piece.ok_or_else(|| absent(image, wanted))
}

/// Whether the variant is still to come, or may be: before the fan-out nobody knows.
fn is_underway(image: &Image, wanted: &Wanted<'_>) -> bool {
    match image.status {
        Status::Pending => true,
        Status::Processing => {
            let work = &image.work;
            work.expected.is_empty()
                || work.missing().any(|piece| wanted.format_of(piece).is_some())
        }
        _ => false,
    }
}

/// Why a variant that is neither made nor underway is not there.
fn absent(image: &Image, wanted: &Wanted<'_>) -> Refusal {
    let ended = image.visible().iter().filter(|(piece, _)| wanted.format_of(piece).is_some());
    for (piece, outcome) in ended {
        match outcome {
            Outcome::Failed(problem) => return problem.clone().into(),
            Outcome::Dropped(why) => {
                let detail = format!("{} was not kept: {why}", piece.name);
                return Refusal::new(Code::UnknownVariant, detail);
            }
            Outcome::Made(_) | Outcome::Derived(_) | Outcome::Described(_) => {}
        }
    }
    let names: BTreeSet<_> = image
        .visible()
        .keys()
        .chain(&image.work.expected)
        .filter(|piece| piece.name.contains('.'))
        .map(|piece| piece.name.as_str())
        .collect();
    let (wanted, names) = (wanted.name, names.into_iter().collect::<Vec<_>>().join(", "));
    Refusal::new(
        Code::UnknownVariant,
        format!("there is no {wanted:?} of this image: it has {names}"),
    )
}
