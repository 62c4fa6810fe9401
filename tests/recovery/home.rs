//! A home whose processes die and begin again.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Budget, Catalog as _, Clock as _, Failure, Image, ImageId, Message, Offers, Outbox as _,
    Queue as _, Stage, StageName, Status, StoreError, Visibility,
    image::{Asking, Request},
    memory::ManualClock,
    message::Body,
    stage::{self, carry},
};
use imaging::Presets;

use super::{
    fuse::Fuse,
    ports::{Delays, FusedCatalog, FusedObjects, FusedQueue, Random},
    world::{BEGINNING, PRESETS, Stages, VISIBILITY, World, pending},
};

/// What becomes of the messages that a process had on loan when it died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loans {
    /// Its home knows that it died, and gives them back.
    GivenBack,
    /// Nobody knows: their visibility time has to pass.
    Elapse,
}

/// The time that a message is given.
pub type Allowance = fn(&Arc<ManualClock>) -> Budget;

/// A stage, and what it was given to handle.
struct Watched<'a> {
    stage: &'a dyn Stage,
    given: Mutex<Vec<Message>>,
}

#[async_trait]
impl Stage for Watched<'_> {
    async fn handle(&self, message: Message, budget: &Budget) -> Result<Vec<Message>, Failure> {
        self.given.lock().unwrap().push(message.clone());
        self.stage.handle(message, budget).await
    }
}

/// What lasts, the ports to it, and what the next incarnation of the process is made of.
pub struct Home {
    pub world: World,
    pub fuse: Arc<Fuse>,
    pub queue: FusedQueue,
    pub loans: Loans,
    pub presets: String,
    pub allowance: Allowance,
    /// How many messages are borrowed at a time. A home that dies loses them all, so more than one
    /// is for tests in which none does.
    pub lot: usize,
    /// Every start of a handler, as it was admitted.
    pub starts: Vec<Message>,
    /// How often a process died.
    pub deaths: usize,
    order: Random,
}

impl Home {
    pub fn new(fuse: Arc<Fuse>, delays: Delays, loans: Loans) -> Self {
        let world = World::new();
        let clock = world.clock.clone();
        let queue = FusedQueue {
            inner: world.queue.clone(),
            fuse: fuse.clone(),
            delays,
            random: Random(delays.seed).into(),
            now: Arc::new(move || clock.now()),
        };
        Self {
            world,
            fuse,
            queue,
            loans,
            presets: PRESETS.to_owned(),
            allowance: |clock| Budget::unlimited(clock.clone()),
            lot: 1,
            starts: Vec::new(),
            deaths: 0,
            order: Random(!delays.seed),
        }
    }

    /// What the API does when it is asked for an upload URL.
    pub async fn create(&self, number: u8, bytes: u64, visibility: Visibility) -> ImageId {
        let millis = u64::try_from(BEGINNING.as_millisecond()).unwrap();
        let id = ImageId::mint(millis, &[number; 10]);
        let image = Image { visibility, ..pending(id, bytes, self.world.clock.now()) };
        self.world.catalog.create(&image, None).await.unwrap();
        id
    }

    /// A client's upload: created, put, and its event.
    pub async fn upload(&self, number: u8, bytes: &[u8]) -> ImageId {
        let id = self.create(number, bytes.len() as u64, Visibility::Public).await;
        let event = self.world.put(id, bytes).await;
        self.post_message(event).await;
        id
    }

    /// What the API does when somebody erases an image, in a process that may die or fail like any
    /// other. Who hears nothing looks, and asks again only where nothing has happened: an image that
    /// is erased is never asked for twice.
    pub async fn erase(&mut self, image: ImageId) {
        let objects = FusedObjects(self.world.objects.clone(), self.fuse.clone());
        let catalog = FusedCatalog(self.world.catalog.clone(), self.fuse.clone());
        while self.status(image).await != Status::Erased {
            let now = self.world.clock.now();
            let died = tokio::select! {
                biased;
                () = self.fuse.died() => true,
                // Busy, or done: the client was told, and leaves it at that.
                _ = stage::erase(&catalog, &objects, &self.queue, image, now) => false,
            };
            if died {
                self.deaths += 1;
                self.fuse.restart();
            }
        }
    }

