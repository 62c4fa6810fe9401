//! The ports, as a handler of the model calls them.
//!
//! A handler is a plain function that is run from its beginning at each step: calls that it made
//! before are answered from its journal, the next one happens, and the one after that ends the
//! step. So between any two calls everything else may happen, and the handler may die.

use std::collections::BTreeSet;

use domain::{
    Failure, Image, ImageId, Key, Message, PieceId, Status, StoreError,
    image::{Expectation, Outcome, Progress, Purpose},
};

use super::{
    answers::{Answer, Found, Seen},
    mutants,
    scenario::{Content, Mutant, NOW, Scenario, Set, VISIBILITY},
    world::{Shared, World},
};

/// Why a handler does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// The step is over.
    Paused,
    /// The process died.
    Died,
    /// A store's answer, which becomes a decision as in the product.
    Store(StoreError),
    /// The handler's own.
    Failed(Failure),
}

impl Halt {
    /// Whether something is not there.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Store(StoreError::Missing(_)))
    }
}

/// How a step's own call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    /// As it should.
    Good,
    /// The store is busy and nothing happens.
    Busy,
    /// The handler's time is up before it makes the next piece.
    Late,
}

/// A handler at one step.
pub(super) struct Run<'a> {
    /// What is fixed.
    pub(super) scenario: &'a Scenario,
    /// What it works on.
    pub(super) world: &'a mut World,
    /// What it was answered so far.
    pub(super) journal: &'a mut Vec<Answer>,
    /// How this step's call ends.
    pub(super) luck: Luck,
    at: usize,
    spent: bool,
}

impl<'a> Run<'a> {
    /// From the beginning.
    pub(super) fn new(
        scenario: &'a Scenario,
        world: &'a mut World,
        journal: &'a mut Vec<Answer>,
        luck: Luck,
    ) -> Self {
        Self { scenario, world, journal, luck, at: 0, spent: false }
    }

    /// A call that may be answered "busy".
    pub(super) fn call(
        &mut self,
        effect: impl FnOnce(&Scenario, &mut World) -> Answer,
    ) -> Result<Answer, Halt> {
        match self.sure(effect, self.luck)? {
            Answer::Missing => Err(Halt::Store(StoreError::Missing("it".to_owned()))),
            Answer::Busy => Err(Halt::Store(StoreError::Busy {
                retry_after: std::time::Duration::from_secs(1),
                reason: "busy".to_owned(),
            })),
            answer => Ok(answer),
        }
    }

    fn sure(
        &mut self,
        effect: impl FnOnce(&Scenario, &mut World) -> Answer,
        luck: Luck,
    ) -> Result<Answer, Halt> {
        if self.at == self.journal.len() {
            if self.spent {
                return Err(Halt::Paused);
            }
            self.spent = true;
            let answer = match luck {
                Luck::Good | Luck::Late => effect(self.scenario, self.world),
                Luck::Busy => Answer::Busy,
            };
            self.journal.push(answer);
        }
        self.at += 1;
        Ok(self.journal[self.at - 1].clone())
    }

    /// Whether the protocol is wrong in this way.
    pub(super) fn is(&self, mutant: Mutant) -> bool {
        self.scenario.mutant == Some(mutant)
    }

    // The queue.

    /// [`Outbox::send`](domain::Outbox::send).
    pub(super) fn send(&mut self, messages: &[Message]) -> Result<(), Halt> {
        if messages.is_empty() {
            return Ok(());
        }
        self.at_home(|world| messages.iter().for_each(|message| world.enqueue(message)))
    }

    /// The same, where a queue that is busy is heard of by somebody.
    pub(super) fn send_or_fail(&mut self, messages: &[Message]) -> Result<(), Halt> {
        self.call(|_, world| {
            for message in messages {
                world.enqueue(message);
            }
            Answer::Done
        })
        .map(drop)
    }

    /// Whether the budget is spent, which a handler asks before each piece. Only bad luck is a step.
    pub(super) fn late(&mut self) -> bool {
        match self.journal.get(self.at) {
            Some(Answer::Late) => {
                self.at += 1;
                true
            }
            None if self.luck == Luck::Late && !self.spent => {
                self.spent = true;
                self.journal.push(Answer::Late);
                self.at += 1;
                true
            }
            _ => false,
        }
    }

