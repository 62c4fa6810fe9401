//! Variants that are made when somebody asks for them.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    Budget, Catalog as _, Code, DeadLetters as _, Image, ImageId, Key, Message, Objects as _,
    Offers, Outbox as _, Stage as _, Status,
    image::{Asking, Outcome},
    memory::ManualClock,
    message::Body,
    query::Filter,
    record::{Record, variant_key},
    stage::{Redriven, redrive},
};
use imaging::{Limits, Presets};

use super::{
    draw,
    intruder::{Intruder, Moment},
    world::{BEGINNING, Stages, VISIBILITY, World},
};

/// One for every upload, and some for whoever asks. `wide` is wider than WebP can be, `vast` larger
/// than the memory is.
pub(super) const WANTED: &str = "
[variants.small]
width = 8
formats = ['png']
[variants.hero]
width = 30
formats = ['webp', 'png']
when = 'request'
[variants.wide]
fit = 'fill'
width = 17000
height = 1
enlarge = true
formats = ['webp']
when = 'request'
[variants.vast]
width = 60000
enlarge = true
formats = ['png']
when = 'request'
";

/// Asks as the API does. True where the fan-out was told.
pub(super) async fn ask(world: &World, presets: &str, image: ImageId, file: &str) -> bool {
    let offers = Offers::from(&Presets::parse(presets).unwrap());
    assert!(offers.files.contains(file), "{file} is offered");
    let now = domain::Clock::now(&*world.clock);
    let files = BTreeSet::from([file.to_owned()]);
    let horizon = now - VISIBILITY;
    match world.catalog.ask(image, &files, &offers.presets, horizon, now).await.unwrap() {
        Asking::Send(files) => {
            let files = files.into_iter().collect();
            world.queue.send(&[Body::Requested { image, files }.into()]).await.unwrap();
            true
        }
        Asking::Underway | Asking::Ended => false,
    }
}

pub(super) async fn ready(world: &World, stages: &Stages) -> ImageId {
    let id = world.upload(1, &draw::png(60, 40)).await;
    world.settle(stages).await;
    assert_eq!(world.status(id).await, Status::Ready);
    id
}

/// The variants that the record lists, each with what it says of it.
pub(super) fn listed(image: &Image) -> Vec<String> {
    let record = Record::of(image, &|key| Some(key.path()));
    let word = |variant: &domain::record::Variant| match (&variant.url, &variant.failed) {
        (Some(_), None) => format!("{}.{}", variant.name, variant.format),
        (None, Some(why)) => format!("{}.{} {}", variant.name, variant.format, why.code),
        other => panic!("{other:?}"),
    };
    record.variants.iter().map(word).collect()
}

#[tokio::test]
async fn what_waits_to_be_asked_for_is_not_made_at_upload() {
    let world = World::new();
    let id = ready(&world, &world.stages().with_presets(WANTED)).await;
    let image = world.image(id).await;
    assert_eq!(listed(&image), ["small.png"]);
    let names: Vec<_> = image.work.expected.iter().map(|piece| piece.name.as_str()).collect();
    assert_eq!(names, ["derived", "metadata", "small.png"]);
}

#[tokio::test]
async fn however_many_ask_it_is_made_once() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    let before = world.image(id).await;
    let mut told = 0;
    for _ in 0..100 {
        told += usize::from(ask(&world, WANTED, id, "hero.webp").await);
    }
    assert_eq!(told, 1, "of a hundred who ask, one tells the fan-out");
    // And should the queue deliver that a hundred times, it is still one object.
    let again: Message = Body::Requested { image: id, files: vec!["hero.webp".to_owned()] }.into();
    for _ in 0..100 {
        world.queue.send(std::slice::from_ref(&again)).await.unwrap();
    }
    world.settle(&stages).await;

    let image = world.image(id).await;
    assert_eq!(listed(&image), ["small.png", "hero.webp"]);
    assert_eq!((image.status, &image.work), (Status::Ready, &before.work));
    assert_eq!((&image.flipped, &image.serving), (&before.flipped, &before.serving));
    let (piece, _) = image.outcomes().find(|(piece, _)| piece.name == "hero.webp").unwrap();
    let bytes = world.objects.read(&variant_key(&image, piece)).await.unwrap();
    let seen = image::load_from_memory(&bytes).unwrap();
    assert_eq!((seen.width(), seen.height()), (30, 20));
    let objects = world.contents(&[id]).await;
    assert_eq!(objects.keys().filter(|path| path.contains("/hero.")).count(), 1);
    assert!(!ask(&world, WANTED, id, "hero.webp").await, "it is there");

    // The same picture is made, with the same name, where it is made at once.
    let plan = Presets::parse(WANTED).unwrap();
    let source = image.source.as_ref().unwrap();
    let plan = plan.plan_on_request(&source.header, None);
    let planned = plan.pieces.iter().find(|planned| planned.name == "hero.webp").unwrap();
    assert_eq!(piece.revision.as_str(), planned.revision(&source.sha256.0));
}

