//! What the sweeper heals, and what it leaves alone.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    Budget, Catalog as _, Clock as _, ImageId, Key, Message, Objects as _, Outbox as _, Queue as _,
    Stage as _, StageName, Status,
    key::Prefix,
    message::{Body, SweepCursor, SweepPhase},
};

use super::{
    draw,
    intruder::{Intruder, Moment},
    world::{BEGINNING, Stages, VISIBILITY, World, pending},
};

async fn sweep(world: &World, stages: &Stages) {
    world.queue.send(&[Body::Sweep { cursor: None }.into()]).await.unwrap();
    world.settle(stages).await;
}

/// Receives everything and throws it away.
async fn lose_all(world: &World) {
    for name in StageName::ALL {
        for delivery in world.queue.receive(name, 1_000, VISIBILITY).await.unwrap() {
            world.queue.acknowledge(&delivery.receipt).await.unwrap();
        }
    }
    assert!(world.queue.is_empty());
}

#[tokio::test]
async fn uploads_that_never_came_expire_and_those_whose_event_was_lost_do_not() {
    let world = World::new();
    let bytes = draw::jpeg(60, 40, 1);
    let never = world.create(1, 10).await.id;
    let lost = world.upload(2, &bytes).await;
    lose_all(&world).await;
    let stages = world.stages();
    sweep(&world, &stages).await;
    assert_eq!(world.status(never).await, Status::Pending, "its URL is good still");
    world.clock.advance(Duration::from_mins(16));
    sweep(&world, &stages).await;
    assert_eq!(world.status(never).await, Status::Expired);
    assert_eq!(world.status(lost).await, Status::Ready);

    // What came in the last moment is kept, although it had been given up: first by its event...
    let late = draw::jpeg(60, 40, 2);
    let other = world.create(3, late.len() as u64).await.id;
    let silent = world.create(4, late.len() as u64).await.id;
    world.clock.advance(Duration::from_mins(16));
    sweep(&world, &stages).await;
    assert_eq!(world.status(other).await, Status::Expired);
    let event = world.put(other, &late).await;
    world.queue.send(&[event]).await.unwrap();
    world.put(silent, &late).await;
    world.settle(&stages).await;
    assert_eq!(world.status(other).await, Status::Ready);
    // ... and then by the sweeper, where that was lost as well.
    sweep(&world, &stages).await;
    assert_eq!(world.status(silent).await, Status::Ready);
}

/// Every message of an image may be lost at any point of its path.
#[tokio::test]
async fn a_stuck_image_goes_on() {
    for carried in 1..8 {
        let world = World::new();
        let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
        let stages = world.stages();
        for name in StageName::ALL.into_iter().cycle().take(carried) {
            for delivery in world.queue.receive(name, 1, VISIBILITY).await.unwrap() {
                let budget = Budget::unlimited(world.clock.clone());
                domain::stage::carry(
                    &*world.queue,
                    &*world.catalog,
                    stages.of(name),
                    &delivery,
                    &budget,
                )
                .await
                .unwrap();
            }
        }
        lose_all(&world).await;
        let before = world.status(id).await;
        sweep(&world, &stages).await;
        assert_eq!(world.status(id).await, before, "not before its time");
        world.clock.advance(Duration::from_mins(31));
        sweep(&world, &stages).await;
        assert_eq!(world.status(id).await, Status::Ready, "lost after {carried} steps");
    }
}

/// Whoever wrote a tombstone may die before it says what is to be removed, and what was said may be
/// given up. Nobody asks again: what was erased looks gone.
#[tokio::test]
async fn an_erasure_that_was_cut_off_is_carried_to_its_end() {
    let world = World::new();
    let stages = world.stages();
    let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    world.settle(&stages).await;
    let objects = world.contents(&[id]).await.len();
    assert!(objects >= 6, "upload, original and four variants: {objects}");
    world.catalog.erase(id, world.clock.now()).await.unwrap();
    sweep(&world, &stages).await;
    let media: Vec<_> = Prefix::of(id).into_iter().collect();
    let left = async || {
        let mut left = 0;
        for prefix in &media {
            left += world.objects.list(prefix, None, 100).await.unwrap().items.len();
        }
        left
    };
    assert!(left().await >= 5, "its message may merely be on its way");
    world.clock.advance(Duration::from_mins(31));
    sweep(&world, &stages).await;
    assert_eq!(left().await, 0);
    let removed = world.image(id).await.removed_at;
    assert!(removed.is_some(), "the last round is written down");

    // After that, nothing is ever said of it again.
    world.clock.advance(Duration::from_hours(24 * 30));
    world.queue.send(&[Body::Sweep { cursor: None }.into()]).await.unwrap();
    while world.step(&stages).await {}
    assert!(world.queue.is_empty());
    assert_eq!(world.image(id).await.removed_at, removed);
}

