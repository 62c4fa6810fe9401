//! What an upload becomes.

use domain::{
    DeadLetters as _, Key, Objects as _, Outbox as _, Sha256, Status, Visibility,
    image::Outcome,
    message::Body,
    query::Filter,
    record::{Record, variant_key},
};

use super::{
    draw,
    world::{PRESETS, World},
};

#[tokio::test]
async fn a_photograph_becomes_variants_placeholder_and_metadata() {
    let world = World::new();
    let make = (0x010f, draw::Tag::Text(b"Darkroom\0"));
    // Turned by a quarter: what is stored wide is seen tall.
    let orientation = (0x0112, draw::Tag::Short(vec![6]));
    let exif = draw::tiff(&[make, orientation], &[], &[]);
    let bytes = draw::with_exif(&draw::jpeg(60, 40, 1), &exif);
    let id = world.upload(1, &bytes).await;
    world.settle(&world.stages()).await;

    let image = world.image(id).await;
    assert_eq!(image.status, Status::Ready, "{:?}", image.problem);
    let source = image.source.as_ref().unwrap();
    assert_eq!(source.sha256, Sha256::of(&bytes));
    let kept = world.objects.read(&Key::Original { image: id, hash: source.sha256 }).await.unwrap();
    assert_eq!(kept, bytes);

    let record = Record::of(&image, &|key| Some(key.path()));
    let shapes: Vec<_> = record
        .variants
        .iter()
        .map(|v| (v.name.as_str(), v.format.as_str(), v.width.unwrap(), v.height.unwrap()))
        .collect();
    assert_eq!(
        shapes,
        [
            ("medium", "jpeg", 13, 20),
            ("medium", "png", 13, 20),
            ("small", "jpeg", 5, 8),
            ("small", "webp", 5, 8),
        ]
    );
    for (piece, outcome) in &image.serving {
        let Outcome::Made(made) = outcome else { continue };
        let key = variant_key(&image, piece);
        let stored = world.objects.read(&key).await.unwrap();
        assert_eq!((made.bytes, made.sha256), (stored.len() as u64, Sha256::of(&stored)));
        let format = image::guess_format(&stored).unwrap();
        assert_eq!(format.extensions_str()[0].replace("jpg", "jpeg"), made.format.name());
        let read = image::load_from_memory_with_format(&stored, format).unwrap();
        assert_eq!((read.width(), read.height()), (made.width, made.height), "{}", piece.name);
    }
    let placeholder = record.placeholder.unwrap();
    assert!(!placeholder.thumbhash.is_empty());
    assert!(placeholder.color.starts_with('#') && placeholder.color.len() == 7);
    let metadata = record.metadata.unwrap();
    assert_eq!(metadata.fields.camera.unwrap().make.as_deref(), Some("Darkroom"));
    assert_eq!(metadata.fields.orientation, Some(6));
    let raw = Key::parse(&metadata.raw_url.unwrap()).unwrap();
    let raw = world.objects.read(&raw).await.unwrap();
    let raw: serde_json::Value = serde_json::from_slice(&raw).unwrap();
    assert_eq!(raw["exif"]["ifd0"]["Make"], "Darkroom");
}

#[tokio::test]
async fn a_private_image_lies_where_only_signed_urls_reach() {
    let world = World::new();
    let bytes = draw::png(30, 20);
    let mut image = super::world::pending(
        domain::ImageId::mint(1, &[1; 10]),
        bytes.len() as u64,
        super::world::BEGINNING,
    );
    image.visibility = Visibility::Private;
    domain::Catalog::create(&*world.catalog, &image, None).await.unwrap();
    let event = world.put(image.id, &bytes).await;
    world.queue.send(&[event]).await.unwrap();
    world.settle(&world.stages()).await;
    let paths = world.contents(&[image.id]).await;
    assert_eq!(paths.keys().filter(|path| path.starts_with("p/")).count(), 4);
    assert_eq!(paths.keys().filter(|path| path.starts_with("v/")).count(), 0);
    assert_eq!(world.status(image.id).await, Status::Ready);
}

/// The same bytes under two ids: equal in all but the id, also where one has no EXIF to speak of.
#[tokio::test]
async fn equal_uploads_become_equal_objects() {
    let world = World::new();
    let bytes = draw::jpeg(50, 50, 3);
    let (one, two) = (world.upload(1, &bytes).await, world.upload(2, &bytes).await);
    world.settle(&world.stages()).await;
    let of = |contents: std::collections::BTreeMap<String, Sha256>, id: domain::ImageId| {
        let id = id.to_string();
        let own = contents.into_iter().filter(|(path, _)| path.contains(&id));
        own.map(|(path, hash)| (path.replace(&id, ""), hash)).collect::<Vec<_>>()
    };
    let contents = world.contents(&[one, two]).await;
    assert_eq!(of(contents.clone(), one), of(contents, two));
}

/// New presets make only what is new, and what was there serves until they are complete.
#[tokio::test]
async fn new_presets_make_what_is_new() {
    let world = World::new();
    let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    world.settle(&world.stages()).await;
    let before = world.image(id).await;
    let objects = world.contents(&[id]).await;

    let more = format!("{PRESETS}\n[variants.tiny]\nwidth = 3\nheight = 3\nformats = ['png']\n");
    let stages = world.stages().with_presets(&more);
    let reprocess = Body::Reprocess { query: Filter::default(), cursor: None };
    world.queue.send(&[reprocess.clone().into()]).await.unwrap();
    let lent = domain::Queue::receive(
        &*world.queue,
        domain::StageName::Fanout,
        1,
        super::world::VISIBILITY,
    )
    .await
    .unwrap();
    let budget = domain::Budget::unlimited(world.clock.clone());
    domain::stage::carry(&*world.queue, &*world.catalog, &stages.fanout, &lent[0], &budget)
        .await
        .unwrap();
    let during = world.image(id).await;
    assert_eq!(during.status, Status::Processing);
    assert_eq!(during.visible(), before.visible(), "the old set serves on");

    world.settle(&stages).await;
    let after = world.image(id).await;
    assert_eq!(after.status, Status::Ready);
    assert_eq!(after.visible().len(), before.visible().len() + 1);
    let now = world.contents(&[id]).await;
    assert_eq!(now.len(), objects.len() + 1, "nothing but the new one was written");
    assert!(objects.iter().all(|(path, hash)| now[path] == *hash));

    // The same once more changes nothing at all.
    world.queue.send(&[reprocess.into()]).await.unwrap();
    world.settle(&stages).await;
    assert_eq!(world.image(id).await, after);
}

/// The work of an image that would need more memory than is allowed ends with the reason, and what
/// its bytes say of themselves is known all the same.
#[tokio::test]
async fn an_image_that_cannot_be_afforded_fails_with_the_reason() {
    let world = World::new();
    let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    let mut stages = world.stages();
    stages.fanout.limits.memory = 1_000;
    world.settle(&stages).await;
    let image = world.image(id).await;
    assert_eq!(image.status, Status::Failed);
    assert_eq!(image.problem.unwrap().code, domain::Code::TooMuchMemory);
    let described = |outcome: &Outcome| matches!(outcome, Outcome::Described(_));
    assert_eq!(image.work.ended.values().filter(|outcome| described(outcome)).count(), 1);
    assert!(world.queue.letters(None, 10).await.unwrap().items.is_empty());

    // With more memory it is made.
    let query = Filter::default();
    world.queue.send(&[Body::Reprocess { query, cursor: None }.into()]).await.unwrap();
    world.settle(&world.stages()).await;
    assert_eq!(world.status(id).await, Status::Ready);
}
