//! `GET /i/{id}/{variant}`: a variant by name, in the format that suits the client.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{
    Code, Image, Offers, PieceId, Problem, Status, StoreError, Visibility,
    image::{Outcome, Request},
    record::variant_key,
};

use crate::{
    App, accept,
    auth::Caller,
    images::url,
    making,
    params::{Id, unknown_image},
    problem::{Details, Refusal},
};

/// Leads to a variant
///
/// Redirects to the immutable URL of `small.webp`, or of `small` in the best existing format for
/// `Accept`. A variant of `when = "request"` is made when it is first asked for: the answer waits for
/// it, for 15 seconds at most, and is then 503 `not_yet_made` with `Retry-After`; where one exists
/// that the client accepts, it leads there, and the better one is made meanwhile. Of a private image
/// it needs the owner's key and leads to a signed URL.
#[utoipa::path(
    get, path = "/i/{id}/{variant}", tag = "delivery", operation_id = "chooseVariant",
    params(
        ("id" = domain::ImageId, Path, description = "Which image"),
        ("variant" = String, Path, description = "Its name in the presets, with or without an extension"),
        ("Accept" = Option<String>, Header, description = "Decides where there is no extension"),
    ),
    responses(
        (status = 302, description = "Where the bytes are", headers(("Location" = String))),
        (
            status = 503, description = "It was asked for and is not made yet: ask again",
            body = Details, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds")),
        ),
    ),
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
    match choose_from(&image, &wanted, accept, &(app.api.offers)())? {
        Choice::There { piece, better } => {
            if let Some(file) = better
                && let Err(refusal) = making::ask(&app, &image, file).await
            {
                // What the client came for is there all the same.
                tracing::warn!(refusal.cause, refusal.problem.detail, "could not ask for better");
            }
            lead(&app, &image, piece, &wanted).await
        }
        Choice::ToMake(_) => {
            let (image, piece) = making::wait(&app, image, &wanted, accept).await?;
            lead(&app, &image, &piece, &wanted).await
        }
    }
}

/// To where the bytes are.
async fn lead(
    app: &App,
    image: &Image,
    piece: &PieceId,
    wanted: &Wanted<'_>,
) -> Result<Response, Refusal> {
    let target = url(app, &variant_key(image, piece)).await?;
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
pub(crate) struct Wanted<'a> {
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

    /// The format of a file that is meant.
    fn format_of<'f>(&self, file: &'f str) -> Option<&'f str> {
        let (name, format) = file.split_once('.')?;
        (name == self.name && self.format.is_none_or(|wanted| wanted == format)).then_some(format)
    }
}

/// What is to be done for a client.
pub(crate) enum Choice<'a> {
    /// Lead there.
    There {
        /// What suits the client best of what there is.
        piece: &'a PieceId,
        /// What would suit it better, or is by the presets of now.
        better: Option<String>,
    },
    /// Have this file made, because nothing that suits the client is there.
    ToMake(String),
}

/// The piece to serve, the file to make, or why there is neither.
pub(crate) fn choose_from<'a>(
    image: &'a Image,
    wanted: &Wanted<'_>,
    accept: Option<&str>,
    offers: &Offers,
) -> Result<Choice<'a>, Refusal> {
    let gone = |code, detail: &str| Problem::new(code, format!("the image {} {detail}", image.id));
    let given = |otherwise: Problem| image.problem.clone().unwrap_or(otherwise).into();
    match image.status {
        Status::Erased => return Err(gone(Code::Erased, "was erased").into()),
        Status::Expired => return Err(given(gone(Code::NothingArrived, "never arrived"))),
        Status::Rejected => return Err(given(gone(Code::UnsupportedFormat, "was not taken"))),
        Status::Pending | Status::Processing | Status::Ready | Status::Failed => {}
    }
    let made: Vec<_> = image
        .outcomes()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Made(_)))
        .filter_map(|(piece, _)| Some((wanted.format_of(&piece.name)?, piece)))
        .collect();
    let there: Vec<_> = made.iter().map(|(format, _)| *format).collect();
    let offered = offers.files.iter().filter(|file| is_open(image, file, offers));
    let offered: Vec<_> =
        offered.filter_map(|file| Some((wanted.format_of(file)?, file))).collect();
    let all: Vec<_> = there.iter().copied().chain(offered.iter().map(|(f, _)| *f)).collect();
    let (wish, serve) = match wanted.format {
        Some(_) => (all.first().copied(), there.first().copied()),
        None => (accept::best(accept, &all), accept::best(accept, &there)),
    };
    // While a better one is being made, one that the client cannot show is not worth much.
    if wish.is_none() && is_underway(image, wanted, offers) {
        let detail = "the variant is being made: ask again, or follow the image's events";
        return Err(Refusal::new(Code::NotReady, detail).retry_after(1));
    }
    let serve = serve.or_else(|| accept::safest(&there).filter(|_| wish.is_none()));
    let wish = wish.or_else(|| accept::safest(&all));
    let open = offered.iter().find(|(format, _)| Some(*format) == wish);
    let open = open.map(|(_, file)| (*file).clone());
    let piece = made.iter().find(|(format, _)| Some(*format) == serve).map(|(_, piece)| *piece);
    match (piece, open) {
        (Some(piece), better) => Ok(Choice::There { piece, better }),
        (None, Some(file)) => Ok(Choice::ToMake(file)),
        (None, None) => Err(absent(image, wanted, offers)),
    }
}

/// Whether anything would come of asking for an offered file: it was not made, or by other presets.
/// Before the first announcement it is still to come, like everything else.
fn is_open(image: &Image, file: &str, offers: &Offers) -> bool {
    let of_the_set = |(piece, outcome): (&PieceId, &Outcome)| {
        piece.name == *file && matches!(outcome, Outcome::Made(_))
    };
    let settled = |request: &Request| request.is_settled() && request.presets == offers.presets;
    image.flipped.is_some()
        && !image.requests.get(file).is_some_and(settled)
        && !image.visible().iter().any(of_the_set)
}

/// Whether the variant is still to come, or may be: before the fan-out nobody knows.
fn is_underway(image: &Image, wanted: &Wanted<'_>, offers: &Offers) -> bool {
    match image.status {
        Status::Pending => true,
        Status::Processing => {
            let work = &image.work;
            let mut offered = offers.files.iter().filter(|_| image.flipped.is_none());
            work.expected.is_empty()
                || work.missing().any(|piece| wanted.format_of(&piece.name).is_some())
                || offered.any(|file| wanted.format_of(file).is_some())
        }
        _ => false,
    }
}

/// Why a variant that is neither made nor underway is not there.
fn absent(image: &Image, wanted: &Wanted<'_>, offers: &Offers) -> Refusal {
    let ended = image.outcomes().filter(|(piece, _)| wanted.format_of(&piece.name).is_some());
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
        .chain(offers.files.iter().map(String::as_str))
        .collect();
    let (wanted, names) = (wanted.name, names.into_iter().collect::<Vec<_>>().join(", "));
    Refusal::new(
        Code::UnknownVariant,
        format!("there is no {wanted:?} of this image: it has {names}"),
    )
}