    /// Any other effect of the home itself.
    pub(super) fn at_home(&mut self, effect: impl FnOnce(&mut World)) -> Result<(), Halt> {
        let effect = |_: &Scenario, world: &mut World| {
            effect(world);
            Answer::Done
        };
        self.sure(effect, Luck::Good)?;
        Ok(())
    }

    // Objects.

    /// [`Objects::head`](domain::Objects::head) and every read: what is there now.
    pub(super) fn read(&mut self, key: &Key) -> Result<Content, Halt> {
        let key = Shared::new(key.clone());
        match self.call(|_, world| {
            world.objects.get(&key).map_or(Answer::Missing, |c| Answer::Content(*c))
        })? {
            Answer::Content(content) => Ok(content),
            other => unreachable!("{other:?}"),
        }
    }

    /// [`Objects::write_if_absent`](domain::Objects::write_if_absent).
    /// Whether it was this write that created it.
    pub(super) fn write(&mut self, key: &Key, content: Content) -> Result<bool, Halt> {
        let answer = self.call(|scenario, world| {
            if put(scenario, world, key, content) { Answer::Done } else { Answer::Exists }
        })?;
        Ok(answer == Answer::Done)
    }

    /// [`Objects::copy`](domain::Objects::copy).
    pub(super) fn copy(&mut self, from: &Key, to: &Key) -> Result<(), Halt> {
        let from = Shared::new(from.clone());
        self.call(|scenario, world| match world.objects.get(&from).copied() {
            Some(content) => {
                put(scenario, world, to, content);
                Answer::Done
            }
            None => Answer::Missing,
        })?;
        Ok(())
    }

    /// Any read of the adopted key: what is there now.
    pub(super) fn foreign(&mut self) -> Result<Content, Halt> {
        match self.call(|_, world| world.foreign.map_or(Answer::Missing, Answer::Content))? {
            Answer::Content(content) => Ok(content),
            other => unreachable!("{other:?}"),
        }
    }

    /// [`Objects::write_stream`](domain::Objects::write_stream) of what is in the adopted bucket
    /// now. False where that is not what was read before.
    pub(super) fn copy_foreign(&mut self, to: &Key, read: Content) -> Result<bool, Halt> {
        let answer = self.call(|scenario, world| {
            if world.foreign != Some(read) {
                return Answer::Differs;
            }
            put(scenario, world, to, read);
            Answer::Done
        })?;
        Ok(answer == Answer::Done)
    }

    /// [`DeadLetters::letters`](domain::DeadLetters::letters).
    pub(super) fn letters(&mut self) -> Result<Vec<(Shared<Message>, u8)>, Halt> {
        let letters = |_: &Scenario, world: &mut World| {
            Answer::Letters(world.letters.values().cloned().collect())
        };
        match self.sure(letters, Luck::Good)? {
            Answer::Letters(letters) => Ok(letters),
            other => unreachable!("{other:?}"),
        }
    }

    /// [`Objects::delete`](domain::Objects::delete).
    pub(super) fn delete(&mut self, key: &Key) -> Result<(), Halt> {
        let key = Shared::new(key.clone());
        self.call(|_, world| {
            world.objects.remove(&key);
            Answer::Done
        })?;
        Ok(())
    }

    /// [`Objects::list`](domain::Objects::list).
    pub(super) fn list(&mut self, wanted: impl Fn(&Key) -> bool) -> Result<Vec<Key>, Halt> {
        let found = |_: &Scenario, world: &mut World| {
            Answer::Keys(world.objects.keys().filter(|key| wanted(key)).cloned().collect())
        };
        match self.call(found)? {
            Answer::Keys(keys) => Ok(keys.iter().map(|key| Key::clone(key)).collect()),
            other => unreachable!("{other:?}"),
        }
    }

    // The catalog.

    /// The state of an image.
    pub(super) fn status(&mut self, id: ImageId) -> Result<Status, Halt> {
        let look = |_: &Scenario, world: &mut World| {
            world.images.get(&id).map_or(Answer::Missing, |image| Answer::Status(image.status))
        };
        match self.call(look)? {
            Answer::Status(status) => Ok(status),
            other => unreachable!("{other:?}"),
        }
    }