#[tokio::test]
async fn what_cannot_be_made_fails_alone_and_is_not_tried_again() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    for (file, why) in [("wide.webp", "side_too_long"), ("vast.png", "too_much_memory")] {
        assert!(ask(&world, WANTED, id, file).await);
        world.settle(&stages).await;
        let image = world.image(id).await;
        assert_eq!((image.status, &image.problem), (Status::Ready, &None));
        let listed = listed(&image);
        assert!(listed.contains(&format!("{file} {why}")), "{listed:?}");
        world.clock.advance(VISIBILITY * 100);
        assert!(!ask(&world, WANTED, id, file).await, "a failure is not tried again");
    }
    // Until somebody has the image made anew.
    let reprocess = Body::Reprocess { query: Filter::default(), cursor: None };
    world.queue.send(&[reprocess.into()]).await.unwrap();
    world.settle(&stages).await;
    assert_eq!(listed(&world.image(id).await), ["small.png"]);
    assert!(ask(&world, WANTED, id, "wide.webp").await);
}

#[tokio::test]
async fn what_was_given_up_is_redriven_by_itself() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    assert!(ask(&world, WANTED, id, "hero.png").await);
    let budget = Budget::unlimited(world.clock.clone());
    let requested = Body::Requested { image: id, files: vec!["hero.png".to_owned()] };
    let follow = stages.fanout.handle(requested.into(), &budget).await.unwrap();
    let [render] = follow.as_slice() else { panic!("{follow:?}") };
    let reason = domain::Problem::new(Code::Crashed, "the worker was lost at each of 3 attempts");
    world.clock.advance(VISIBILITY / 2);
    world.queue.bury(render, &reason).await.unwrap();
    let pieces = match &render.body {
        Body::Render { pieces, .. } => pieces.iter().map(|order| order.id.clone()).collect(),
        other => panic!("{other:?}"),
    };
    world.catalog.give_up(id, &pieces, &reason, None, BEGINNING).await.unwrap();
    let image = world.image(id).await;
    assert_eq!(
        (image.status, listed(&image)),
        (Status::Ready, vec!["small.png".to_owned(), "hero.png crashed".to_owned()])
    );

    let letters = world.queue.letters(None, 10).await.unwrap().items;
    let now = domain::Clock::now(&*world.clock);
    let (catalog, queue) = (&*world.catalog, &*world.queue);
    let redriven = redrive(catalog, queue, queue, &letters[0].id, now).await.unwrap();
    assert_eq!(redriven, Redriven::Sent);
    // What was said of it before it was opened again does not end it.
    world.catalog.give_up(id, &pieces, &reason, Some(BEGINNING), now).await.unwrap();
    world.settle(&stages).await;
    let image = world.image(id).await;
    assert_eq!(
        (image.status, listed(&image)),
        (Status::Ready, vec!["small.png".to_owned(), "hero.png".to_owned()])
    );
}

