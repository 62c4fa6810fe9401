//! What kills its worker costs three starts and harms nobody else.

use std::sync::{Arc, Mutex};

use domain::{
    Budget, Catalog as _, Clock, Code, DeadLetters as _, Image, ImageId, Key, Message, Outbox as _,
    Queue as _, Stage as _, StageName, Status,
    image::Outcome,
    memory::{ManualClock, MemoryCatalog},
    message::Body,
    stage::{Redriven, redrive},
};
use futures::FutureExt as _;
use jiff::Timestamp;

use super::{
    draw,
    fuse::{Fuse, Lethal},
    home::{Home, Loans},
    ports::Delays,
    world::{VISIBILITY, uploaded},
};

/// Three images, of which the second is to be poisoned.
async fn batch(loans: Loans) -> (Home, [ImageId; 3]) {
    let home = Home::new(Fuse::unarmed(), Delays::NONE, loans);
    let mut images = Vec::new();
    for number in 1..=3 {
        images.push(home.upload(number, &draw::jpeg(40, 30, number)).await);
    }
    (home, images.try_into().unwrap())
}

fn starts(home: &Home, image: ImageId) -> usize {
    let render = |body: &Body| matches!(body, Body::Render { image: of, .. } if *of == image);
    home.starts.iter().filter(|message| render(&message.body)).count()
}

/// What failed, and why.
fn failures(image: &Image) -> Vec<(&str, Code)> {
    let failed = image.work.ended.iter().filter_map(|(piece, outcome)| match outcome {
        Outcome::Failed(problem) => Some((piece.name.as_str(), problem.code)),
        _ => None,
    });
    failed.collect()
}

