//! The places at which the mutants that are not an order of effects differ from the product.

use domain::{
    Image, ImageId, PieceId, Revision, Status,
    image::{Flip, Outcome, Progress},
};

use super::{
    answers::Found,
    calls::{Halt, Run},
    scenario::{Mutant, NOW, Scenario},
    world::World,
};

/// What a record found; the mutant counts instead of looking at the set.
pub(super) fn counted(
    scenario: &Scenario,
    world: &mut World,
    image: &Image,
    outcomes: &[(PieceId, Outcome)],
    progress: Progress,
) -> Progress {
    if scenario.mutant != Some(Mutant::JoinByCounter) || image.status != Status::Processing {
        return progress;
    }
    let count = world.counters.entry(image.id).or_default();
    *count += outcomes.len();
    if *count >= image.work.expected.len() {
        Progress::Complete(image.work.revision())
    } else {
        Progress::Underway
    }
}

/// The announcement; the mutant believes its counter.
pub(super) fn flipped(
    scenario: &Scenario,
    world: &World,
    image: &mut Image,
    revision: &Revision,
) -> Flip {
    let counted = scenario.mutant == Some(Mutant::JoinByCounter)
        && image.status == Status::Processing
        && image.work.revision() == *revision
        && world.counters.get(&image.id).is_some_and(|n| *n >= image.work.expected.len());
    if !counted {
        return image.flip(revision, NOW);
    }
    image.status = Status::Ready;
    image.serving = image.work.ended.clone();
    image.flipped = Some(revision.clone());
    image.flipped_as = Some(Status::Ready);
    Flip::Now(Status::Ready)
}

/// The API's erasure; the mutant leaves no tombstone.
pub(super) fn erase(run: &mut Run<'_>, id: ImageId) -> Result<(), Halt> {
    if run.is(Mutant::NoTombstone) {
        return run.at_home(|world| {
            world.images.remove(&id);
            world.history.erased.insert(id);
        });
    }
    run.decide(id, |_, world, image| {
        world.history.erased.insert(id);
        Found::Whether(image.erase(NOW))
    })?;
    Ok(())
}

/// The end of the last round of an erasure; without a tombstone there is nowhere to write it down.
pub(super) fn removed(run: &mut Run<'_>, id: ImageId) -> Result<(), Halt> {
    match run.decide(id, |_, _, image| Found::Whether(image.removed(NOW))) {
        Err(halt) if halt.is_missing() && run.is(Mutant::NoTombstone) => Ok(()),
        answer => answer.map(drop),
    }
}

/// Whether the objects of this image may be removed: its tombstone says so.
pub(super) fn may_remove(run: &mut Run<'_>, id: ImageId) -> Result<bool, Halt> {
    match run.status(id) {
        Ok(status) => Ok(status == Status::Erased),
        Err(halt) if halt.is_missing() => Ok(run.is(Mutant::NoTombstone)),
        Err(halt) => Err(halt),
    }
}
