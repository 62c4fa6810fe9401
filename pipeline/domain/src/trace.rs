//! An image's life, as its entry in the catalog tells it, and the name that its life has in logs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Image, ImageId, PieceId, Problem, StageName, Status,
    image::{Outcome, Request},
    stage::MAX_ATTEMPTS,
};

/// The name of an image's trace, in the form of X-Ray: seconds, and 96 bits.
///
/// It is read off the id, so whoever says anything of an image calls it the same, without having been
/// told: a redelivery, the sweeper, the API a year later. The seconds are those in which the id was
/// minted. The id of an adopted object has no moment, and gives its first bits instead, as the ids of
/// W3C traces do.
pub fn trace_id(image: ImageId) -> String {
    let bits = u128::from_be_bytes(*image.as_bytes());
    let minted = image.minted_at().and_then(|at| u32::try_from(at.as_second()).ok());
    let seconds = minted.map_or(bits >> 96, u128::from);
    format!("1-{seconds:08x}-{:024x}", bits & (u128::MAX >> 32))
}

/// What is known of an image's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// Which image.
    pub image_id: ImageId,
    /// What logs in the cloud call it, in the form of X-Ray.
    #[schema(example = "1-6743a1b2-c3d47000800000000000abcd")]
    pub trace_id: String,
    /// Its state.
    pub status: Status,
    /// What happened, in order, as far as that is kept: of pieces those of the present set, and what was
    /// asked for beside it.
    pub events: Vec<Event>,
}

/// Something that happened to an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = TraceEvent)]
pub struct Event {
    /// When. What has no moment happened, or stands so, after what is in front of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What.
    pub what: What,
    /// To which piece: name, format and revision; the image itself where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "small.webp@0123456789abcdef")]
    pub piece: Option<String>,
    /// In which stage, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "resize")]
    pub stage: Option<StageName>,
    /// More of it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Why it was not to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What may happen to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TraceEventKind)]
pub enum What {
    /// An upload URL was given out.
    Created,
    /// What came is an image that we keep.
    Accepted,
    /// What came is not kept.
    Rejected,
    /// Nothing came.
    Expired,
    /// Its work was opened again.
    Opened,
    /// What was missing of its pieces was sent to the stages.
    Sent,
    /// Starts of a stage's work are counted, because one was lost.
    Started,
    /// A piece was made.
    Made,
    /// A piece was not worth having.
    Dropped,
    /// A piece could not be made, or, where no piece is named, the image failed.
    Failed,
    /// A piece is still to come.
    Awaited,
    /// Nothing had come of it for long, so its work was sent again.
    Nudged,
    /// All pieces were made or dropped.
    Ready,
    /// Somebody asked for a variant that is made on request.
    Requested,
    /// The last sign of life so far.
    Touched,
    /// It was erased, for good.
    Erased,
    /// The last of its objects was removed after that.
    Removed,
}

impl What {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Opened => "opened",
            Self::Sent => "sent",
            Self::Started => "started",
            Self::Made => "made",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
            Self::Awaited => "awaited",
            Self::Nudged => "nudged",
            Self::Ready => "ready",
            Self::Requested => "requested",
            Self::Touched => "touched",
            Self::Erased => "erased",
            Self::Removed => "removed",
        }
    }
}

impl Trace {
    /// The life of an image until now.
    pub fn of(image: &Image) -> Self {
        let events = [begun(image), worked(image), ended(image), requested(image), erased(image)];
        Self {
            image_id: image.id,
            trace_id: trace_id(image.id),
            status: image.status,
            events: in_order(events.concat()),
        }
    }
}

fn begun(image: &Image) -> Vec<Event> {
    let announced = &image.announced;
    let mut created = Event::new(What::Created).at(image.created_at);
    if announced.content_length > 0 {
        let mut detail = format!("{} bytes announced", announced.content_length);
        if !announced.content_type.is_empty() {
            detail = format!("{detail} as {}", announced.content_type);
        }
        if image.status == Status::Pending {
            detail = format!("{detail}; they may come until {}", image.expires_at);
        }
        created = created.saying(detail);
    }
    let accepted = image.source.as_ref().map(|source| {
        let (width, height) = source.header.upright();
        let (format, bytes) = (source.header.format.name(), source.bytes);
        Event::new(What::Accepted).saying(format!("{format}, {width} x {height}, {bytes} bytes"))
    });
    [created].into_iter().chain(accepted).collect()
}

