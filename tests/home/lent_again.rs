//! A fan-out whose messages could not be sent, because the database did not take them, has written
//! down that they were. When its loan is over they are sent, and no sweeper has to come.

use std::time::Duration;

use domain::{
    Budget, Catalog as _, Clock as _, Message, Outbox as _, Queue as _, Stage as _, StageName,
    stage::Admission,
};
use fanout::Fanout;
use local::{database::Database, runner};

use crate::pipeline::{draw, world::World};

const DEADLINE: Duration = Duration::from_mins(1);

/// What the home's own lane does with a message that waited for it, until it has something to send.
async fn begun(world: &World, queue: &Database, fanout: &Fanout, wait: Duration) -> Vec<Message> {
    let loan = runner::visibility(DEADLINE);
    let lent = queue.receive(StageName::Fanout, 1, loan).await.expect("the database answers");
    let [delivery] = &lent[..] else { panic!("one message is there: {lent:?}") };
    let Admission::Start(started) = runner::admit(delivery) else {
        panic!("a loan that ended is nothing to give up for: {delivery:?}")
    };
    world.clock.advance(wait);
    let budget = Budget::unlimited(world.clock.clone());
    fanout.handle(started.message, &budget).await.expect("the stores answer")
}

#[tokio::test]
async fn what_could_not_be_sent_follows_when_the_loan_is_over() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let world = World::new();
    let queue =
        Database::open(&home.path().join("darkroom.db"), world.clock.clone()).expect("a database");
    let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let uploaded = world.queue.receive(StageName::Ingest, 1, DEADLINE).await.expect("memory");
    let budget = Budget::unlimited(world.clock.clone());
    let mut stages = world.stages();
    stages.fanout.patience.visibility = runner::visibility(DEADLINE);
    let accepted = stages.ingest.handle(uploaded[0].message.clone(), &budget).await;
    queue.send(&accepted.expect("a picture")).await.expect("the database answers");

    let first = begun(&world, &queue, &stages.fanout, DEADLINE).await;
    assert_eq!(first.len(), 2, "what the bytes say, and the variants: {first:?}");
    // Nothing of it is sent, and the loan ends: it began before the message was handled, so that
    // by the clock alone what was written down as sent would be left its time.
    world.clock.advance(runner::visibility(DEADLINE).saturating_sub(DEADLINE));
    let again = begun(&world, &queue, &stages.fanout, Duration::ZERO).await;
    assert_eq!(again, first);
    let image = world.catalog.image(id).await.expect("it is there");
    assert!(image.due_at() > Some(world.clock.now()), "the sweeper would not have come yet");
}
