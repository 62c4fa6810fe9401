//! Erasing, and everything that comes too late for it.

use std::{sync::Arc, time::Duration};

use domain::{
    Budget, Catalog as _, Clock, ImageId, Key, Objects, Outbox as _, Queue, Stage, StageName,
    Status,
    memory::ManualClock,
    message::{Body, Order},
    record::variant_key,
    stage::carry,
};
use jiff::Timestamp;
use local::worker::{grant::Grant, wire::Operation};

use super::{
    draw,
    intruder::{Intruder, Moment},
    world::{BEGINNING, Stages, VISIBILITY, World},
};
use crate::report;

/// Erases an image the moment before or after something is written for it, by a handler that had
/// seen it alive; then runs its erasure to the end. What is left must be nothing.
/// False where the moment never came.
async fn erased_at(moment: Moment) -> bool {
    let world = World::new();
    let exif = draw::tiff(&[(0x010f, draw::Tag::Text(b"Darkroom\0"))], &[], &[]);
    let bytes = draw::with_exif(&draw::jpeg(60, 40, 1), &exif);
    let image = world.upload(1, &bytes).await;
    let intruder = Arc::new(Intruder::new(&world, moment.clone(), {
        let (catalog, queue) = (world.catalog.clone(), world.queue.clone());
        let objects = world.objects.clone();
        move || {
            let (catalog, queue, objects) = (catalog.clone(), queue.clone(), objects.clone());
            Box::pin(async move {
                catalog.erase(image, BEGINNING).await.unwrap();
                queue.send(&[Body::Erase { image, round: 0 }.into()]).await.unwrap();
                // The erasure's first round overtakes the handler.
                let stages = Stages::over(objects, catalog, BEGINNING);
                let budget = Budget::unlimited(Arc::new(ManualClock::at(BEGINNING)));
                let erase = Body::Erase { image, round: 0 }.into();
                let again = domain::Stage::handle(&stages.fanout, erase, &budget).await.unwrap();
                assert_eq!(again.len(), 1, "it comes back once, for what comes late");
                assert!(again[0].not_before.is_some_and(|moment| moment > BEGINNING + VISIBILITY));
            })
        }
    }));
    let stages = Stages::over(intruder.clone(), world.catalog.clone(), BEGINNING);
    // Without the second round: the handler itself cleans up behind it.
    for _ in 0..20 {
        for name in domain::StageName::ALL {
            let lent = domain::Queue::receive(&*world.queue, name, 1, VISIBILITY).await.unwrap();
            for delivery in lent {
                if matches!(delivery.message.body, Body::Erase { .. }) {
                    continue;
                }
                let budget = Budget::unlimited(world.clock.clone());
                carry(&*world.queue, &*world.catalog, stages.of(name), &delivery, &budget)
                    .await
                    .unwrap();
            }
        }
    }
    if !intruder.came() {
        return false;
    }
    assert_eq!(world.status(image).await, Status::Erased);
    let left = world.contents(&[image]).await;
    assert!(left.is_empty(), "{moment:?} left {left:?}");
    true
}

#[tokio::test]
async fn a_handler_whose_image_was_erased_deletes_what_it_wrote() {
    let mut calls = 0;
    while erased_at(Moment::Call(calls)).await {
        calls += 1;
    }
    report::say("erasure", format_args!("erased before each of {calls} calls"));
    assert!(calls >= 10, "{calls} calls are not the path of an image");
    for part in ["v/", "m/", "medium.png", "small.webp"] {
        assert!(erased_at(Moment::Write(part)).await, "{part}");
        assert!(erased_at(Moment::Written(part)).await, "{part}");
    }
}

/// What other messages write for the image is theirs to delete, and the erasure's: a worker that
/// asked for it would be killed.
#[tokio::test]
async fn a_late_worker_deletes_what_its_own_message_may_write_and_nothing_else() {
    let world = World::new();
    let image = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let stages = world.stages();
    let take = async |name| Queue::receive(&*world.queue, name, 1, VISIBILITY).await.unwrap();
    for name in [StageName::Ingest, StageName::Fanout] {
        let budget = Budget::unlimited(world.clock.clone());
        let (queue, catalog) = (&*world.queue, &*world.catalog);
        carry(queue, catalog, stages.of(name), &take(name).await[0], &budget).await.unwrap();
    }
    let all = take(StageName::Resize).await.remove(0).message;
    let Body::Render { pieces, .. } = all.body else { panic!("{all:?}") };
    let (own, others): (Vec<_>, Vec<_>) =
        pieces.into_iter().partition(|order| order.id.name.starts_with("small."));
    let record = world.image(image).await;
    let keys = |orders: &[Order]| -> Vec<Key> {
        let files = orders.iter().filter(|order| order.id.name.contains('.'));
        files.map(|order| variant_key(&record, &order.id)).collect()
    };
    for key in keys(&others) {
        Objects::write_if_absent(&*world.objects, &key, "another worker's".into()).await.unwrap();
    }
    let intruder = Arc::new(Intruder::new(&world, Moment::Write("small"), {
        let catalog = world.catalog.clone();
        move || {
            let catalog = catalog.clone();
            Box::pin(async move { drop(catalog.erase(image, BEGINNING).await.unwrap()) })
        }
    }));
    let late = Stages::over(intruder.clone(), world.catalog.clone(), BEGINNING);
    let expected = keys(&own);
    assert_eq!((expected.len(), keys(&others).len()), (2, 2));
    let message = domain::Message::from(Body::Render { image, pieces: own });
    let budget = Budget::unlimited(world.clock.clone());
    let follow = Stage::handle(&late.resize, message.clone(), &budget).await.unwrap();
    assert!(intruder.came() && follow.is_empty(), "{follow:?}");
    let (mut expected, mut deleted) = (expected, intruder.deleted());
    expected.sort();
    deleted.sort();
    assert_eq!(deleted, expected);
    let grant = Grant::of(&message).expect("a worker handles it");
    for key in deleted {
        assert!(grant.allows(&Operation::Delete { key: key.clone() }), "{key}");
    }
}