/// The first round alone is not the end: a message of the last one that was lost is made up for.
#[tokio::test]
async fn an_erasure_whose_last_round_was_lost_is_due_still() {
    let world = World::new();
    let stages = world.stages();
    let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    world.settle(&stages).await;
    world.catalog.erase(id, world.clock.now()).await.unwrap();
    world.queue.send(&[Body::Erase { image: id, round: 0 }.into()]).await.unwrap();
    while world.step(&stages).await {}
    assert_eq!(world.image(id).await.removed_at, None, "late workers may write again");
    world.clock.advance(VISIBILITY * 3);
    lose_all(&world).await;
    world.clock.advance(Duration::from_mins(31));
    sweep(&world, &stages).await;
    assert!(world.image(id).await.removed_at.is_some());
}

#[tokio::test]
async fn uploaded_objects_go_when_nobody_needs_them() {
    let world = World::new();
    let stages = world.stages();
    let ready = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let refused = world.upload(2, b"no picture").await;
    world.settle(&stages).await;
    sweep(&world, &stages).await;
    let upload = |image| Key::Upload { image };
    for image in [ready, refused] {
        // Its URL could write it again, and create what was accepted as something else.
        assert!(world.objects.head(&upload(image)).await.is_ok());
    }
    let nobodys =
        ImageId::mint(u64::try_from(world.clock.now().as_millisecond()).unwrap(), &[9; 10]);
    world.put(nobodys, b"left behind").await;
    world.clock.advance(Duration::from_mins(16));
    sweep(&world, &stages).await;
    for image in [ready, refused] {
        assert!(world.objects.head(&upload(image)).await.is_err());
    }
    assert!(world.objects.head(&upload(nobodys)).await.is_ok(), "its record may be in the making");
    world.clock.advance(Duration::from_hours(24));
    sweep(&world, &stages).await;
    assert!(world.objects.head(&upload(nobodys)).await.is_err());
    assert_eq!(world.status(ready).await, Status::Ready);
}

/// At a home's start, uploads whose event it may have lost are looked for at once.
#[tokio::test]
async fn a_starting_home_looks_for_arrivals() {
    let world = World::new();
    let here = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let waiting = world.create(2, 10).await.id;
    lose_all(&world).await;
    let cursor = Some(SweepCursor { phase: SweepPhase::Arrivals, after: None });
    world.queue.send(&[Body::Sweep { cursor }.into()]).await.unwrap();
    world.settle(&world.stages()).await;
    assert_eq!(world.status(here).await, Status::Ready);
    assert_eq!(world.status(waiting).await, Status::Pending);
}

/// A sweep without time still gets to its end, a page at a time, and misses nothing.
#[tokio::test]
async fn a_sweep_goes_on_where_its_time_ran_out() {
    let world = World::new();
    for number in 0..60 {
        world.create(number, 10).await;
    }
    world.clock.advance(Duration::from_mins(16));
    let stages = world.stages();
    let spent = Budget::until(world.clock.now(), Duration::ZERO, world.clock.clone());
    let mut next: Option<Message> = Some(Body::Sweep { cursor: None }.into());
    let mut steps = 0;
    while let Some(message) = next {
        let follow = stages.fanout.handle(message, &spent).await.unwrap();
        next = follow.into_iter().next();
        steps += 1;
    }
    assert_eq!(steps, 7, "three pages of pending, and one of each other phase");
    let query = domain::query::Filter { status: Some(Status::Expired), ..Default::default() };
    assert_eq!(world.catalog.search(&query, None, 100).await.unwrap().items.len(), 60);
}

/// A store on a disk reads its whole folder for each list: many files must not mean many lists.
#[tokio::test]
async fn a_folder_is_not_listed_again_for_each_few_of_its_files() {
    let world = World::new();
    let of = |number: u16| {
        let [high, low] = number.to_be_bytes();
        ImageId::mint(1_790_000_000_000, &[high, low, 0, 0, 0, 0, 0, 0, 0, 0])
    };
    for number in 0..1_000 {
        world.put(of(number), b"left behind").await;
    }
    world.clock.advance(Duration::from_hours(25));
    let objects = Arc::new(Intruder::new(&world, Moment::Write("never"), || Box::pin(async {})));
    let stages = Stages::over(objects.clone(), world.catalog.clone(), BEGINNING);
    sweep(&world, &stages).await;
    assert_eq!(objects.lists(), 2, "of uploads and of parts");
    assert!(world.objects.head(&Key::Upload { image: of(999) }).await.is_err(), "all were seen");
}

