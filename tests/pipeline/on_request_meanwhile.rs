//! Variants on request, and what changes between asking for them and making them.

use std::collections::BTreeSet;

use domain::{Budget, Stage as _, Status, image::Outcome, message::Body};
use imaging::Limits;

use super::{
    draw,
    on_request::{WANTED, ask, listed, ready},
    world::{VISIBILITY, World},
};

/// Somebody asks for one file while another, asked for long ago, is still in the queue.
#[tokio::test]
async fn asking_for_one_file_leaves_another_in_the_queue() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    assert!(ask(&world, WANTED, id, "hero.webp").await);
    let budget = Budget::unlimited(world.clock.clone());
    let requested = Body::Requested { image: id, files: vec!["hero.webp".to_owned()] };
    let follow = stages.fanout.handle(requested.into(), &budget).await.unwrap();
    world.clock.advance(VISIBILITY * 2);
    assert!(ask(&world, WANTED, id, "hero.png").await);
    for render in follow {
        assert_eq!(stages.resize.handle(render, &budget).await.unwrap(), []);
    }
    assert_eq!(listed(&world.image(id).await), ["small.png", "hero.webp"]);
    world.settle(&stages).await;
    assert_eq!(listed(&world.image(id).await), ["small.png", "hero.png", "hero.webp"]);
}

/// What other presets had asked for is asked for anew: what they make is not what is meant now.
#[tokio::test]
async fn what_older_presets_are_still_making_is_not_the_answer() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    // One that is there already, so that it is kept whatever is asked for.
    assert!(ask(&world, WANTED, id, "hero.webp").await);
    world.settle(&stages).await;
    let budget = Budget::unlimited(world.clock.clone());
    let wider = WANTED.replace("width = 30", "width = 36");
    assert!(ask(&world, &wider, id, "hero.webp").await);
    let requested = || Body::Requested { image: id, files: vec!["hero.webp".to_owned()] };
    let wide = world.stages().with_presets(&wider);
    let late = wide.fanout.handle(requested().into(), &budget).await.unwrap();
    world.clock.advance(VISIBILITY * 2);
    let widest = WANTED.replace("width = 30", "width = 40");
    assert!(ask(&world, &widest, id, "hero.webp").await);
    for render in late {
        stages.resize.handle(render, &budget).await.unwrap();
    }
    let open = &world.image(id).await.requests["hero.webp"];
    assert!(!open.is_settled(), "{open:?}");
    world.settle(&world.stages().with_presets(&widest)).await;
    let image = world.image(id).await;
    let hero = image.outcomes().find(|(piece, _)| piece.name == "hero.webp");
    assert!(matches!(hero, Some((_, Outcome::Made(made))) if made.width == 40), "{hero:?}");
}

/// A fan-out that had read the presets before they changed makes what they ask for, and whoever asks
/// by those of now asks again.
#[tokio::test]
async fn what_older_presets_planned_is_asked_for_again() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    let wider = WANTED.replace("width = 30", "width = 36");
    assert!(ask(&world, &wider, id, "hero.webp").await);
    world.settle(&stages).await;
    assert_eq!(listed(&world.image(id).await), ["small.png", "hero.webp"]);
    assert!(!ask(&world, WANTED, id, "hero.webp").await, "by these it is there");
    assert!(ask(&world, &wider, id, "hero.webp").await, "by those it is not");
    world.settle(&world.stages().with_presets(&wider)).await;
    let image = world.image(id).await;
    let hero = image.outcomes().find(|(piece, _)| piece.name == "hero.webp");
    assert!(matches!(hero, Some((_, Outcome::Made(made))) if made.width == 36), "{hero:?}");
}

/// A variant of every upload could not be made; since then there is more memory, and the presets have
/// the same one on request.
#[tokio::test]
async fn what_failed_at_upload_can_be_asked_for() {
    let world = World::new();
    let at_once = WANTED.replacen("when = 'request'", "", 1);
    let mut stages = world.stages().with_presets(&at_once);
    stages.fanout.limits = Limits { memory: 1, ..Limits::default() };
    let id = world.upload(1, &draw::png(60, 40)).await;
    world.settle(&stages).await;
    let before = world.image(id).await;
    assert_eq!(before.status, Status::Failed);
    let [png, webp, small] =
        ["hero.png", "hero.webp", "small.png"].map(|file| format!("{file} too_much_memory"));
    assert_eq!(listed(&before), [png.as_str(), &webp, &small]);

    let stages = world.stages().with_presets(WANTED);
    assert!(ask(&world, WANTED, id, "hero.webp").await);
    world.settle(&stages).await;
    let after = world.image(id).await;
    let asked: BTreeSet<_> = after.requests.values().filter_map(|r| r.piece.clone()).collect();
    assert!(!asked.is_empty() && asked.is_subset(&before.work.expected), "{asked:?}");
    assert_eq!(listed(&after), [png.as_str(), &small, "hero.webp"]);
    assert_eq!((after.status, &after.work), (Status::Failed, &before.work));
    assert!(!ask(&world, WANTED, id, "hero.webp").await, "it is there");
}
