//! What must hold: in every state, in every state in which all has come to rest, and, from every
//! state on, at the end of a run in which nothing more goes wrong.

use std::sync::PoisonError;

use domain::{Image, ImageId, Key, Status, image::Outcome, stage::MAX_ATTEMPTS};
use stateright::{Expectation, Property};

use super::{
    calls::Luck,
    environment::{Action, can_sweep},
    requests,
    scenario::{Content, Origin, Scenario, Set},
    world::{Notice, Place, World, print},
};

type Condition = fn(&Scenario, &World) -> bool;

/// All properties, by the sentence that each is.
const ALWAYS: [(&str, Condition); 11] = [
    ("a revision is announced at most once", announced_once),
    ("a revision is told under one id, and only after it was announced", told_as_announced),
    ("an announced set has ended, all of it", announced_complete),
    ("what serves is one whole set", one_set_serves),
    ("what is asked for is in no set and fails no image", requests::leave_the_set),
    ("an object never changes", objects_stay),
    ("what is kept for an image is that image's", bytes_are_its_own),
    ("an erased image stays erased", erase_wins),
    ("poison is started three times at most, however many copies there are", poison_ends),
    ("what crashed is healed by redelivery alone", redelivery_heals),
    ("from here all comes to a right end", comes_to_a_right_end),
];

/// The properties, and that the model reaches what it is about.
pub(super) fn all(scenario: &Scenario) -> Vec<Property<Scenario>> {
    let always = ALWAYS.iter().map(|&(name, condition)| Property {
        expectation: Expectation::Always,
        name,
        condition,
    });
    let reaches = scenario.reaches.iter().filter_map(|status| {
        let (name, condition): (_, Condition) = match status {
            Status::Ready => ("comes to rest ready", |s, w| rests(s, w, Status::Ready)),
            Status::Failed => ("comes to rest failed", |s, w| rests(s, w, Status::Failed)),
            Status::Rejected => ("comes to rest rejected", |s, w| rests(s, w, Status::Rejected)),
            Status::Expired => ("comes to rest expired", |s, w| rests(s, w, Status::Expired)),
            Status::Erased => ("comes to rest erased", |s, w| rests(s, w, Status::Erased)),
            Status::Pending | Status::Processing => return None,
        };
        Some(Property { expectation: Expectation::Sometimes, name, condition })
    });
    always.chain(reaches).collect()
}

fn rests(scenario: &Scenario, world: &World, status: Status) -> bool {
    world.images.values().any(|image| image.status == status)
        && scenario.what_is_left(world).is_none()
}

fn announced_once(_: &Scenario, world: &World) -> bool {
    let flips = &world.history.flips;
    let same = |(a, r, _): &(_, _, _)| flips.keys().filter(|(b, s, _)| (a, r) == (b, s)).count();
    flips.iter().all(|(notice, times)| *times == 1 && same(notice) == 1)
}

/// The id of a notification is a hash of image, revision, status and endpoint.
fn told_as_announced(_: &Scenario, world: &World) -> bool {
    world.history.told.iter().all(|notice| world.history.flips.contains_key(notice))
}

fn announced_complete(_: &Scenario, world: &World) -> bool {
    world.images.values().all(|image| match image.status {
        Status::Ready | Status::Failed => {
            image.work.is_complete() && image.flipped == Some(image.work.revision())
        }
        _ => true,
    })
}

fn one_set_serves(scenario: &Scenario, world: &World) -> bool {
    world.images.values().all(|image| {
        let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
        if image.flipped.is_none() {
            return image.serving.is_empty();
        }
        // Where a piece of the new set failed, the old one of that name serves on.
        if image.serving.values().any(failed) {
            let serving = image.serving.iter().filter(|(_, outcome)| !failed(outcome));
            let names: Vec<_> = serving.map(|(piece, _)| &piece.name).collect();
            return names.windows(2).all(|pair| pair[0] != pair[1]);
        }
        serving_set(scenario, image).is_some()
    })
}

/// The set whose pieces serve, all of them and no other, each with the bytes that the set asks for.
fn serving_set(scenario: &Scenario, image: &Image) -> Option<Set> {
    let source = image.source.as_ref()?;
    [Set::First, Set::Second].into_iter().find(|&set| {
        let plan = scenario.plan(source.sha256, set);
        let whole = image.serving.keys().eq(plan.all.iter());
        whole
            && image.serving.values().all(|outcome| match outcome {
                Outcome::Made(made) => matches!(
                    scenario.content(made.sha256),
                    Content::Variant { by, .. } if by == set
                ),
                Outcome::Described(_) => true,
                _ => false,
            })
    })
}

fn objects_stay(_: &Scenario, world: &World) -> bool {
    world.history.changed.is_none()
}

fn bytes_are_its_own(scenario: &Scenario, world: &World) -> bool {
    let picture_of = |id: ImageId| [1, 2].into_iter().find(|n| scenario.image_of(*n) == id);
    let sources = world.images.iter().all(|(id, image)| {
        let Some(source) = &image.source else { return true };
        let content = scenario.content(source.sha256);
        match scenario.origin {
            Origin::Minted => matches!(content, Content::Picture(_)),
            Origin::Adopted => Some(content) == picture_of(*id).map(Content::Picture),
        }
    });
    let objects = world.objects.iter().all(|(key, content)| match (&**key, scenario.origin) {
        // What an erased URL brought may lie there until the erasure comes back.
        (Key::Original { image, .. }, _) if world.history.erased.contains(image) => true,
        (Key::Original { image, hash }, origin) => {
            let own = Some(*content) == picture_of(*image).map(Content::Picture);
            content.sha256() == *hash && (own || origin == Origin::Minted)
        }
        (Key::Metadata { hash, .. }, _) => content.sha256() == *hash,
        _ => true,
    });
    sources && objects
}

