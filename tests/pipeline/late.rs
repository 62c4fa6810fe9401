//! What is said too late: when its image was opened again meanwhile.

use std::time::Duration;

use domain::{
    Budget, Catalog as _, Clock as _, Code, DeadLetters as _, ImageId, Message, Outbox as _,
    Problem, Queue as _, Stage as _, StageName, Status,
    image::Flip,
    message::Body,
    query::Filter,
    stage::{Redriven, carry, redrive},
};

use super::{
    draw,
    world::{PRESETS, Stages, VISIBILITY, World},
};

const MORE: &str = "[variants.tiny]\nwidth = 3\nheight = 3\nformats = ['png']\n";

/// Carries one message of this stage.
async fn one(world: &World, stages: &Stages, name: StageName) {
    let lent = world.queue.receive(name, 1, VISIBILITY).await.unwrap();
    let budget = Budget::unlimited(world.clock.clone());
    carry(&*world.queue, &*world.catalog, stages.of(name), &lent[0], &budget).await.unwrap();
}

async fn reprocess(world: &World, stages: &Stages) {
    let query = Filter::default();
    world.queue.send(&[Body::Reprocess { query, cursor: None }.into()]).await.unwrap();
    one(world, stages, StageName::Fanout).await;
}

/// Whoever announced an image may die before anybody is told. Its message comes again, and finds
/// the image opened again for other presets: the ending before is told all the same.
#[tokio::test]
async fn an_ending_is_told_though_the_image_is_open_again() {
    let world = World::new();
    let id: ImageId = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let stages = world.stages();
    for name in [StageName::Ingest, StageName::Fanout, StageName::Metadata, StageName::Resize] {
        one(&world, &stages, name).await;
    }
    let revision = world.image(id).await.work.revision();
    let flip = world.catalog.flip(id, &revision, world.clock.now()).await.unwrap();
    assert_eq!(flip, Flip::Now(Status::Ready), "and then it died");
    let completed = world.queue.receive(StageName::Fanout, 1, VISIBILITY).await.unwrap();

    let stages = world.stages().with_presets(&format!("{PRESETS}\n{MORE}"));
    reprocess(&world, &stages).await;
    assert_eq!(world.status(id).await, Status::Processing);

    let message: Message = completed[0].message.clone();
    assert_eq!(message.body, Body::Completed { image: id, revision: revision.clone() });
    let budget = Budget::unlimited(world.clock.clone());
    let told = stages.fanout.handle(message, &budget).await.unwrap();
    let status = Status::Ready;
    let endpoint = "log".to_owned();
    assert_eq!(told, [Body::Notify { image: id, revision, status, endpoint }.into()]);
}

/// An image whose metadata was given up; answers its obituary, which waits in the queue.
async fn given_up(world: &World, stages: &Stages) -> (ImageId, Message) {
    let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    one(world, stages, StageName::Ingest).await;
    one(world, stages, StageName::Fanout).await;
    let lent = world.queue.receive(StageName::Metadata, 1, VISIBILITY).await.unwrap();
    let reason = Problem::new(Code::Crashed, "the worker was lost at each of 3 attempts");
    world.queue.bury(&lent[0].message, &reason).await.unwrap();
    world.queue.acknowledge(&lent[0].receipt).await.unwrap();
    let buried_at = world.clock.now();
    world.clock.advance(Duration::from_secs(1));
    (id, lent[0].message.obituary(&reason, buried_at).unwrap())
}

async fn take_back(world: &World) -> Redriven {
    let letters = world.queue.letters(None, 10).await.unwrap().items;
    assert_eq!(letters.len(), 1);
    let (catalog, queue, now) = (&*world.catalog, &*world.queue, world.clock.now());
    redrive(catalog, queue, queue, &letters[0].id, now).await.unwrap()
}

#[tokio::test]
async fn a_doubled_obituary_does_not_end_what_was_taken_back() {
    let world = World::new();
    let stages = world.stages();
    let (id, obituary) = given_up(&world, &stages).await;
    world.settle(&stages).await;
    assert_eq!(world.status(id).await, Status::Failed);
    assert_eq!(take_back(&world).await, Redriven::Sent);
    world.queue.send(&[obituary]).await.unwrap();
    one(&world, &stages, StageName::Fanout).await;
    assert_eq!(world.status(id).await, Status::Processing, "it was given up before that");
    world.settle(&stages).await;
    assert_eq!(world.status(id).await, Status::Ready);
}

#[tokio::test]
async fn a_letter_can_be_taken_back_before_its_image_was_told() {
    let world = World::new();
    let stages = world.stages();
    let (id, _waits) = given_up(&world, &stages).await;
    assert_eq!(take_back(&world).await, Redriven::Sent);
    world.settle(&stages).await;
    assert_eq!(world.status(id).await, Status::Ready);
    assert!(world.queue.letters(None, 10).await.unwrap().items.is_empty());
}

/// One copy of an upload's event is accepted, and dies before it says so; another is given up.
/// The image goes on without the sweeper.
#[tokio::test]
async fn an_upload_that_was_accepted_goes_on_when_its_event_is_given_up() {
    let world = World::new();
    let stages = world.stages();
    let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let lent = world.queue.receive(StageName::Ingest, 1, VISIBILITY).await.unwrap();
    let event = lent[0].message.clone();
    let budget = Budget::unlimited(world.clock.clone());
    stages.ingest.handle(event.clone(), &budget).await.unwrap();
    assert_eq!(world.status(id).await, Status::Processing);
    world.queue.acknowledge(&lent[0].receipt).await.unwrap();
    let reason = Problem::new(Code::Crashed, "the worker was lost at each of 3 attempts");
    world.queue.bury(&event, &reason).await.unwrap();
    world.settle(&stages).await;
    assert_eq!(world.status(id).await, Status::Ready);
}
