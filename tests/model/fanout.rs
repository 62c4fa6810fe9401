//! Mirrors `pipeline/fanout/src`: `Fanout::spread`, `reprocess` and `send` (`spread.rs`), `announce`
//! and `bury` (`announce.rs`), `erase` (`erase.rs`), `sweep` (`sweep.rs`). Presets are in force for
//! a handler from the moment at which it looks at the image, which is earlier than in the product
//! and so allows more to happen in between.

use std::collections::BTreeSet;

use domain::{
    Image, ImageId, Key, Message, PieceId, Revision, Status,
    image::{Expectation, Flip, Progress, Purpose},
    message::Body,
};

use super::{
    answers::{Found, Seen},
    calls::{Halt, Run},
    ingest, requests,
    scenario::{ENDPOINT, Mutant, NOW, Set},
};

/// The stage of everything that is about an image as a whole.
pub(super) fn handle(run: &mut Run<'_>, message: &Message) -> Result<Vec<Message>, Halt> {
    match &message.body {
        Body::Accepted { image } => spread(run, *image, message),
        Body::Completed { image, revision } => announce(run, *image, revision),
        Body::Requested { image, files } => requests::requested(run, *image, files),
        Body::Notify { image, revision, status, .. } => {
            let notice = (*image, revision.clone(), *status);
            run.at_home(|world| {
                world.history.told.insert(notice);
            })?;
            Ok(Vec::new())
        }
        Body::Buried { image, pieces, reason, at } => {
            let pieces: BTreeSet<_> = pieces.iter().cloned().collect();
            let found = run.decide(*image, |_, _, record| {
                Found::Progress(record.give_up(&pieces, reason, *at, NOW))
            })?;
            let image = *image;
            Ok(match found {
                Found::Progress(Progress::Complete(revision)) => {
                    vec![Body::Completed { image, revision }.into()]
                }
                Found::Progress(Progress::Underway) if pieces.is_empty() => {
                    vec![Body::Accepted { image }.into()]
                }
                _ => Vec::new(),
            })
        }
        Body::Erase { image, round } => erase(run, *image, *round),
        Body::Sweep { .. } => sweep(run),
        Body::Reprocess { .. } => reprocess(run, message),
        Body::Uploaded { .. } | Body::Describe { .. } | Body::Render { .. } => {
            unreachable!("{message:?}")
        }
    }
}

fn spread(run: &mut Run<'_>, id: ImageId, message: &Message) -> Result<Vec<Message>, Halt> {
    let (image, presets) = match run.image_and_presets(id) {
        Err(halt) if halt.is_missing() => return Ok(Vec::new()),
        answer => answer?,
    };
    if image.status != Status::Processing {
        return Ok(Vec::new());
    }
    send(run, &image, presets, Purpose::Spread, message)
}

fn reprocess(run: &mut Run<'_>, message: &Message) -> Result<Vec<Message>, Halt> {
    let mut follow = Vec::new();
    for id in run.images(|_| true)? {
        let (image, presets) = run.image_and_presets(id)?;
        if let Status::Processing | Status::Ready | Status::Failed = image.status {
            follow.extend(send(run, &image, presets, Purpose::Reopen, message)?);
        }
    }
    Ok(follow)
}

fn send(
    run: &mut Run<'_>,
    image: &Seen,
    presets: Set,
    purpose: Purpose,
    message: &Message,
) -> Result<Vec<Message>, Halt> {
    let scenario = run.scenario;
    // The product fails for good here; the model shows that it never comes to it.
    let Some(source) = &image.source else { unreachable!("processing without a source") };
    let plan = scenario.plan(source.sha256, presets);
    let id = image.id;
    let work = |missing: &BTreeSet<PieceId>| {
        let mut follow: Vec<Message> = Vec::new();
        if let Some(piece) = plan.describe.clone().filter(|piece| missing.contains(piece)) {
            follow.push(Body::Describe { image: id, piece }.into());
        }
        let wanted = plan.orders.iter().filter(|order| missing.contains(&order.id));
        let orders: Vec<_> = wanted.cloned().collect();
        if !orders.is_empty() {
            follow.push(Body::Render { image: id, pieces: orders }.into());
        }
        follow
    };
    if run.is(Mutant::SendBeforeRecord) {
        run.send(&work(&plan.all))?;
    }
    match run.expect(id, &plan.all, purpose, message)? {
        Expectation::Send(_) if run.is(Mutant::SendBeforeRecord) => Ok(Vec::new()),
        Expectation::Send(missing) => Ok(work(&missing)),
        Expectation::Complete(revision) => Ok(vec![Body::Completed { image: id, revision }.into()]),
        Expectation::Underway | Expectation::Ended => Ok(Vec::new()),
    }
}

