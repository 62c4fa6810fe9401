//! Mirrors `domain::stage::Started`. The home sees its workers die, as on one machine: a first start
//! that was lost is counted with its death. Where the home dies too, that is a crash.

use domain::{Image, Message, image::Start, stage::MAX_ATTEMPTS};

use super::{
    answers::{Answer, Found},
    calls::{Halt, Run},
    scenario::{Mutant, NOW},
    world::{Shared, World},
};

/// Whether the image knows of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Never,
    IfLost,
    Already,
}

/// `Started::begin`, and whether the message may be started.
pub(super) fn begin(run: &mut Run<'_>, message: &mut Message) -> Result<(Counted, bool), Halt> {
    let Some((image, pieces)) = message.work() else { return Ok((Counted::Never, true)) };
    if run.is(Mutant::CopiesOfTheirOwn) {
        return Ok((Counted::Never, true));
    }
    let stage = message.stage();
    let look = |_: &_, world: &mut World| match world.images.get(&image) {
        Some(image) if pieces.iter().any(|piece| image.is_on_request(piece)) => Answer::OnRequest,
        Some(image) => Answer::Starts(image.work.starts(stage)),
        None => Answer::Missing,
    };
    let seen = match run.call(look) {
        Ok(Answer::Starts(seen)) => seen,
        Ok(Answer::OnRequest) => return Ok((Counted::Never, true)),
        Ok(other) => unreachable!("{other:?}"),
        Err(halt) if halt.is_missing() => return Ok((Counted::Never, true)),
        Err(halt) => return Err(halt),
    };
    if message.attempts.max(seen) == 0 {
        return Ok((Counted::IfLost, true));
    }
    let begins = Start::Begins { pieces: pieces.into_iter().collect(), attempts: message.attempts };
    let count =
        |_: &_, _: &mut World, image: &mut Image| Found::Starts(image.count(stage, &begins, NOW));
    match run.decide(image, count)? {
        Found::Starts(Some(before)) => {
            message.attempts = before;
            Ok((Counted::Already, before < MAX_ATTEMPTS))
        }
        _ => Ok((Counted::Never, true)),
    }
}

/// `Started::lost`, with the death itself.
pub(super) fn lost(run: &mut Run<'_>, message: &Message, counted: Counted) {
    let (Counted::IfLost, Some((id, _))) = (counted, message.work()) else { return };
    if let Some(before) = run.world.images.get(&id) {
        let mut image = Image::clone(before);
        image.count(message.stage(), &Start::Lost, NOW);
        run.world.images.insert(id, Shared::image(image));
    }
}

/// `Started::ended`. A store that does not answer leaves a start too many.
pub(super) fn ended(run: &mut Run<'_>, message: &Message, counted: Counted) -> Result<(), Halt> {
    let (Counted::Already, Some((id, _))) = (counted, message.work()) else { return Ok(()) };
    let stage = message.stage();
    let count = |_: &_, _: &mut World, image: &mut Image| {
        Found::Starts(image.count(stage, &Start::Ended, NOW))
    };
    match run.decide(id, count) {
        Ok(_) | Err(Halt::Store(_)) => Ok(()),
        Err(halt) => Err(halt),
    }
}
