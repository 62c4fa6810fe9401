//! What is said too late: when its image was opened again meanwhile.

use domain::{
    Budget, Catalog as _, Clock as _, ImageId, Message, Outbox as _, Queue as _, Stage as _,
    StageName, Status, image::Flip, message::Body, query::Filter, stage::carry,
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
    carry(&*world.queue, stages.of(name), &lent[0], &budget).await.unwrap();
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