    /// An image as it is.
    pub(super) fn image(&mut self, id: ImageId) -> Result<Shared<Seen>, Halt> {
        let look = |_: &Scenario, world: &mut World| match world.images.get(&id) {
            Some(image) => Answer::Image(Shared::new(Seen::of(image))),
            None => Answer::Missing,
        };
        match self.call(look)? {
            Answer::Image(seen) => Ok(seen),
            other => unreachable!("{other:?}"),
        }
    }

    /// An image and the presets in force.
    pub(super) fn image_and_presets(&mut self, id: ImageId) -> Result<(Shared<Seen>, Set), Halt> {
        let look = |_: &Scenario, world: &mut World| match world.images.get(&id) {
            Some(image) => Answer::Planned(Shared::new(Seen::of(image)), world.presets),
            None => Answer::Missing,
        };
        match self.call(look)? {
            Answer::Planned(seen, set) => Ok((seen, set)),
            other => unreachable!("{other:?}"),
        }
    }

    /// [`Catalog::search`](domain::Catalog::search) and [`Catalog::due`](domain::Catalog::due).
    pub(super) fn images(&mut self, wanted: impl Fn(&Image) -> bool) -> Result<Vec<ImageId>, Halt> {
        let found = |_: &Scenario, world: &mut World| {
            let found = world.images.values().filter(|image| wanted(image));
            Answer::Images(found.map(|image| image.id).collect())
        };
        match self.call(found)? {
            Answer::Images(ids) => Ok(ids),
            other => unreachable!("{other:?}"),
        }
    }

    /// [`Catalog::create`](domain::Catalog::create). The state of what was there before.
    pub(super) fn create(&mut self, image: Image) -> Result<Option<Status>, Halt> {
        let create = |_: &Scenario, world: &mut World| {
            if let Some(before) = world.images.get(&image.id) {
                return Answer::Status(before.status);
            }
            world.images.insert(image.id, Shared::image(image));
            Answer::Done
        };
        Ok(match self.call(create)? {
            Answer::Status(status) => Some(status),
            _ => None,
        })
    }

    /// A decision about an image, atomically.
    pub(super) fn decide(
        &mut self,
        id: ImageId,
        decide: impl FnOnce(&Scenario, &mut World, &mut Image) -> Found,
    ) -> Result<Found, Halt> {
        let change = |scenario: &Scenario, world: &mut World| {
            let Some(before) = world.images.get(&id).cloned() else { return Answer::Missing };
            let mut image = Image::clone(&before);
            let found = decide(scenario, world, &mut image);
            if image != *before {
                world.images.insert(id, Shared::image(image));
            }
            Answer::Found(Shared::new(found))
        };
        match self.call(change)? {
            Answer::Found(found) => Ok(Found::clone(&found)),
            other => unreachable!("{other:?}"),
        }
    }

    /// [`Image::record`].
    pub(super) fn record(
        &mut self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
    ) -> Result<Progress, Halt> {
        match self.decide(id, |scenario, world, image| {
            let progress = image.record(outcomes, NOW);
            Found::Progress(mutants::counted(scenario, world, image, outcomes, progress))
        })? {
            Found::Progress(progress) => Ok(progress),
            other => unreachable!("{other:?}"),
        }
    }

    /// [`Image::expect`].
    pub(super) fn expect(
        &mut self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        purpose: Purpose,
        message: &Message,
    ) -> Result<Expectation, Halt> {
        // The horizon of `fanout::Patience`: what was begun before may have died before it sent.
        let horizon =
            if message.attempts > 0 || message.retries > 0 { NOW } else { NOW - VISIBILITY };
        match self.decide(id, |_, _, image| {
            Found::Expectation(image.expect(pieces, purpose, horizon, NOW))
        })? {
            Found::Expectation(expectation) => Ok(expectation),
            other => unreachable!("{other:?}"),
        }
    }
}

/// Creates an object; one that is there stays as it is. Whether it was created.
pub(super) fn put(scenario: &Scenario, world: &mut World, key: &Key, content: Content) -> bool {
    let key = Shared::new(key.clone());
    let before = world.objects.get(&key).copied();
    if before.is_some() && scenario.mutant != Some(Mutant::OverwriteInsteadOfCreate) {
        return false;
    }
    if before.is_some_and(|before| before != content) {
        world.history.changed.get_or_insert_with(|| key.clone());
    }
    world.objects.insert(key, content);
    true
}