/// A handler that dies after it wrote for an erased image cannot clean up: the second round does.
#[tokio::test]
async fn the_second_round_takes_what_a_dead_handler_left() {
    let world = World::new();
    let image = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let stages = world.stages();
    world.settle(&stages).await;
    let late = world.image(image).await;
    world.catalog.erase(image, world.clock.now()).await.unwrap();
    let begun = world.clock.now();
    world.queue.send(&[Body::Erase { image, round: 0 }.into()]).await.unwrap();
    while world.step(&stages).await {}
    assert!(world.contents(&[image]).await.is_empty());
    let piece = late.serving.keys().find(|piece| piece.name.contains('.')).unwrap();
    let key = domain::record::variant_key(&late, piece);
    domain::Objects::write_if_absent(&*world.objects, &key, "late".into()).await.unwrap();
    world.settle(&stages).await;
    assert!(world.contents(&[image]).await.is_empty());
    let waited = world.clock.now().duration_since(begun);
    assert!(waited >= (VISIBILITY * 3).try_into().unwrap(), "{waited}: a worker may live longer");
}

/// Events on an erased record delete the object again, and bring nothing back.
#[tokio::test]
async fn an_upload_after_the_erasure_is_deleted() {
    let world = World::new();
    let bytes = draw::jpeg(60, 40, 1);
    let image = world.create(1, bytes.len() as u64).await.id;
    let stages = world.stages();
    world.catalog.erase(image, world.clock.now()).await.unwrap();
    world.queue.send(&[Body::Erase { image, round: 0 }.into()]).await.unwrap();
    world.settle(&stages).await;
    let event = world.put(image, &bytes).await;
    world.queue.send(&[event]).await.unwrap();
    world.settle(&stages).await;
    assert!(world.contents(&[image]).await.is_empty());
    assert_eq!(world.status(image).await, Status::Erased);
}

/// The word of a message is not enough to delete by.
#[tokio::test]
async fn only_an_erased_image_loses_its_objects() {
    let world = World::new();
    let image = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let stages = world.stages();
    world.settle(&stages).await;
    let before = world.contents(&[image]).await;
    let unknown = ImageId::mint(7, &[7; 10]);
    let erase = |image| Body::Erase { image, round: 0 }.into();
    world.queue.send(&[erase(image), erase(unknown)]).await.unwrap();
    world.settle(&stages).await;
    assert_eq!(world.contents(&[image]).await, before);
    assert_eq!(world.status(image).await, Status::Ready);
}

/// A clock that moves on by a second whenever somebody looks at it.
struct CountedClock(std::sync::atomic::AtomicU64);

impl Clock for CountedClock {
    fn now(&self) -> Timestamp {
        let looks = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        BEGINNING + Duration::from_secs(looks)
    }
}

#[tokio::test]
async fn erasing_goes_on_where_its_time_ran_out() {
    let world = World::new();
    let image = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let stages = world.stages();
    world.settle(&stages).await;
    world.catalog.erase(image, world.clock.now()).await.unwrap();
    let mut steps = 0;
    let mut next: domain::Message = Body::Erase { image, round: 0 }.into();
    while let Body::Erase { round: 0, .. } = next.body {
        let clock = Arc::new(CountedClock(0.into()));
        // Spent at the first look.
        let budget = Budget::until(BEGINNING, Duration::ZERO, clock);
        let mut follow = domain::Stage::handle(&stages.fanout, next, &budget).await.unwrap();
        assert_eq!(follow.len(), 1);
        next = follow.remove(0);
        steps += 1;
    }
    assert!(world.contents(&[image]).await.is_empty());
    assert!(steps >= 5, "original and four variants by {steps} messages");
}
