//! What may happen next in a state: clients, stores, the queue, time, and the processes' own steps.

use domain::{Key, Message, message::Body, query::Filter};
use stateright::{Model, Property};

use super::{
    answers::{Answer, Seen},
    calls::{Halt, Luck, Run, put},
    carrying,
    fanout::{self, Fate},
    properties, requests,
    scenario::{BUCKET, Chance, Content, NOW, Origin, Scenario, Set},
    world::{Errand, Place, Process, Request, Shared, World},
};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Bytes arrive; the store's event follows them or is lost.
    Put(u8, Chance),
    /// The same, and nobody hears of it.
    PutUnheard(u8, Chance),
    /// A client asks for something.
    Ask(Request),
    /// Other presets come into force.
    Change,
    /// All images are to be made by the presets in force.
    Reprocess,
    /// What killed the worker is mended.
    Cure,
    /// A copy more of the n-th message.
    Double(usize),
    /// The n-th message is lost.
    Lose(usize),
    /// The n-th message is lent.
    Deliver(usize),
    /// The n-th process's message is lent anew though it is still at it.
    Lapse(usize),
    /// The n-th process makes its next call.
    Step(usize),
    /// The n-th process's next call is answered "busy".
    Busy(usize),
    /// The n-th process finds its time to be up.
    Late(usize),
    /// The n-th process dies.
    Crash(usize),
    /// Time passes.
    GrowOld,
    /// The sweeper has its turn.
    Sweep,
}

