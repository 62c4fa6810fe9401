//! `/v1/dead-letters`: work that was given up, and taking it back.
//!
//! A tenant sees the letters of its own images. Letters of no image (a sweep, say) are the home's,
//! and shown to its operators.

use std::sync::Arc;

use axum::{Json, body::Body, extract::State, http::Uri};
use domain::{
    Code, ImageId, Problem, StageName, StoreError,
    message::Body as Work,
    ports::DeadLetter,
    stage::{self, Redriven},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    App,
    auth::Caller,
    body,
    list::{Cursors, limit},
    params::{Name, Params},
    problem::{FieldError, Refusal},
};

/// Letters that one request takes back at most: the answer should come while somebody waits for it.
const REDRIVE_MOST: usize = 1000;

/// A letter, as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(crate) struct Letter {
    /// Its name: the same work has the same name, however often it was given up.
    id: String,
    /// The image that waits for it; null where none does.
    #[schema(required = true)]
    image_id: Option<ImageId>,
    /// Which stage gave it up.
    #[schema(value_type = String, example = "resize")]
    stage: StageName,
    /// The message as it was sent.
    #[schema(value_type = Object)]
    message: Value,
    /// Why it was given up.
    reason: Problem,
    /// When it was given up.
    buried_at: Timestamp,
}

/// A page of letters, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LetterPage {
    dead_letters: Vec<Letter>,
    /// What to give as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Which letters to take back: one of the two.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "the form that `Choice::read` reads, written down for the description"
)]
pub(crate) struct RedriveRequest {
    /// These.
    #[schema(required = false)]
    ids: Option<Vec<String>>,
    /// All of the caller's; only `true`.
    #[schema(required = false)]
    all: Option<bool>,
}

/// What became of the letters. None of them is a letter any more.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct RedriveAnswer {
    /// Their work was sent again, with all its attempts.
    redriven: Vec<String>,
    /// Nobody waits for their work any more.
    needless: Vec<String>,
    /// More letters are left than one request takes back: send it again.
    more: bool,
}

/// Lists dead letters
///
/// Those of the caller's images, the oldest first; an operator also sees those of the home itself.
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "dead letters", operation_id = "listDeadLetters",
    params(
        ("limit" = Option<u8>, Query, description = "Letters of a page: 1 to 100, otherwise 50"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, body = LetterPage)),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<LetterPage>, Refusal> {
    let params = Params::of(&uri, &["limit", "cursor"])?;
    let cursors = Cursors::of(&app, &caller, "dead letters");
    let (found, next) = page(&app, &caller, cursors.read(&params)?, limit(&params)?).await?;
    let dead_letters = found.into_iter().map(Letter::of).collect::<Result<_, _>>()?;
    Ok(Json(LetterPage {
        dead_letters,
        next_cursor: next.as_deref().map(|next| cursors.write(next)),
    }))
}

/// Answers a dead letter
#[utoipa::path(
    get, path = "/v1/dead-letters/{id}", tag = "dead letters", operation_id = "getDeadLetter",
    params(("id" = String, Path, description = "Which letter")),
    responses((status = 200, body = Letter)),
)]
pub(crate) async fn letter(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(id): Name,
) -> Result<Json<Letter>, Refusal> {
    Ok(Json(Letter::of(owned(&app, &caller, &id).await?)?))
}

/// Takes dead letters back
///
/// Opens their images again and sends their work with all its attempts. Where one of the `ids` is
/// unknown, none is taken back.
#[utoipa::path(
    post, path = "/v1/dead-letters/redrive", tag = "dead letters", operation_id = "redriveDeadLetters",
    request_body = RedriveRequest,
    responses((status = 200, body = RedriveAnswer)),
)]
pub(crate) async fn redrive(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body,
) -> Result<Json<RedriveAnswer>, Refusal> {
    let mut answer = RedriveAnswer::default();
    let ids = match Choice::read(body::object(body, app.api.settings.pace).await?)? {
        Choice::These(ids) => {
            for id in &ids {
                owned(&app, &caller, id).await?;
            }
            ids
        }
        Choice::All => {
            let (found, next) = page(&app, &caller, None, REDRIVE_MOST).await?;
            answer.more = next.is_some();
            found.into_iter().map(|letter| letter.id).collect()
        }
    };
    let api = &app.api;
    for id in ids {
        let now = api.clock.now();
        let (catalog, outbox, letters) = (&*api.catalog, &*api.outbox, &*api.letters);
        match stage::redrive(catalog, outbox, letters, &id, now).await {
            Ok(Redriven::Sent) => answer.redriven.push(id),
            // Somebody else took it back in between: it is no letter any more either.
            Ok(Redriven::Needless) | Err(StoreError::Missing(_)) => answer.needless.push(id),
            Err(error) if answer.redriven.is_empty() && answer.needless.is_empty() => {
                return Err(error.into());
            }
            // What was taken back is worth telling; the rest is there for another request.
            Err(error) => {
                tracing::warn!(letter = id, %error, "a redrive ended early");
                answer.more = true;
                break;
            }
        }
    }
    Ok(Json(answer))
}