/// Takes the only letter back, and sees it through.
async fn redriven(home: &mut Home) {
    let letters = home.world.queue.letters(None, 10).await.unwrap().items;
    assert_eq!(letters.len(), 1, "one letter for one image");
    let now = home.world.clock.now();
    let (catalog, queue) = (&*home.world.catalog, &*home.world.queue);
    let answer = redrive(catalog, queue, queue, &letters[0].id, now).await.unwrap();
    assert_eq!(answer, Redriven::Sent);
    home.settle().await;
    assert!(home.world.queue.letters(None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_killing_piece_costs_three_starts_and_only_itself() {
    for loans in [Loans::GivenBack, Loans::Elapse] {
        // In the plan's order: the first, one in the middle, and the last that is an object.
        for file in ["medium.jpeg", "medium.png", "small.jpeg", "small.webp"] {
            let (mut home, [first, killer, last]) = batch(loans).await;
            home.fuse.poison(Lethal::Making(killer, file.to_owned()));
            home.settle().await;

            assert_eq!(starts(&home, killer), 3, "{file}, {loans:?}");
            let image = home.world.catalog.image(killer).await.unwrap();
            assert_eq!(image.status, Status::Failed);
            assert_eq!(failures(&image), [(file, Code::Crashed)], "every innocent piece is made");
            assert_eq!(image.problem.unwrap().code, Code::Crashed);
            for innocent in [first, last] {
                assert_eq!(home.status(innocent).await, Status::Ready);
                assert_eq!(starts(&home, innocent), 1);
            }

            home.fuse.mend();
            redriven(&mut home).await;
            assert_eq!(home.status(killer).await, Status::Ready);
            assert_eq!(starts(&home, killer), 4);
        }
    }
}

#[tokio::test]
async fn a_killing_image_costs_three_starts_and_comes_back() {
    for loans in [Loans::GivenBack, Loans::Elapse] {
        let (mut home, [first, killer, last]) = batch(loans).await;
        home.fuse.poison(Lethal::Decoding(killer));
        home.settle().await;

        assert_eq!(starts(&home, killer), 3, "{loans:?}");
        let image = home.world.catalog.image(killer).await.unwrap();
        assert_eq!(image.status, Status::Failed);
        let failed: Vec<_> = failures(&image).into_iter().map(|(name, _)| name).collect();
        let all = ["derived", "medium.jpeg", "medium.png", "small.jpeg", "small.webp"];
        assert_eq!(failed, all, "all but the metadata");
        assert_eq!(image.problem.unwrap().code, Code::Crashed);
        for innocent in [first, last] {
            assert_eq!(home.status(innocent).await, Status::Ready);
        }

        home.fuse.mend();
        redriven(&mut home).await;
        assert_eq!(home.status(killer).await, Status::Ready);
    }
}

/// Copies of a message have no starts of their own, and whoever says again what was given up brings
/// no new ones.
#[tokio::test]
async fn copies_of_a_killer_share_its_three_starts() {
    for loans in [Loans::GivenBack, Loans::Elapse] {
        for lethal in [Lethal::Reading, Lethal::Describing, Lethal::Decoding] {
            let delays = Delays { copies: 3, ..Delays::NONE };
            let mut home = Home::new(Fuse::unarmed(), delays, loans);
            let bytes = draw::jpeg(40, 30, 1);
            let killer = home.upload(1, &bytes).await;
            home.fuse.poison(lethal(killer));
            home.settle().await;
            let poison = lethal(killer);
            assert_eq!(home.deaths, 3, "{poison:?}, {loans:?}");
            let status = home.status(killer).await;
            assert!(matches!(status, Status::Failed | Status::Rejected), "{poison:?}: {status:?}");
            assert_eq!(home.world.queue.letters(None, 10).await.unwrap().items.len(), 1);

            home.post_message(uploaded(Key::Upload { image: killer }, &bytes)).await;
            home.post(Body::Accepted { image: killer }).await;
            home.settle().await;
            assert_eq!(home.deaths, 3, "{poison:?}, {loans:?}");

            home.fuse.mend();
            redriven(&mut home).await;
            assert_eq!(home.status(killer).await, Status::Ready, "{poison:?}");
        }
    }
}

/// The same with a redrive before the cause is gone: three starts again, and the same letter.
#[tokio::test]
async fn a_redrive_that_comes_too_early_costs_three_more_starts() {
    let (mut home, [_, killer, _]) = batch(Loans::GivenBack).await;
    home.fuse.poison(Lethal::Decoding(killer));
    home.settle().await;
    let letters = home.world.queue.letters(None, 10).await.unwrap().items;
    let now = home.world.clock.now();
    let (catalog, queue) = (home.world.catalog.clone(), home.world.queue.clone());
    redrive(&*catalog, &*queue, &*queue, &letters[0].id, now).await.unwrap();
    home.settle().await;

    assert_eq!(starts(&home, killer), 6);
    assert_eq!(home.status(killer).await, Status::Failed);
    let again = home.world.queue.letters(None, 10).await.unwrap().items;
    assert_eq!(again.len(), 1);

    home.fuse.mend();
    redriven(&mut home).await;
    assert_eq!(home.status(killer).await, Status::Ready);
}

/// An image that was erased after it was given up is not brought back by its letter.
#[tokio::test]
async fn an_erased_image_is_not_brought_back() {
    let (mut home, [_, killer, _]) = batch(Loans::GivenBack).await;
    home.fuse.poison(Lethal::Decoding(killer));
    home.settle().await;
    home.erase(killer).await;
    home.settle().await;

    let letters = home.world.queue.letters(None, 10).await.unwrap().items;
    let now = home.world.clock.now();
    let (catalog, queue) = (&*home.world.catalog, &*home.world.queue);
    let answer = redrive(catalog, queue, queue, &letters[0].id, now).await.unwrap();
    assert_eq!(answer, Redriven::Needless);
    assert_eq!(home.status(killer).await, Status::Erased);
    assert!(home.world.queue.is_empty());
    assert!(home.world.queue.letters(None, 10).await.unwrap().items.is_empty());
    assert!(
        home.world.contents(&[killer]).await.keys().all(|path| !path.contains(&killer.to_string()))
    );
}

/// Counts, whenever the pixel thread is about to begin another piece, what is recorded by then.
struct Watch {
    home: std::thread::ThreadId,
    clock: Arc<ManualClock>,
    catalog: Arc<MemoryCatalog>,
    image: ImageId,
    recorded: Mutex<Vec<usize>>,
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        if std::thread::current().id() != self.home {
            // The memory catalog never waits.
            let image = self.catalog.image(self.image).now_or_never().unwrap().unwrap();
            let pixels = image.work.ended.keys().filter(|piece| piece.name != "metadata");
            self.recorded.lock().unwrap().push(pixels.count());
        }
        self.clock.now()
    }
}

/// What a piece does to its process may come at any moment of its making. So from the second start
/// on, none is begun before the one ahead of it is recorded; the first start does not wait.
#[tokio::test]
async fn after_a_lost_start_each_piece_is_recorded_before_the_next_begins() {
    for (attempts, expected) in [(0, [0, 0, 0, 0]), (1, [1, 2, 3, 4]), (2, [1, 2, 3, 4])] {
        let home = Home::new(Fuse::unarmed(), Delays::NONE, Loans::GivenBack);
        let image = home.upload(1, &draw::jpeg(40, 30, 1)).await;
        let stages = home.stages();
        let watch = Arc::new(Watch {
            home: std::thread::current().id(),
            clock: home.world.clock.clone(),
            catalog: home.world.catalog.clone(),
            image,
            recorded: Mutex::default(),
        });
        let budget = Budget::unlimited(watch.clone());
        let mut render = None;
        for name in [StageName::Ingest, StageName::Fanout] {
            let lent = home.world.queue.receive(name, 1, VISIBILITY).await.unwrap();
            let message = lent[0].message.clone();
            let follow = stages.of(name).handle(message, &budget).await.unwrap();
            home.world.queue.send(&follow).await.unwrap();
            render = follow.into_iter().find(|m| m.stage() == StageName::Resize);
        }
        let render = Message { attempts, ..render.unwrap() };
        stages.resize.handle(render, &budget).await.unwrap();
        assert_eq!(*watch.recorded.lock().unwrap(), expected, "after {attempts} lost starts");
    }
}