fn announce(run: &mut Run<'_>, id: ImageId, revision: &Revision) -> Result<Vec<Message>, Halt> {
    let notify = |status| {
        let (revision, endpoint) = (revision.clone(), ENDPOINT.to_owned());
        vec![Body::Notify { image: id, revision, status, endpoint }.into()]
    };
    if run.is(Mutant::SendBeforeRecord) {
        let image = run.image(id)?;
        if image.complete.as_ref() == Some(revision) {
            run.send(&notify(Status::Ready))?;
        }
    }
    let found = run.decide(id, |scenario, world, image| {
        let flip = super::mutants::flipped(scenario, world, image, revision);
        if let Flip::Now(status) = flip {
            *world.history.flips.entry((id, revision.clone(), status)).or_default() += 1;
        }
        Found::Flip(flip)
    });
    match found {
        Ok(Found::Flip(Flip::Now(status) | Flip::Before(status)))
            if !run.is(Mutant::SendBeforeRecord) =>
        {
            Ok(notify(status))
        }
        Ok(_) => Ok(Vec::new()),
        Err(halt) => Err(halt),
    }
}

/// The last round of an erasure.
const LAST_ROUND: u32 = 1;

fn erase(run: &mut Run<'_>, image: ImageId, round: u32) -> Result<Vec<Message>, Halt> {
    if !super::mutants::may_remove(run, image)? {
        return Ok(Vec::new());
    }
    run.delete(&Key::Upload { image })?;
    let ours = |key: &Key| key.image() == Some(image) && !matches!(key, Key::Upload { .. });
    for key in run.list(ours)? {
        run.delete(&key)?;
    }
    if round >= LAST_ROUND {
        super::mutants::removed(run, image)?;
        return Ok(Vec::new());
    }
    let again: Message = Body::Erase { image, round: round + 1 }.into();
    Ok(vec![again.not_before(NOW)])
}

/// Whether a sweep would find this image.
pub(super) fn is_due(image: &Image) -> bool {
    image.due_at().is_some_and(|due| due < NOW)
}

/// All phases in one step, as in the product while there is time.
fn sweep(run: &mut Run<'_>) -> Result<Vec<Message>, Halt> {
    let mut follow = Vec::new();
    for id in run.images(|image| image.status == Status::Pending && is_due(image))? {
        match uploaded(run, id)? {
            Some(message) if nudged(run, id)? => follow.push(message),
            Some(_) => {}
            None => {
                run.decide(id, |_, _, image| Found::Whether(image.expire(NOW)))?;
            }
        }
    }
    let stuck = run.images(|image| image.status == Status::Processing && is_due(image))?;
    for image in stuck {
        if nudged(run, image)? {
            follow.push(Body::Accepted { image }.into());
        }
    }
    if !run.is(Mutant::ForgetsErased) {
        for image in run.images(|image| image.status == Status::Erased && is_due(image))? {
            if nudged(run, image)? {
                follow.push(Body::Erase { image, round: 0 }.into());
            }
        }
    }
    for key in run.list(|key| matches!(key, Key::Upload { .. }))? {
        let Some(id) = key.image() else { continue };
        match run.image(id).map(|image| fate(&image)) {
            Ok(Fate::Keep) => {}
            Ok(Fate::Delete) => run.delete(&key)?,
            Ok(Fate::SayAgain) if nudged(run, id)? => follow.extend(uploaded(run, id)?),
            Ok(Fate::SayAgain) => {}
            // Nobody created it, a day after its id was made.
            Err(halt) if halt.is_missing() => run.delete(&key)?,
            Err(halt) => return Err(halt),
        }
    }
    Ok(follow)
}

fn nudged(run: &mut Run<'_>, id: ImageId) -> Result<bool, Halt> {
    match run.decide(id, |_, _, image| Found::Whether(image.nudge(NOW))) {
        Ok(found) => Ok(found == Found::Whether(true)),
        Err(halt) if halt.is_missing() => Ok(false),
        Err(halt) => Err(halt),
    }
}

/// What is to become of an uploaded object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It may be needed.
    Keep,
    /// Nobody needs it.
    Delete,
    /// Its event was lost.
    SayAgain,
}

/// `fanout::sweep::fate`.
pub(super) fn fate(image: &Seen) -> Fate {
    match image.status {
        Status::Erased => Fate::Delete,
        Status::Expired => Fate::SayAgain,
        Status::Rejected if ingest::given_up(image.problem.as_ref()) => Fate::Keep,
        Status::Ready | Status::Failed | Status::Rejected if image.expired => Fate::Delete,
        _ => Fate::Keep,
    }
}

fn uploaded(run: &mut Run<'_>, image: ImageId) -> Result<Option<Message>, Halt> {
    let key = Key::Upload { image };
    match run.read(&key) {
        Ok(content) => Ok(Some(event(key, content.etag(), None))),
        Err(halt) if halt.is_missing() => Ok(None),
        Err(halt) => Err(halt),
    }
}

/// The event of an object that arrived.
pub(super) fn event(key: Key, etag: String, bucket: Option<&str>) -> Message {
    let bucket = bucket.map(str::to_owned);
    Body::Uploaded { key, bucket, size: 100, etag, sequencer: None }.into()
}
