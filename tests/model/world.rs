//! A state of the model: what the stores, the queue and the workers hold at one moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

use domain::{Image, ImageId, Key, Message, Revision, Status};
use jiff::{SignedDuration, Timestamp};

use super::{
    answers::Answer,
    scenario::{CHANCES, Chance, Content, LONG_AGO, NOW, Origin, Scenario, Set},
};

/// A value that is shared between states and known by its digest: states are many and differ
/// little, and some of the product's types have no order and no hash.
#[derive(Debug)]
pub(super) struct Shared<T> {
    value: Arc<T>,
    print: u64,
}

impl<T: Hash> Shared<T> {
    /// Known by its own hash.
    pub(super) fn new(value: T) -> Self {
        let print = print(&value);
        Self { value: Arc::new(value), print }
    }
}

impl Shared<Image> {
    /// An image is known by its whole entry but the number of its changes, which only grows, and that
    /// of its nudges beyond the first: time passes here for longer than any patience.
    pub(super) fn image(mut image: Image) -> Self {
        image.version = 0;
        image.work.nudges = image.work.nudges.min(1);
        let text = serde_json::to_vec(&image).expect("an image is JSON in every catalog");
        Self { print: print(&text), value: Arc::new(image) }
    }
}

/// A digest that is the same in every state of a run.
pub(super) fn print<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), print: self.print }
    }
}
impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}
impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.print);
    }
}
impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}
impl<T> Eq for Shared<T> {}
impl<T> PartialOrd for Shared<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Shared<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.print.cmp(&other.print)
    }
}

/// A message in the queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Post {
    /// What was sent, without its date.
    pub(super) message: Shared<Message>,
    /// How often this copy was lent.
    pub(super) receives: u32,
    /// Who may have it.
    pub(super) place: Place,
}

/// Who may have a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// Anybody.
    Visible,
    /// Nobody before time has passed.
    Later,
    /// The handler that it is lent to.
    Lent,
}

/// What a process carries out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Errand {
    /// A message on loan, and which loan of this copy it is.
    Message(Shared<Message>, u32),
    /// A request to the API, which answers nobody if it dies.
    Request(Request),
}

/// What clients ask the API for, once an image is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Request {
    /// `DELETE /v1/images/{id}`.
    Erase(ImageId),
    /// `GET /i/{id}/{variant}` of what waits to be asked for.
    Variant(ImageId),
    /// `POST /v1/dead-letters/redrive`, all of them.
    Redrive,
}

/// A process between two effects: what it carries out and what it was answered so far, from which
/// everything else about it follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Process {
    /// What it carries out.
    pub(super) errand: Errand,
    /// The answers to its calls.
    pub(super) journal: Vec<Answer>,
}

/// What was announced or told: which set of which image, and how it ended.
pub(super) type Notice = (ImageId, Revision, Status);

/// What happened, as far as a property asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct History {
    /// Every flip that said "now", and how often.
    pub(super) flips: BTreeMap<Notice, u8>,
    /// Every notification that went out; repetitions are one.
    pub(super) told: BTreeSet<Notice>,
    /// Starts of this round that the poison ended.
    pub(super) deaths: u8,
    /// An object whose bytes were changed.
    pub(super) changed: Option<Shared<Key>>,
    /// Images that a client erased.
    pub(super) erased: BTreeSet<ImageId>,
    /// Uploads whose write was answered with success.
    pub(super) stored: BTreeSet<u8>,
    /// Whether messages were lost, or a store's event was: then the sweeper is needed.
    pub(super) lossy: bool,
    /// Sets that were in force when a reprocessing began last.
    pub(super) reprocessed: Option<Set>,
}