#[tokio::test]
async fn what_was_lost_is_asked_for_again() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    // The API dies after it wrote down that somebody asked, before it told the fan-out.
    let offers = Offers::from(&Presets::parse(WANTED).unwrap());
    let files = BTreeSet::from(["hero.webp".to_owned()]);
    let asking = world.catalog.ask(id, &files, &offers.presets, BEGINNING, BEGINNING).await;
    assert!(matches!(asking, Ok(Asking::Send(_))));
    assert!(!ask(&world, WANTED, id, "hero.webp").await, "it is left its time");
    world.clock.advance(VISIBILITY);
    assert!(ask(&world, WANTED, id, "hero.webp").await);
    // The fan-out dies after it wrote down what that came to, before it sent the order.
    let budget = Budget::unlimited(world.clock.clone());
    let requested: Message = Body::Requested { image: id, files: vec!["hero.webp".into()] }.into();
    let lost = stages.fanout.handle(requested.clone(), &budget).await.unwrap();
    let sent = stages.fanout.handle(requested, &budget).await.unwrap();
    assert_eq!((lost.len(), &sent), (1, &lost), "a redelivery sends it again");
    world.settle(&stages).await;
    assert_eq!(listed(&world.image(id).await), ["small.png", "hero.webp"]);
}

/// What nobody asked for, or what the presets do not have on request, is not made for a message's
/// word alone.
#[tokio::test]
async fn a_message_alone_makes_nothing() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    let before = (world.image(id).await, world.contents(&[id]).await);
    for file in ["hero.webp", "small.png", "small.webp", "nothing.png", "derived", "../x"] {
        let files = vec![file.to_owned()];
        world.queue.send(&[Body::Requested { image: id, files }.into()]).await.unwrap();
    }
    let nobody = ImageId::mint(7, &[7; 10]);
    let files = vec!["hero.webp".to_owned()];
    world.queue.send(&[Body::Requested { image: nobody, files }.into()]).await.unwrap();
    world.settle(&stages).await;
    assert_eq!((world.image(id).await, world.contents(&[id]).await), before);
}

#[tokio::test]
async fn erasing_wins_over_asking() {
    for moment in [Moment::Write("/hero."), Moment::Written("/hero.")] {
        let world = World::new();
        let stages = world.stages().with_presets(WANTED);
        let id = ready(&world, &stages).await;
        assert!(ask(&world, WANTED, id, "hero.webp").await);
        // Erased while the worker is at it, and all its objects removed.
        let intruder = Arc::new(Intruder::new(&world, moment, {
            let (catalog, objects) = (world.catalog.clone(), world.objects.clone());
            move || {
                let (catalog, objects) = (catalog.clone(), objects.clone());
                Box::pin(async move {
                    catalog.erase(id, BEGINNING).await.unwrap();
                    let stages = Stages::over(objects, catalog, BEGINNING);
                    let budget = Budget::unlimited(Arc::new(ManualClock::at(BEGINNING)));
                    let erase = Body::Erase { image: id, round: 1 }.into();
                    stages.fanout.handle(erase, &budget).await.unwrap();
                })
            }
        }));
        let during = Stages::over(intruder.clone(), world.catalog.clone(), BEGINNING);
        world.settle(&during.with_presets(WANTED)).await;
        assert!(intruder.came());
        assert!(world.contents(&[id]).await.is_empty(), "the worker removed what it wrote");

        // A late ask, a late message and a late order come to nothing.
        assert!(!ask(&world, WANTED, id, "hero.png").await);
        let files = vec!["hero.png".to_owned(), "hero.webp".to_owned()];
        world.queue.send(&[Body::Requested { image: id, files }.into()]).await.unwrap();
        world.settle(&stages).await;
        let image = world.image(id).await;
        assert_eq!((image.status, image.requests.len()), (Status::Erased, 0));
        assert!(world.contents(&[id]).await.is_empty());
    }
}

