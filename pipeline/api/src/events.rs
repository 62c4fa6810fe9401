//! `GET /v1/images/{id}/events`: an image followed until it is final, as server-sent events.
//!
//! The catalog is looked at again and again, in pauses that grow while nothing changes: the same in
//! both homes, and no subscriber can be forgotten. States in between may be passed over; the final
//! one is not.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::{Code, Image, ImageId};
use futures::stream;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    App,
    auth::Caller,
    images::{owned, record},
    params::Id,
    problem::{FieldError, Refusal},
};

/// How long a client that lost the stream should wait before it resumes.
const RETRY: Duration = Duration::from_millis(500);

/// How long a client should wait where there is no place for another stream.
const FULL: Duration = Duration::from_secs(5);

/// Follows an image
///
/// Server-sent events: `event: status`, `id:` the version of the record, `data:` the record. The
/// stream ends after a final state, or after a while, to be resumed with `Last-Event-ID`; a client
/// that has seen the final state gets 204. A revoked key ends it, too. There is a bound of streams at
/// a time: above it the answer is 503 `busy`, with `Retry-After`.
#[utoipa::path(
    get, path = "/v1/images/{id}/events", tag = "images", operation_id = "followImage",
    params(
        ("id" = ImageId, Path, description = "Which image"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The last version that was seen"),
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 204, description = "The last version that was seen is final"),
    ),
)]
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = last_event_id(&headers)?;
    let image = owned(&app, &caller, id).await?;
    if image.status.is_final() && seen == Some(image.version) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let rules = app.api.settings.events;
    let place = Arc::clone(&app.followers).try_acquire_owned().map_err(|_| {
        Refusal::new(
            Code::Busy,
            format!(
                "{} images are being followed, which is the most: ask for the record itself, or \
                 come again later",
                rules.streams
            ),
        )
        .retry_after(FULL.as_secs())
    })?;
    let follower = Follower {
        seen,
        image: Some(image),
        pause: rules.poll,
        end: Instant::now() + rules.life,
        headers,
        app,
        caller,
        id,
        _place: place,
    };
    let events = stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        let event = follower.next().await?;
        let more = !follower.is_done();
        Some((Ok::<_, Infallible>(event), more.then_some(follower)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(rules.heartbeat)).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(given) = headers.get("last-event-id").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let number = given.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        FieldError::new("Last-Event-ID", "is not the id of an event of this stream: a number")
            .into()
    })
}

struct Follower {
    app: Arc<App>,
    /// The request's, with the key.
    headers: HeaderMap,
    caller: Caller,
    id: ImageId,
    /// The version that the client has.
    seen: Option<u64>,
    /// What the last look found.
    image: Option<Image>,
    pause: Duration,
    end: Instant,
    /// Among all streams; free again when this one ends.
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// The next change; none when the stream's time is over, its key was revoked, or the catalog does
    /// not answer: the client resumes, and is told why it cannot.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(image) = self.image.take_if(|image| self.seen != Some(image.version)) {
                let record = record(&self.app, &image).await.ok()?;
                let event = Event::default().event("status").id(image.version.to_string());
                let event = event.retry(RETRY).json_data(&record).ok()?;
                self.seen = Some(image.version);
                self.pause = self.app.api.settings.events.poll;
                self.image = Some(image);
                return Some(event);
            }
            tokio::select! {
                () = sleep_until(self.end) => return None,
                () = sleep(self.pause) => {}
            }
            self.pause = (self.pause * 3 / 2).min(self.app.api.settings.events.poll_most);
            self.image = Some(owned(&self.app, &self.caller, self.id).await.ok()?);
            // The key last, so that nothing is told that came after it was revoked.
            if Caller::of(&self.app, &self.headers).await.ok()? != self.caller {
                return None;
            }
        }
    }

    /// Whether the client has seen a final state.
    fn is_done(&self) -> bool {
        self.image
            .as_ref()
            .is_some_and(|image| image.status.is_final() && self.seen == Some(image.version))
    }
}
