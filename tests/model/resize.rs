//! Mirrors `resize::Resize::render` (`pipeline/resize/src/render.rs`). Decoding has no effect that
//! anybody sees, unless it kills the process ([`poison`](super::poison)); the budget is asked before each
//! piece.

use domain::{
    Failure, ImageId, Key, Message, PieceId, Status, Visibility,
    image::{Outcome, Progress},
    message::{Body, Order},
};

use super::{
    calls::{Halt, Run},
    poison,
    scenario::{Content, set_of},
};

/// How pieces are made and recorded, by the starts that were lost before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Together,
    Backward,
    Forward,
}

/// What a handler is to do after something was recorded.
enum After {
    More,
    Stop(Vec<Message>),
}

/// The stage of [`Body::Render`].
pub(super) fn render(
    run: &mut Run<'_>,
    id: ImageId,
    orders: &[Order],
    attempts: u32,
) -> Result<Vec<Message>, Halt> {
    let image = run.image(id)?;
    let asked_for = orders.iter().any(|order| image.on_request.contains(&order.id));
    let is_open = asked_for || image.status == Status::Processing;
    let Some(source) = image.source.as_ref().filter(|_| is_open) else { return Ok(Vec::new()) };
    let mut wanted = orders.to_vec();
    wanted.retain(|order| image.missing.contains(&order.id) || image.asked.contains(&order.id));
    let pace = match attempts {
        0 => Pace::Together,
        1 => Pace::Backward,
        _ => Pace::Forward,
    };
    let mut batch = Vec::new();

    wanted = skip_written(run, id, wanted, &mut batch)?;
    let before_decoding = wanted.is_empty() || pace != Pace::Together;
    if before_decoding && let After::Stop(follow) = record(run, id, asked_for, &mut batch)? {
        return Ok(follow);
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let picture = match run.read(&Key::Original { image: id, hash: source.sha256 }) {
        Err(halt) if halt.is_missing() => {
            if run.status(id)? == Status::Erased {
                return Ok(Vec::new());
            }
            return Err(Halt::Failed(Failure::Permanent("the kept original".to_owned())));
        }
        answer => answer?,
    };
    if picture.sha256() != source.sha256 {
        return Err(Halt::Failed(Failure::Permanent("the kept original differs".to_owned())));
    }
    if pace == Pace::Backward {
        wanted.reverse();
    }
    make(run, &Job { id, picture, asked_for, pace, attempts }, &wanted, batch)
}

struct Job {
    id: ImageId,
    picture: Content,
    asked_for: bool,
    pace: Pace,
    attempts: u32,
}

fn make(
    run: &mut Run<'_>,
    job: &Job,
    orders: &[Order],
    mut batch: Vec<(PieceId, Outcome)>,
) -> Result<Vec<Message>, Halt> {
    let mut done = 0;
    for order in orders {
        if run.late() {
            break;
        }
        poison::visit(run, &order.piece.name)?;
        let made = variant(run, job, order)?;
        batch.push((order.id.clone(), Outcome::Made(made.made())));
        if job.pace != Pace::Together
            && let After::Stop(follow) = record(run, job.id, job.asked_for, &mut batch)?
        {
            return Ok(follow);
        }
        done += 1;
    }
    let mut rest = orders[done..].to_vec();
    let rest = if rest.is_empty() {
        None
    } else {
        if job.pace == Pace::Backward {
            rest.reverse();
        }
        let body = Body::Render { image: job.id, pieces: rest };
        Some(Message { attempts: job.attempts, ..body.into() })
    };
    match record(run, job.id, job.asked_for, &mut batch)? {
        After::Stop(follow) => Ok(follow),
        After::More => Ok(rest.into_iter().collect()),
    }
}

/// Writes a piece; what is stored is what is recorded.
fn variant(run: &mut Run<'_>, job: &Job, order: &Order) -> Result<Content, Halt> {
    let Content::Picture(of) = job.picture else { unreachable!("{:?}", job.picture) };
    let by = set_of(&order.piece);
    let name = run.scenario.names().find(|name| *name == order.piece.name).unwrap_or_default();
    let made = Content::Variant { of, by, name };
    let key = key(job.id, &order.id);
    let created = run.write(&key, made)?;
    if created {
        return Ok(made);
    }
    match run.read(&key) {
        Err(halt) if halt.is_missing() => Ok(made),
        stored => stored,
    }
}

/// Takes what an earlier start has written for made, and leaves the rest.
fn skip_written(
    run: &mut Run<'_>,
    id: ImageId,
    wanted: Vec<Order>,
    batch: &mut Vec<(PieceId, Outcome)>,
) -> Result<Vec<Order>, Halt> {
    let written = written(run, id)?;
    let mut rest = Vec::new();
    for order in wanted {
        let key = key(id, &order.id);
        if !written.contains(&key) {
            rest.push(order);
            continue;
        }
        match run.read(&key) {
            Ok(content) => batch.push((order.id, Outcome::Made(content.made()))),
            Err(halt) if halt.is_missing() => rest.push(order),
            Err(halt) => return Err(halt),
        }
    }
    Ok(rest)
}

fn written(run: &mut Run<'_>, id: ImageId) -> Result<Vec<Key>, Halt> {
    run.list(|key| matches!(key, Key::Variant { image, .. } if *image == id))
}

fn record(
    run: &mut Run<'_>,
    id: ImageId,
    asked_for: bool,
    batch: &mut Vec<(PieceId, Outcome)>,
) -> Result<After, Halt> {
    if asked_for && batch.is_empty() {
        return Ok(After::More);
    }
    match run.record(id, batch)? {
        Progress::Underway => {
            batch.clear();
            Ok(After::More)
        }
        Progress::Complete(revision) => {
            Ok(After::Stop(vec![Body::Completed { image: id, revision }.into()]))
        }
        Progress::Ended => Ok(After::Stop(Vec::new())),
        Progress::Erased => {
            for key in written(run, id)? {
                run.delete(&key)?;
            }
            Ok(After::Stop(Vec::new()))
        }
    }
}

fn key(image: ImageId, piece: &PieceId) -> Key {
    Key::Variant {
        image,
        revision: piece.revision.clone(),
        file: piece.name.clone(),
        visibility: Visibility::Public,
    }
}