/// Where its time runs out between two of the listed, it goes on behind the last that was seen to.
#[tokio::test]
async fn a_list_is_left_and_taken_up_again_between_two_files() {
    let world = World::new();
    let of = |number: u8| ImageId::mint(1_790_000_000_000, &[number; 10]);
    for number in 0..60 {
        world.put(of(number), b"left behind").await;
    }
    world.clock.advance(Duration::from_hours(25));
    let spent = Budget::until(world.clock.now(), Duration::ZERO, world.clock.clone());
    let uploads = SweepCursor { phase: SweepPhase::Uploads, after: None };
    let mut next: Option<Message> = Some(Body::Sweep { cursor: Some(uploads) }.into());
    let mut left = Vec::new();
    while let Some(message) = next {
        let follow = world.stages().fanout.handle(message, &spent).await.unwrap();
        next = follow.into_iter().next();
        left.push(world.objects.list(&Prefix::Uploads, None, 100).await.unwrap().items.len());
    }
    assert_eq!(left, [35, 10, 0, 0], "the last step is about parts");
}

/// Parts wait for as long as their upload does, and a day where nobody knows of it.
#[tokio::test]
async fn parts_that_nobody_completes_are_given_up() {
    let world = World::new();
    let stages = world.stages();
    let of = |number: u8| ImageId::mint(1_790_000_000_000, &[number; 10]);
    let (open, stranger, ready) = (of(1), of(2), world.upload(3, &draw::jpeg(60, 40, 1)).await);
    let record = pending(open, 1 << 30, world.clock.now());
    world.catalog.create(&record, None).await.unwrap();
    world.settle(&stages).await;
    for image in [open, stranger, ready] {
        for number in 1..=2 {
            let key = Key::Part { image, number };
            world.objects.write_if_absent(&key, Bytes::from_static(b"part")).await.unwrap();
        }
    }
    let left = async || {
        let page = world.objects.list(&Prefix::Parts, None, 100).await.unwrap();
        page.items.iter().filter_map(Key::image).collect::<BTreeSet<_>>()
    };
    sweep(&world, &stages).await;
    assert_eq!(left().await, BTreeSet::from([open, stranger]), "those of a finished upload go");
    world.clock.advance(Duration::from_mins(16));
    sweep(&world, &stages).await;
    assert_eq!(left().await, BTreeSet::from([stranger]), "those of an upload that has ended go");
    let record = world.catalog.image(open).await.unwrap();
    assert_eq!(record.status, Status::Expired);
    world.clock.advance(Duration::from_hours(25));
    sweep(&world, &stages).await;
    assert_eq!(left().await, BTreeSet::new());
}

/// Images that merely wait for a worker, behind a day of other work, are said again a few times and
/// not at every sweep.
#[tokio::test]
async fn a_long_queue_does_not_grow_by_its_sweeps() {
    let world = World::new();
    let stages = world.stages();
    let waits_for_resize = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let lent = world.queue.receive(StageName::Ingest, 1, VISIBILITY).await.unwrap();
    let carry = async |name: StageName, delivery: &domain::ports::Delivery| {
        let budget = Budget::unlimited(world.clock.clone());
        let (queue, catalog) = (&*world.queue, &*world.catalog);
        domain::stage::carry(queue, catalog, stages.of(name), delivery, &budget).await.unwrap();
    };
    carry(StageName::Ingest, &lent[0]).await;
    let waits_for_ingest = world.upload(2, &draw::jpeg(60, 40, 2)).await;
    for _ in 0..24 * 12 {
        world.clock.advance(Duration::from_mins(5));
        world.queue.send(&[Body::Sweep { cursor: None }.into()]).await.unwrap();
        loop {
            let lent = world.queue.receive(StageName::Fanout, 100, VISIBILITY).await.unwrap();
            if lent.is_empty() {
                break;
            }
            for delivery in &lent {
                carry(StageName::Fanout, delivery).await;
            }
        }
    }
    for name in [StageName::Ingest, StageName::Resize] {
        let copies = world.queue.receive(name, 1_000, Duration::ZERO).await.unwrap().len();
        assert_eq!(copies, 6, "{name:?}: after 0.5, 1.5, 3.5, 7.5 and 15.5 hours, or so");
    }
    world.settle(&stages).await;
    for id in [waits_for_resize, waits_for_ingest] {
        assert_eq!(world.status(id).await, Status::Ready);
    }
}

#[test]
fn what_was_touched_at_the_end_of_time_is_due_then() {
    let id = domain::ImageId::mint(1, &[1; 10]);
    let mut image = super::world::pending(id, 10, jiff::Timestamp::UNIX_EPOCH);
    image.status = Status::Processing;
    image.touched_at = jiff::Timestamp::MAX;
    for nudges in [0, u32::MAX] {
        image.work.nudges = nudges;
        assert_eq!(image.due_at(), Some(jiff::Timestamp::MAX));
    }
}
