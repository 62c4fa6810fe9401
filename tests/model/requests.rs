//! Variants that somebody asks for. Mirrors `api::making::ask` (`pipeline/api/src/making.rs`) and
//! `Fanout::requested` (`pipeline/fanout/src/request.rs`); the decisions are `Image::ask`, `order`,
//! `record`, `give_up` and `reopen`, the product's own.
//!
//! Left out: that an asking is taken back where the fan-out could not be told (here it is as if whoever
//! asked had died), and that each variant is a `Render` of its own (here one has all).

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Image, ImageId, Message, PieceId, Revision, Sha256, Status,
    image::{self, Asking, Outcome, Purpose},
    message::{Body, Order},
    record::variant_key,
};
use stateright::Model as _;

use super::{
    answers::Found,
    calls::{Halt, Run},
    environment::Action,
    scenario::{Chance, LONG_AGO, Mutant, NOW, Scenario, Set, VISIBILITY},
    world::{Request, World},
};

/// What presets are known by.
fn digest(presets: Set) -> Revision {
    Revision::short(Sha256::of(format!("{presets:?}").as_bytes()))
}

/// The beginning, where variants may be asked for: the image is ready, and long since.
pub(super) fn begin(scenario: &Scenario) -> World {
    let fresh = World::begin(scenario);
    let mut world = fresh.clone();
    world.left[Chance::Put as usize] = 1;
    let put = Action::Put(1, Chance::Put);
    let mut next = scenario.next_state(&world, put);
    while let Some(mut then) = next {
        then.left = [0; _];
        next = scenario.what_is_left(&then);
        world = then;
    }
    world.left = fresh.left;
    if scenario.moved.is_some() {
        world.presets = Set::Second;
        world.poisonous = false;
    }
    world
}

/// Clients may ask as often as the scenario says.
pub(super) fn actions(scenario: &Scenario, world: &World) -> Option<Action> {
    let may = world.may(Chance::Request) && scenario.on_request(world.presets).next().is_some();
    let there = world.images.values().find(|image| image.flipped.is_some())?;
    may.then(|| Action::Ask(Request::Variant(there.id)))
}

/// One more has asked; who asks at the end, so that all comes to a right end, is not counted.
pub(super) fn spend(world: &mut World) {
    if world.may(Chance::Request) {
        world.spend(Chance::Request);
    }
}

/// Whoever asks next, for what somebody asked for and nothing came of.
pub(super) fn asks_next(world: &World) -> Option<Request> {
    let open = |image: &Image| image.requests.values().any(|request| !request.is_settled());
    world.images.values().find(|image| open(image)).map(|image| Request::Variant(image.id))
}

/// `api::making::ask`: written down, and only then told.
pub(super) fn ask(run: &mut Run<'_>, id: ImageId) -> Result<(), Halt> {
    let once = run.is(Mutant::AsksOnce);
    let found = run.decide(id, |scenario, world, image| {
        let files = scenario.on_request(world.presets).map(str::to_owned).collect();
        let horizon = if once { LONG_AGO - VISIBILITY } else { NOW - VISIBILITY };
        Found::Asking(image.ask(&files, &digest(world.presets), horizon, NOW))
    });
    match found {
        Ok(Found::Asking(Asking::Send(files))) => {
            let files = files.into_iter().collect();
            run.send_or_fail(&[Body::Requested { image: id, files }.into()])
        }
        // Erased meanwhile, without a trace.
        Err(halt) if halt.is_missing() => Ok(()),
        other => other.map(drop),
    }
}

/// `Fanout::requested`.
pub(super) fn requested(
    run: &mut Run<'_>,
    id: ImageId,
    files: &[String],
) -> Result<Vec<Message>, Halt> {
    let (image, presets) = match run.image_and_presets(id) {
        Err(halt) if halt.is_missing() => return Ok(Vec::new()),
        answer => answer?,
    };
    let Some(source) = &image.source else { return Ok(Vec::new()) };
    let plan = run.scenario.plan(source.sha256, presets);
    let orders = plan.on_request.iter().filter(|order| files.contains(&order.id.name));
    let mut orders: Vec<Order> = orders.cloned().collect();
    let pieces: BTreeSet<PieceId> = orders.iter().map(|order| order.id.clone()).collect();
    let join = run.is(Mutant::RequestsJoinTheSet);
    let found = run.decide(id, |_, _, image| {
        let missing = image.order(&pieces, &digest(presets));
        if join {
            let set = image.work.expected.union(&missing).cloned().collect();
            image.expect(&set, Purpose::Reopen, NOW, NOW);
        }
        Found::Pieces(missing)
    })?;
    let Found::Pieces(missing) = found else { unreachable!("{found:?}") };
    orders.retain(|order| missing.contains(&order.id));
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Body::Render { image: id, pieces: orders }.into()])
}

/// Whatever becomes of what somebody asks for, it is in no set, and no image failed by it.
pub(super) fn leave_the_set(scenario: &Scenario, world: &World) -> bool {
    let asked = |piece: &PieceId| scenario.on_request.contains(&piece.name.as_str());
    let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
    world.images.values().all(|image| {
        let by_itself = image.status != Status::Failed || image.work.ended.values().any(failed);
        by_itself && !image.work.expected.iter().chain(image.serving.keys()).any(asked)
    })
}

/// Whether all that was asked for has ended, as the presets have it that it says: made, as it is
/// stored, or failed by the poison.
pub(super) fn are_right(scenario: &Scenario, world: &World, image: &Image) -> bool {
    let stored: BTreeMap<_, _> =
        world.objects.iter().map(|(key, content)| (key.path(), content.sha256())).collect();
    let planned = |request: &image::Request| {
        let mut sets = [Set::First, Set::Second].into_iter();
        let set = sets.find(|set| digest(*set) == request.presets);
        let plan = image.source.as_ref().zip(set);
        plan.is_some_and(|(source, set)| {
            let plan = &scenario.plan(source.sha256, set).on_request;
            plan.iter().any(|order| request.piece.as_ref() == Some(&order.id))
        })
    };
    image.requests.values().all(|request| {
        request.is_settled()
            && planned(request)
            && request.ended.iter().all(|(piece, outcome)| match outcome {
                Outcome::Made(made) => {
                    stored.get(&variant_key(image, piece).path()) == Some(&made.sha256)
                }
                Outcome::Failed(_) => scenario.poison == Some(piece.name.as_str()),
                _ => false,
            })
    })
}