impl Letter {
    fn of(letter: DeadLetter) -> Result<Self, Refusal> {
        Ok(Self {
            image_id: letter.message.image(),
            stage: letter.message.stage(),
            message: serde_json::to_value(&letter.message).map_err(Refusal::internal)?,
            id: letter.id,
            reason: letter.reason,
            buried_at: letter.buried_at,
        })
    }
}

enum Choice {
    These(Vec<String>),
    All,
}

impl Choice {
    fn read(mut body: serde_json::Map<String, Value>) -> Result<Self, Refusal> {
        let (ids, all) = (body.remove("ids"), body.remove("all"));
        if let Some((name, _)) = body.iter().next() {
            let detail = "is not a field of this body: it takes ids or all";
            return Err(FieldError::new(name, detail).into());
        }
        match (ids, all) {
            (None, Some(Value::Bool(true))) => Ok(Self::All),
            (Some(ids), None) => {
                let ids: Option<Vec<String>> = serde_json::from_value(ids).ok();
                let ids = ids.filter(|ids| (1..=REDRIVE_MOST).contains(&ids.len()));
                let detail = format!("must be a list of 1 to {REDRIVE_MOST} ids of dead letters");
                ids.map(Self::These).ok_or_else(|| FieldError::new("ids", detail).into())
            }
            (None, Some(_)) => Err(FieldError::new("all", "can only be true").into()),
            (None, None) | (Some(_), Some(_)) => {
                let detail = "give either `ids`, a list of dead letters, or `all`: true";
                Err(FieldError::new("ids", detail).into())
            }
        }
    }
}

/// Letters that the caller may see. They are read one by one, so that the position behind a page is
/// always that of a letter of the caller's own, and its cursor says nothing about others'.
async fn page(
    app: &App,
    caller: &Caller,
    mut position: Option<String>,
    limit: usize,
) -> Result<(Vec<DeadLetter>, Option<String>), Refusal> {
    let mut found = Vec::new();
    loop {
        let mut page = app.api.letters.letters(position.as_deref(), 1).await?;
        let letter = page.items.pop();
        if let Some(letter) = letter
            && sees(app, caller, &letter).await?
        {
            found.push(letter);
            if found.len() == limit {
                return Ok((found, page.next));
            }
        }
        position = page.next;
        if position.is_none() {
            return Ok((found, None));
        }
    }
}

async fn owned(app: &App, caller: &Caller, id: &str) -> Result<DeadLetter, Refusal> {
    let unknown =
        || Refusal::new(Code::UnknownDeadLetter, format!("there is no dead letter {id:?}"));
    match app.api.letters.letter(id).await {
        Ok(letter) if sees(app, caller, &letter).await? => Ok(letter),
        Ok(_) | Err(StoreError::Missing(_)) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

async fn sees(app: &App, caller: &Caller, letter: &DeadLetter) -> Result<bool, Refusal> {
    let homes_own = caller.runs_the_home();
    let Some(id) = letter.message.image() else {
        return Ok(match &letter.message.body {
            Work::Reprocess { query, .. } if query.tenant.is_some() => {
                query.tenant == Some(caller.tenant())
            }
            _ => homes_own,
        });
    };
    match app.api.catalog.image(id).await {
        Ok(image) => Ok(caller.owns(&image)),
        // An upload that was given up before it became an image.
        Err(StoreError::Missing(_)) => Ok(homes_own),
        Err(error) => Err(error.into()),
    }
}