fn erase_wins(_: &Scenario, world: &World) -> bool {
    world.history.erased.iter().all(|id| {
        world.images.get(id).is_none_or(|image| {
            image.status == Status::Erased
                && image.source.is_none()
                && image.serving.is_empty()
                && image.work.expected.is_empty()
                && image.filename.is_none()
        })
    })
}

/// Only copies whose first starts are under way at the same moment cost one more each, since none of
/// them can know of the others. A redrive begins anew.
fn poison_ends(scenario: &Scenario, world: &World) -> bool {
    let others_at_once = u32::try_from(scenario.at_once - 1).unwrap_or(0);
    u32::from(world.history.deaths) <= MAX_ATTEMPTS + others_at_once
}

/// Where no event and no message was lost, nothing waits for the sweeper to be worked on.
fn redelivery_heals(_: &Scenario, world: &World) -> bool {
    !world.is_idle()
        || world.history.lossy
        || world.images.values().all(|image| image.status != Status::Processing)
}

fn comes_to_a_right_end(scenario: &Scenario, world: &World) -> bool {
    let mut healed = scenario.known.healed.lock().unwrap_or_else(PoisonError::into_inner);
    let mut path = Vec::new();
    let mut world = world.clone();
    loop {
        // What may still go wrong does not matter to a run in which nothing does.
        world.left = [0; _];
        let here = print(&world);
        if healed.contains(&here) {
            break;
        }
        if path.contains(&here) {
            return false;
        }
        path.push(here);
        match scenario.what_is_left(&world) {
            Some(next) => world = next,
            None if is_right(scenario, &world) => break,
            None => return false,
        }
    }
    healed.extend(path);
    true
}

impl Scenario {
    /// The next thing to be done when nothing goes wrong any more; none when all is at rest.
    pub(super) fn what_is_left(&self, world: &World) -> Option<World> {
        use stateright::Model as _;
        if !world.running.is_empty() {
            return self.step(world.clone(), 0, Luck::Good);
        }
        if let Some(at) = world.queue.iter().position(|post| post.place == Place::Visible) {
            return self.next_state(world, Action::Deliver(at));
        }
        if let Some(request) = Self::asks_again(world) {
            return self.next_state(world, Action::Ask(request));
        }
        if let Some(older) = self.next_state(world, Action::GrowOld) {
            return Some(older);
        }
        if can_sweep(world) {
            return self.next_state(world, Action::Sweep);
        }
        self.next_state(world, Action::Ask(requests::asks_next(world)?))
    }
}

/// Whether this is how it should all have ended.
fn is_right(scenario: &Scenario, world: &World) -> bool {
    let told = |image: &Image| {
        // What was announced is told, unless something newer was announced before it could be.
        let about = |(id, revision, _): &Notice| {
            *id == image.id && Some(revision) == image.flipped.as_ref()
        };
        image.flipped.is_none() || world.history.told.iter().any(about)
    };
    let gone = |id: &ImageId| !world.objects.keys().any(|key| key.image() == Some(*id));
    world.is_idle()
        && world.history.erased.iter().all(gone)
        && world.images.values().all(|image| told(image) && is_right_image(scenario, world, image))
}

fn is_right_image(scenario: &Scenario, world: &World, image: &Image) -> bool {
    if world.history.erased.contains(&image.id) {
        return image.status == Status::Erased;
    }
    // What the client was told is stored is lost only where somebody overwrote it himself.
    let stored = world.history.stored.iter().any(|n| scenario.image_of(*n) == image.id);
    let gone = scenario.origin == Origin::Adopted
        && world.foreign.is_none_or(|content| scenario.image_of(content.number()) != image.id);
    match image.status {
        Status::Ready => {
            let set = serving_set(scenario, image);
            let newest = world.history.reprocessed.is_none_or(|wanted| set == Some(wanted));
            let asked_for = requests::are_right(scenario, world, image);
            stored && set.is_some() && newest && asked_for && all_there(world, image)
        }
        Status::Failed => {
            let asked_for = requests::are_right(scenario, world, image);
            stored && asked_for && only_poison_failed(scenario, world, image)
        }
        Status::Rejected => stored && scenario.poison == Some("upload"),
        Status::Expired => !stored || gone || scenario.origin == Origin::Adopted,
        Status::Pending | Status::Processing | Status::Erased => false,
    }
}

/// Whether the objects that serve are stored, with the bytes that were recorded.
fn all_there(world: &World, image: &Image) -> bool {
    image.serving.iter().all(|(piece, outcome)| match outcome {
        Outcome::Made(made) => {
            let key = domain::record::variant_key(image, piece);
            let found = world.objects.iter().find(|(other, _)| ***other == key);
            found.is_some_and(|(_, content)| content.sha256() == made.sha256)
        }
        _ => true,
    })
}

fn only_poison_failed(scenario: &Scenario, world: &World, image: &Image) -> bool {
    let right = |name: &str, outcome: &Outcome| match outcome {
        Outcome::Failed(_) => scenario.poison == Some(name),
        _ => true,
    };
    image.work.ended.iter().all(|(piece, outcome)| right(&piece.name, outcome))
        && all_there(world, image)
        && !world.letters.is_empty()
}