    /// What the API does when somebody asks for a variant on request, in a process that may die or
    /// fail like any other; and what it does for those who ask next, until nothing more comes of it.
    pub async fn ask(&mut self, image: ImageId, file: &str) {
        let offers = Offers::from(&Presets::parse(&self.presets).unwrap());
        let files = BTreeSet::from([file.to_owned()]);
        loop {
            let catalog = FusedCatalog(self.world.catalog.clone(), self.fuse.clone());
            let now = self.world.clock.now();
            let asked = async {
                let horizon = now - VISIBILITY;
                let asking = catalog.ask(image, &files, &offers.presets, horizon, now).await?;
                if let Asking::Send(files) = asking {
                    let files = files.into_iter().collect();
                    self.queue.send(&[Body::Requested { image, files }.into()]).await?;
                }
                Ok::<_, StoreError>(())
            };
            let died = tokio::select! {
                biased;
                () = self.fuse.died() => true,
                // Busy, or done: whoever asks next finds out.
                _ = asked => false,
            };
            if died {
                self.deaths += 1;
                self.fuse.restart();
            }
            self.settle().await;
            let record = self.world.catalog.image(image).await.unwrap();
            if record.requests.get(file).is_some_and(Request::is_settled) {
                return;
            }
            self.world.clock.advance(VISIBILITY);
        }
    }

    pub async fn status(&self, image: ImageId) -> Status {
        self.world.catalog.image(image).await.unwrap().status
    }

    pub async fn post(&self, body: Body) {
        self.post_message(body.into()).await;
    }

    /// From outside: it is not this home's process that fails here, but the copies are made.
    pub async fn post_message(&self, message: Message) {
        let scattered = self.queue.scattered(&message);
        self.world.queue.send(&scattered).await.unwrap();
    }

    /// A new incarnation.
    pub fn stages(&self) -> Stages {
        let objects = Arc::new(FusedObjects(self.world.objects.clone(), self.fuse.clone()));
        let catalog = Arc::new(FusedCatalog(self.world.catalog.clone(), self.fuse.clone()));
        let alive_since = self.world.clock.now();
        Stages::over(objects, catalog, alive_since).with_presets(&self.presets)
    }

    /// Carries everything, through deaths and restarts.
    pub async fn settle(&mut self) {
        let mut stages = self.stages();
        let mut idle = 0;
        while !self.world.queue.is_empty() {
            let mut names = StageName::ALL;
            if self.queue.delays.longest > 0 {
                self.order.shuffle(&mut names);
            }
            let mut any = false;
            for name in names {
                let lent = self.world.queue.receive(name, self.lot, VISIBILITY).await.unwrap();
                for delivery in lent {
                    any = true;
                    let budget = (self.allowance)(&self.world.clock);
                    let catalog = FusedCatalog(self.world.catalog.clone(), self.fuse.clone());
                    let stage = Watched { stage: stages.of(name), given: Mutex::default() };
                    let died = tokio::select! {
                        biased;
                        () = self.fuse.died() => true,
                        // A send or acknowledgement that failed leaves the message on loan.
                        _ = carry(&self.queue, &catalog, &stage, &delivery, &budget) => false,
                    };
                    self.starts.extend(stage.given.into_inner().unwrap());
                    if died {
                        self.bury_the_dead(&delivery.receipt).await;
                        stages = self.stages();
                    }
                }
            }
            idle = if any { 0 } else { idle + 1 };
            assert!(idle < 3_600, "{} messages never come up", self.world.queue.len());
            if !any {
                self.world.clock.advance(Duration::from_secs(5));
            }
        }
    }

    async fn bury_the_dead(&mut self, receipt: &str) {
        self.deaths += 1;
        self.fuse.restart();
        match self.loans {
            Loans::GivenBack => self.queue.hide(receipt, Duration::ZERO).await.unwrap(),
            Loans::Elapse => self.world.clock.advance(VISIBILITY),
        }
    }
}