/// The set of pieces that it awaits, or awaited last.
fn worked(image: &Image) -> Vec<Event> {
    let work = &image.work;
    let mut events = Vec::new();
    if image.status == Status::Processing {
        // How the round before was announced; this one is open.
        events.extend(match image.flipped_as {
            Some(Status::Ready) => Some(Event::new(What::Ready).at(image.ready_at)),
            Some(Status::Failed) => Some(Event::new(What::Failed)),
            _ => None,
        });
    }
    if let Some(opened_at) = work.opened_at {
        let detail = format!("round {}", work.round + 1);
        events.push(Event::new(What::Opened).at(opened_at).saying(detail));
    }
    if let Some(sent_at) = work.sent_at {
        let detail = format!("what was missing of {} pieces", work.expected.len());
        events.push(Event::new(What::Sent).at(sent_at).saying(detail));
    }
    for (stage, starts) in &work.starts {
        let detail = format!("{starts} of {MAX_ATTEMPTS} starts, lost or under way");
        events.push(Event { stage: Some(*stage), ..Event::new(What::Started).saying(detail) });
    }
    events.extend(work.expected.iter().map(|piece| Event::of(piece, work.ended.get(piece))));
    if work.nudges > 0 {
        events.push(Event::new(What::Nudged).saying(format!("{} times", work.nudges)));
    }
    events
}

/// The state that it is in, where it is there to stay.
fn ended(image: &Image) -> Vec<Event> {
    let touched = |what| Event::new(what).at(image.touched_at);
    let event = match image.status {
        Status::Ready => Event::new(What::Ready).at(image.ready_at),
        Status::Failed => touched(What::Failed),
        Status::Rejected => touched(What::Rejected),
        Status::Expired => touched(What::Expired),
        Status::Processing => touched(What::Touched),
        Status::Pending if image.touched_at > image.created_at => touched(What::Touched),
        Status::Pending | Status::Erased => return Vec::new(),
    };
    vec![Event { problem: image.problem.clone(), ..event }]
}

/// What somebody asked for beside the set.
fn requested(image: &Image) -> Vec<Event> {
    let mut events = Vec::new();
    for (file, request) in &image.requests {
        let Request { asked_at, piece, ended, .. } = request;
        events.push(Event::new(What::Requested).at(*asked_at).saying(file));
        events.extend(ended.iter().map(|(piece, outcome)| Event::of(piece, Some(outcome))));
        let awaited = piece.iter().filter(|piece| !ended.contains_key(piece));
        events.extend(awaited.map(|piece| Event::of(piece, None)));
    }
    events
}

fn erased(image: &Image) -> Vec<Event> {
    let erased = image.erased_at.map(|at| Event::new(What::Erased).at(at));
    let removed = image.removed_at.map(|at| Event::new(What::Removed).at(at));
    erased.into_iter().chain(removed).collect()
}

/// By their moments; what has none stays behind what it was told after.
fn in_order(events: Vec<Event>) -> Vec<Event> {
    let mut last = Timestamp::MIN;
    let mut dated: Vec<_> = events
        .into_iter()
        .map(|event| {
            last = event.at.unwrap_or(last);
            (last, event)
        })
        .collect();
    dated.sort_by_key(|(at, _)| *at);
    dated.into_iter().map(|(_, event)| event).collect()
}

impl Event {
    fn new(what: What) -> Self {
        Self { at: None, what, piece: None, stage: None, detail: None, problem: None }
    }

    /// How a piece ended; none where it is still to come.
    fn of(piece: &PieceId, outcome: Option<&Outcome>) -> Self {
        let event = match outcome {
            None => Self::new(What::Awaited),
            Some(Outcome::Made(made)) => Self::new(What::Made)
                .saying(format!("{} x {}, {} bytes", made.width, made.height, made.bytes)),
            Some(Outcome::Dropped(why)) => Self::new(What::Dropped).saying(why),
            Some(Outcome::Failed(problem)) => {
                Self { problem: Some(problem.clone()), ..Self::new(What::Failed) }
            }
            Some(Outcome::Derived(_) | Outcome::Described(_)) => Self::new(What::Made),
        };
        Self { piece: Some(piece.to_string()), ..event }
    }

    fn at(self, at: impl Into<Option<Timestamp>>) -> Self {
        Self { at: at.into(), ..self }
    }

    fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}