/// A state.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// The catalog.
    pub(super) images: BTreeMap<ImageId, Shared<Image>>,
    /// The counters of [`Mutant::JoinByCounter`](super::scenario::Mutant).
    pub(super) counters: BTreeMap<ImageId, usize>,
    /// The object store.
    pub(super) objects: BTreeMap<Shared<Key>, Content>,
    /// What lies under the adopted key.
    pub(super) foreign: Option<Content>,
    /// The queue, in no order: sorted, so that equal queues are one state.
    pub(super) queue: Vec<Post>,
    /// Dead letters by name, and when each was buried.
    pub(super) letters: BTreeMap<String, (Shared<Message>, u8)>,
    /// How often something was buried or opened again: the order of these decides.
    pub(super) ticks: u8,
    /// Who is at work, sorted.
    pub(super) running: Vec<Process>,
    /// Requests that are not answered yet and are asked for again.
    pub(super) unanswered: BTreeSet<Request>,
    /// The presets in force.
    pub(super) presets: Set,
    /// What may still happen.
    pub(super) left: [u8; CHANCES],
    /// Whether the poison kills.
    pub(super) poisonous: bool,
    /// What happened.
    pub(super) history: History,
}

impl World {
    /// The beginning: an upload URL was given out, or nothing happened yet in the adopted bucket.
    pub(super) fn begin(scenario: &Scenario) -> Self {
        let mut left = [0; CHANCES];
        for &(chance, times) in scenario.chances {
            left[chance as usize] = times;
        }
        let images = match scenario.origin {
            Origin::Minted => {
                let id = scenario.image_of(1);
                BTreeMap::from([(id, Shared::image(Scenario::fresh(id)))])
            }
            Origin::Adopted => BTreeMap::new(),
        };
        Self {
            images,
            counters: BTreeMap::new(),
            objects: BTreeMap::new(),
            foreign: None,
            queue: Vec::new(),
            letters: BTreeMap::new(),
            ticks: 0,
            running: Vec::new(),
            unanswered: BTreeSet::new(),
            presets: Set::First,
            left,
            poisonous: scenario.poison.is_some(),
            history: History::default(),
        }
    }

    /// Whether this may happen once more.
    pub(super) fn may(&self, chance: Chance) -> bool {
        self.left[chance as usize] > 0
    }

    /// It happens.
    pub(super) fn spend(&mut self, chance: Chance) {
        self.left[chance as usize] -= 1;
    }

    /// The moment of the next burial or reopening.
    pub(super) fn tick(&mut self) -> Timestamp {
        self.ticks += 1;
        NOW + SignedDuration::from_secs(self.ticks.into())
    }

    /// Puts a message into the queue.
    pub(super) fn enqueue(&mut self, message: &Message) {
        let place = if message.not_before.is_some() { Place::Later } else { Place::Visible };
        let message = Shared::new(Message { not_before: None, ..message.clone() });
        self.queue.push(Post { message, receives: 0, place });
        self.queue.sort();
    }

    /// The state's form in which equal states are equal.
    pub(super) fn settle(&mut self) {
        self.queue.sort();
        self.running.sort();
    }

    /// Time passes, longer than any visibility time and than the sweeper's patience.
    pub(super) fn grow_old(&mut self) {
        for image in self.images.values_mut() {
            let mut old = Image::clone(image);
            old.touched_at = LONG_AGO;
            old.expires_at = LONG_AGO;
            old.work.sent_at = old.work.sent_at.map(|_| LONG_AGO);
            for request in old.requests.values_mut() {
                request.asked_at = request.asked_at.map(|_| LONG_AGO);
            }
            *image = Shared::image(old);
        }
        for post in &mut self.queue {
            if post.place == Place::Later {
                post.place = Place::Visible;
            }
        }
        self.queue.sort();
    }

    /// Whether nothing can be done before time has passed.
    pub(super) fn is_at_rest(&self) -> bool {
        self.running.is_empty() && !self.queue.iter().any(|post| post.place == Place::Visible)
    }

    /// Whether nothing waits and nobody is at work.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running.is_empty() && self.unanswered.is_empty()
    }
}

impl fmt::Debug for World {
    /// A line: enough to follow a path by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for image in self.images.values() {
            let work = &image.work;
            write!(f, "{} {}/{}", image.status.as_str(), work.ended.len(), work.expected.len())?;
            write!(f, " serving {}; ", image.serving.len())?;
        }
        let waiting: Vec<_> = self.queue.iter().map(|post| post.message.name()).collect();
        write!(f, "queue {waiting:?}; {} at work; ", self.running.len())?;
        write!(f, "{} objects", self.objects.len())
    }
}