#[tokio::test]
async fn by_other_presets_it_is_made_anew_and_the_old_serves_meanwhile() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    assert!(ask(&world, WANTED, id, "hero.webp").await);
    world.settle(&stages).await;
    let made = |image: &Image| -> Vec<_> {
        let hero = image.outcomes().filter(|(piece, _)| piece.name == "hero.webp");
        hero.map(|(piece, outcome)| match outcome {
            Outcome::Made(made) => (piece.revision.clone(), made.width),
            other => panic!("{other:?}"),
        })
        .collect()
    };
    let old = made(&world.image(id).await);
    assert_eq!(old[0].1, 30);

    // What else changes is nothing to it: it is not even asked for again.
    let other = WANTED.replace("width = 8", "width = 9");
    let stages = world.stages().with_presets(&other);
    let objects = world.contents(&[id]).await;
    assert!(!ask(&world, &other, id, "hero.webp").await);
    world.settle(&stages).await;
    assert_eq!((made(&world.image(id).await), world.contents(&[id]).await), (old.clone(), objects));

    let wider = WANTED.replace("width = 30", "width = 36");
    let stages = world.stages().with_presets(&wider);
    assert!(ask(&world, &wider, id, "hero.webp").await);
    assert_eq!(made(&world.image(id).await), old, "the old one serves");
    world.settle(&stages).await;
    let new = made(&world.image(id).await);
    assert_eq!((new.len(), new[0].1), (1, 36));
    assert_ne!(new[0].0, old[0].0);
    let old = Key::Variant {
        image: id,
        revision: old[0].0.clone(),
        file: "hero.webp".to_owned(),
        visibility: domain::Visibility::Public,
    };
    assert!(world.objects.head(&old).await.is_ok(), "a URL, once given, shows what it showed");

    // A picture that cannot be made replaces nothing.
    let vast = WANTED.replace("width = 30", "width = 60000\nenlarge = true");
    assert!(ask(&world, &vast, id, "hero.webp").await);
    world.settle(&world.stages().with_presets(&vast)).await;
    let image = world.image(id).await;
    assert_eq!(listed(&image).len(), 3, "small, the hero that serves, and why there is no newer");
    assert_eq!(image.status, Status::Ready);
}

/// Reprocessing makes the set anew, and leaves alone what was asked for beside it.
#[tokio::test]
async fn a_reprocessing_keeps_what_was_asked_for() {
    let world = World::new();
    let stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    assert!(ask(&world, WANTED, id, "hero.webp").await);
    world.settle(&stages).await;
    let other = WANTED.replace("width = 8", "width = 9");
    let stages = world.stages().with_presets(&other);
    let reprocess = Body::Reprocess { query: Filter::default(), cursor: None };
    world.queue.send(&[reprocess.into()]).await.unwrap();
    world.step(&stages).await;
    assert_eq!(world.status(id).await, Status::Processing);
    assert!(ask(&world, &other, id, "hero.png").await, "also while the set is made anew");
    world.settle(&stages).await;
    let image = world.image(id).await;
    assert_eq!(image.status, Status::Ready);
    assert_eq!(listed(&image), ["small.png", "hero.png", "hero.webp"]);
    assert_eq!(image.work.round, 1, "the set was announced anew, once");
}

/// The largest that fits is made beside any other: the memory of each is its own.
#[tokio::test]
async fn each_variant_has_the_whole_memory() {
    let world = World::new();
    let mut stages = world.stages().with_presets(WANTED);
    let id = ready(&world, &stages).await;
    let source = world.image(id).await.source.unwrap();
    let plan = Presets::parse(WANTED).unwrap().plan_on_request(&source.header, None);
    let needed = |name: &str| {
        let pieces = plan.pieces.iter().filter(|piece| piece.name.starts_with(name)).cloned();
        imaging::Plan { pieces: pieces.collect() }.memory(&source.header)
    };
    stages.fanout.limits =
        Limits { memory: needed("hero").max(needed("wide")), ..Limits::default() };
    let files = ["hero.webp", "hero.png", "wide.webp"];
    for file in files {
        assert!(ask(&world, WANTED, id, file).await);
    }
    let budget = Budget::unlimited(world.clock.clone());
    let files = files.map(str::to_owned).to_vec();
    let requested = Body::Requested { image: id, files };
    let follow = stages.fanout.handle(requested.into(), &budget).await.unwrap();
    let orders: Vec<_> = follow
        .iter()
        .map(|message| match &message.body {
            Body::Render { pieces, .. } => pieces.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(orders, [2, 1], "one order a variant: its formats share the decode");
}