impl Model for Scenario {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let asked = self.on_request(Set::Second).next().is_some();
        vec![if asked { requests::begin(self) } else { World::begin(self) }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.outside(world, actions);
        for at in 0..world.queue.len() {
            // Equal messages are equally treated.
            if at > 0 && world.queue[at] == world.queue[at - 1] {
                continue;
            }
            let post = &world.queue[at];
            if post.place == Place::Visible && world.running.len() < self.at_once {
                actions.push(Action::Deliver(at));
            }
            if world.may(Chance::Double) && doubles(&post.message) {
                actions.push(Action::Double(at));
            }
            if world.may(Chance::LoseMessage) && post.receives == 0 && heals(&post.message) {
                actions.push(Action::Lose(at));
            }
        }
        for at in 0..world.running.len() {
            if at > 0 && world.running[at] == world.running[at - 1] {
                continue;
            }
            actions.push(Action::Step(at));
            if world.may(Chance::Crash) {
                actions.push(Action::Crash(at));
            }
            let errand = &world.running[at].errand;
            if world.may(Chance::Busy) && *errand != Errand::Request(Request::Redrive) {
                actions.push(Action::Busy(at));
            }
            let Errand::Message(message, loan) = errand else { continue };
            if world.may(Chance::Lapse) && lent(world, message, *loan).is_some() {
                actions.push(Action::Lapse(at));
            }
            if world.may(Chance::Late) && matches!(message.body, Body::Render { .. }) {
                actions.push(Action::Late(at));
            }
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        match action {
            Action::Put(picture, chance) => {
                world.spend(chance);
                self.put(&mut world, picture, Heard::Yes);
            }
            Action::PutUnheard(picture, chance) => {
                world.spend(chance);
                world.spend(Chance::LoseEvent);
                self.put(&mut world, picture, Heard::No);
            }
            Action::Ask(request) => {
                match request {
                    Request::Variant(_) => requests::spend(&mut world),
                    // Nobody asks for it twice: what was erased looks gone, and the client that
                    // heard nothing, or of a busy store, may never come back.
                    Request::Erase(_) => world.spend(Chance::Erase),
                    Request::Redrive => {
                        if world.unanswered.insert(request) {
                            world.spend(Chance::Redrive);
                        }
                    }
                }
                let errand = Errand::Request(request);
                return self.begin(world, errand);
            }
            Action::Change => {
                world.spend(Chance::Change);
                world.presets = Set::Second;
            }
            Action::Reprocess => {
                world.spend(Chance::Reprocess);
                world.history.reprocessed = Some(world.presets);
                world.enqueue(&Body::Reprocess { query: Filter::default(), cursor: None }.into());
            }
            Action::Cure => {
                world.spend(Chance::Cure);
                world.poisonous = false;
            }
            Action::Double(at) => {
                world.spend(Chance::Double);
                let message = Message::clone(&world.queue[at].message);
                world.enqueue(&message);
            }
            Action::Lose(at) => {
                world.spend(Chance::LoseMessage);
                world.history.lossy = true;
                world.queue.remove(at);
            }
            Action::Deliver(at) => {
                let post = &mut world.queue[at];
                post.receives += 1;
                post.place = Place::Lent;
                let errand = Errand::Message(post.message.clone(), post.receives);
                return self.begin(world, errand);
            }
            Action::Lapse(at) => {
                world.spend(Chance::Lapse);
                give_back(&mut world, &before.running[at].errand);
            }
            Action::Crash(at) => {
                world.spend(Chance::Crash);
                let process = world.running.remove(at);
                give_back(&mut world, &process.errand);
            }
            Action::Step(at) => return self.step(world, at, Luck::Good),
            Action::Busy(at) => {
                world.spend(Chance::Busy);
                return self.step(world, at, Luck::Busy);
            }
            Action::Late(at) => {
                world.spend(Chance::Late);
                return self.step(world, at, Luck::Late);
            }
            Action::GrowOld => {
                world.grow_old();
                if world == *before {
                    return None;
                }
                if !before.is_at_rest() {
                    world.spend(Chance::Age);
                }
            }
            Action::Sweep => world.enqueue(&Body::Sweep { cursor: None }.into()),
        }
        world.settle();
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

/// What happens, in words that name the message instead of its place.
pub(super) fn describe(world: &World, action: Action) -> String {
    let errand = |at: usize| match &world.running[at].errand {
        Errand::Message(message, loan) => format!("{}, loan {loan}", message.name()),
        Errand::Request(request) => format!("{request:?}"),
    };
    match action {
        Action::Double(at) | Action::Lose(at) | Action::Deliver(at) => {
            format!("{action:?}: {}", world.queue[at].message.name())
        }
        Action::Step(at)
        | Action::Busy(at)
        | Action::Late(at)
        | Action::Crash(at)
        | Action::Lapse(at) => format!("{action:?}: {}", errand(at)),
        _ => format!("{action:?}"),
    }
}

/// Whether an event follows the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Yes,
    No,
}

impl Scenario {
    /// What clients, people, time and the sweeper may do.
    fn outside(&self, world: &World, actions: &mut Vec<Action>) {
        for (chance, picture) in [(Chance::Put, 1), (Chance::PutOther, 2), (Chance::PutLate, 1)] {
            if world.may(chance) && self.can_put(world, chance) {
                actions.push(Action::Put(picture, chance));
                if world.may(Chance::LoseEvent) {
                    actions.push(Action::PutUnheard(picture, chance));
                }
            }
        }
        for &id in world.images.keys() {
            if world.may(Chance::Erase) && !world.history.erased.contains(&id) {
                actions.push(Action::Ask(Request::Erase(id)));
            }
        }
        if world.may(Chance::Redrive) && !world.poisonous && !world.letters.is_empty() {
            actions.push(Action::Ask(Request::Redrive));
        }
        actions.extend(Self::asks_again(world).map(Action::Ask));
        actions.extend(requests::actions(self, world));
        if world.may(Chance::Change) {
            actions.push(Action::Change);
        }
        if world.may(Chance::Reprocess) && world.presets == Set::Second {
            actions.push(Action::Reprocess);
        }
        if world.may(Chance::Cure) && world.history.deaths > 0 {
            actions.push(Action::Cure);
        }
        // A handler ends, or is ended, long before its message is lent again.
        if world.running.is_empty() && (world.is_at_rest() || world.may(Chance::Age)) {
            actions.push(Action::GrowOld);
        }
        if can_sweep(world) {
            actions.push(Action::Sweep);
        }
    }

    /// Whether a person's request died unanswered, and they ask again.
    pub(super) fn asks_again(world: &World) -> Option<Request> {
        let at_work = |request| {
            world.running.iter().any(|process| process.errand == Errand::Request(request))
        };
        world.unanswered.iter().copied().find(|request| !at_work(*request))
    }

    fn can_put(&self, world: &World, chance: Chance) -> bool {
        match self.origin {
            // A URL is good until it ends; what began before may arrive after that.
            Origin::Minted => world
                .images
                .get(&self.image_of(1))
                .is_none_or(|image| (NOW < image.expires_at) == (chance != Chance::PutLate)),
            // Versions come in their order; only their events do not.
            Origin::Adopted => (chance == Chance::PutOther) != world.may(Chance::Put),
        }
    }

    fn put(&self, world: &mut World, picture: u8, heard: Heard) {
        let content = Content::Picture(picture);
        let key = self.arrival(picture);
        let bucket = match self.origin {
            Origin::Minted => {
                // The URL creates and never overwrites; the client is told, and no event follows.
                if !put(self, world, &key, content) {
                    return;
                }
                None
            }
            Origin::Adopted => {
                world.foreign = Some(content);
                Some(BUCKET)
            }
        };
        world.history.stored.insert(picture);
        if heard == Heard::Yes {
            world.enqueue(&fanout::event(key, content.etag(), bucket));
        } else {
            world.history.lossy = true;
        }
    }

    /// A process begins, and makes its first call: nothing before it can be seen.
    fn begin(&self, mut world: World, errand: Errand) -> Option<World> {
        world.running.push(Process { errand, journal: Vec::new() });
        let at = world.running.len() - 1;
        self.step(world, at, Luck::Good)
    }

    /// The n-th process makes its next call, or dies.
    pub(super) fn step(&self, mut world: World, at: usize, luck: Luck) -> Option<World> {
        let mut process = world.running.remove(at);
        let errand = process.errand.clone();
        let calls = process.journal.len();
        let mut run = Run::new(self, &mut world, &mut process.journal, luck);
        let ended = match &errand {
            Errand::Message(message, loan) => carrying::carry(&mut run, message, *loan),
            Errand::Request(request) => carrying::serve(&mut run, *request),
        };
        if luck != Luck::Good && !process.journal[calls..].iter().any(Answer::is_bad) {
            return None;
        }
        match ended {
            Ok(()) => {}
            Err(Halt::Paused) => world.running.push(process),
            Err(Halt::Died) => give_back(&mut world, &errand),
            // Its client was told, and does not come back.
            Err(Halt::Store(_)) if Errand::Request(Request::Redrive) != errand => {}
            Err(halt) => unreachable!("{errand:?} ended with {halt:?}"),
        }
        world.settle();
        Some(world)
    }
}

/// The sweeper may have its turn when something is due. Its next turn comes when what it sent has
/// been seen to; a sweeper that is faster than that is a [`Chance::Double`].
pub(super) fn can_sweep(world: &World) -> bool {
    let sent = |post: &super::world::Post| {
        matches!(
            post.message.body,
            Body::Sweep { .. }
                | Body::Uploaded { .. }
                | Body::Accepted { .. }
                | Body::Completed { .. }
                | Body::Erase { .. }
        )
    };
    if world.queue.iter().any(sent) {
        return false;
    }
    let needless = |key: &Shared<Key>| match (&**key, key.image()) {
        (Key::Upload { .. }, Some(id)) => {
            world.images.get(&id).is_none_or(|image| fanout::fate(&Seen::of(image)) != Fate::Keep)
        }
        _ => false,
    };
    world.images.values().any(|image| fanout::is_due(image)) || world.objects.keys().any(needless)
}

/// Events come twice, and so do messages of queues that deliver at least once.
fn doubles(message: &Message) -> bool {
    !matches!(message.body, Body::Sweep { .. } | Body::Notify { .. })
}

/// What the sweeper is there for, where nobody began with it. Of an announcement's notice and of an
/// obituary there is no other trace than the message: those queues must not forget.
fn heals(message: &Message) -> bool {
    matches!(
        message.body,
        Body::Uploaded { .. }
            | Body::Accepted { .. }
            | Body::Describe { .. }
            | Body::Render { .. }
            | Body::Completed { .. }
            | Body::Requested { .. }
            | Body::Erase { .. }
    )
}

fn lent(world: &World, message: &Shared<Message>, loan: u32) -> Option<usize> {
    world.queue.iter().position(|post| {
        post.message == *message && post.receives == loan && post.place == Place::Lent
    })
}

/// The visibility time of what this errand holds is over.
fn give_back(world: &mut World, errand: &Errand) {
    if let Errand::Message(message, loan) = errand
        && let Some(at) = lent(world, message, *loan)
    {
        world.queue[at].place = Place::Visible;
    }
    world.settle();
}
