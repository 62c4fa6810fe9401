//! What is not kept, and what was given up.

use std::sync::Arc;

use domain::{
    Catalog as _, Clock as _, Code, DeadLetters as _, Key, Message, Objects as _, Outbox as _,
    Sha256, Status,
    message::Body,
    stage::{Redriven, redrive},
};
use imaging::{AssetId, Limits, Presets};

use super::{draw, world::World};

/// Uploads these bytes under these limits, and answers why they were refused.
async fn refusal(bytes: &[u8], limits: Limits) -> Code {
    let world = World::new();
    let id = world.upload(1, bytes).await;
    let mut stages = world.stages();
    stages.ingest.limits = limits;
    world.settle(&stages).await;
    let image = world.image(id).await;
    assert_eq!(image.status, Status::Rejected, "{:?}", image.problem);
    let contents = world.contents(&[id]).await;
    assert_eq!(contents.len(), 1, "nothing but the upload is kept: {contents:?}");
    assert!(world.queue.letters(None, 10).await.unwrap().items.is_empty());
    image.problem.unwrap().code
}

#[tokio::test]
async fn what_is_no_picture_is_refused_with_its_reason() {
    let jpeg = draw::jpeg(60, 40, 1);
    let all = Limits::default();
    assert_eq!(refusal(b"", all.clone()).await, Code::Empty);
    assert_eq!(refusal(b"a picture, or so it says", all.clone()).await, Code::UnsupportedFormat);
    assert_eq!(refusal(&jpeg[..30], all.clone()).await, Code::Truncated);
    let few = Limits { bytes: 100, ..all.clone() };
    assert_eq!(refusal(&jpeg, few).await, Code::TooLarge);
    let small = Limits { pixels: 60 * 40 - 1, ..all.clone() };
    assert_eq!(refusal(&jpeg, small).await, Code::TooManyPixels);
    let short = Limits { side: 59, ..all };
    assert_eq!(refusal(&jpeg, short).await, Code::SideTooLong);
}

/// A header that is longer than one read is found all the same, and all bytes count for the hash.
#[tokio::test]
async fn a_long_header_is_read_to_its_end() {
    let world = World::new();
    let jpeg = draw::jpeg(60, 40, 1);
    let segment = [vec![0xff, 0xec, 0xff, 0xff], vec![7; 65_533]].concat();
    let mut long = jpeg[..2].to_vec();
    // Two and a half megabytes of an application's own data.
    long.extend(segment.repeat(40));
    long.extend(&jpeg[2..]);
    let id = world.upload(1, &long).await;
    world.settle(&world.stages()).await;
    let image = world.image(id).await;
    assert_eq!(image.status, Status::Ready, "{:?}", image.problem);
    let source = image.source.unwrap();
    assert_eq!((source.bytes, source.sha256), (long.len() as u64, Sha256::of(&long)));
    assert_eq!(source.header.upright(), (60, 40));
}

#[tokio::test]
async fn an_upload_that_is_not_what_was_announced_is_refused() {
    let jpeg = draw::jpeg(60, 40, 1);
    for (size, checksum, code) in [
        (jpeg.len() as u64 + 1, None, Code::SizeMismatch),
        (jpeg.len() as u64, Some(Sha256::of(b"other bytes")), Code::ChecksumMismatch),
    ] {
        let world = World::new();
        let mut image =
            super::world::pending(domain::ImageId::mint(1, &[1; 10]), size, world.clock.now());
        image.announced.checksum_sha256 = checksum;
        world.catalog.create(&image, None).await.unwrap();
        let event = world.put(image.id, &jpeg).await;
        world.queue.send(&[event]).await.unwrap();
        world.settle(&world.stages()).await;
        assert_eq!(world.image(image.id).await.problem.unwrap().code, code);
    }
}

/// A picture that breaks off is a result: failed with its reason, nothing among the dead letters.
#[tokio::test]
async fn a_truncated_picture_fails_and_is_not_tried_again() {
    let world = World::new();
    let jpeg = draw::jpeg(200, 200, 1);
    let id = world.upload(1, &jpeg[..jpeg.len() * 2 / 3]).await;
    world.settle(&world.stages()).await;
    let image = world.image(id).await;
    assert_eq!(image.status, Status::Failed);
    assert_eq!(image.problem.unwrap().code, Code::Truncated);
    assert!(world.queue.letters(None, 10).await.unwrap().items.is_empty());
}

/// What was kept is no longer what was accepted: a person has to look, and nothing wrong is made.
#[tokio::test]
async fn a_corrupt_original_is_given_up_and_comes_back_when_it_is_mended() {
    let world = World::new();
    let jpeg = draw::jpeg(60, 40, 1);
    let id = world.upload(1, &jpeg).await;
    let stages = world.stages();
    let key = Key::Original { image: id, hash: Sha256::of(&jpeg) };
    let mut rotten = jpeg.clone();
    rotten[jpeg.len() / 2] ^= 1;
    // The copy that ingest would make is there already, and another.
    world.objects.write_if_absent(&key, rotten.into()).await.unwrap();
    world.settle(&stages).await;
    let image = world.image(id).await;
    assert_eq!(image.status, Status::Failed);
    assert_eq!(image.problem.as_ref().unwrap().code, Code::KeptFailing);
    assert!(world.contents(&[id]).await.keys().all(|path| !path.starts_with("v/")));

    let letters = world.queue.letters(None, 10).await.unwrap().items;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.detail.contains("SHA-256"), "{}", letters[0].reason.detail);
    world.objects.delete(&key).await.unwrap();
    world.objects.write_if_absent(&key, jpeg.into()).await.unwrap();
    let (catalog, queue) = (&*world.catalog, &*world.queue);
    let answer = redrive(catalog, queue, queue, &letters[0].id, world.clock.now()).await.unwrap();
    assert_eq!(answer, Redriven::Sent);
    world.settle(&stages).await;
    assert_eq!(world.status(id).await, Status::Ready);
}

/// The picture is not to blame for a watermark that the home has lost: whoever runs it is told what
/// to do, and does it.
#[tokio::test]
async fn a_lost_watermark_is_the_homes_trouble_and_not_the_pictures() {
    let world = World::new();
    let logo = draw::png(9, 9);
    let effects = "effects = [{ watermark = { image = 'logo.png' } }]";
    let text = format!("[variants.marked]\nwidth = 20\nformats = ['png']\n{effects}\n");
    let mut resolve = |_: &str| Ok(AssetId::of(&logo));
    let presets = Arc::new(Presets::parse_with(&text, &mut resolve).unwrap());
    let mut stages = world.stages();
    stages.fanout.presets = Arc::new(move || Arc::clone(&presets));
    let id = world.upload(1, &draw::jpeg(60, 40, 1)).await;
    world.settle(&stages).await;
    let image = world.image(id).await;
    assert_eq!(image.status, Status::Failed);
    assert_eq!(image.problem.as_ref().unwrap().code, Code::KeptFailing);
    let letters = world.queue.letters(None, 10).await.unwrap().items;
    assert_eq!(letters.len(), 1);
    let said = &letters[0].reason.detail;
    let key = Key::Asset { hash: Sha256::of(&logo) };
    for word in [key.path().as_str(), "restart the server", "presets", "redrive"] {
        assert!(said.contains(word), "{said} lacks {word}");
    }

    world.objects.write_if_absent(&key, logo.into()).await.unwrap();
    let (catalog, queue) = (&*world.catalog, &*world.queue);
    redrive(catalog, queue, queue, &letters[0].id, world.clock.now()).await.unwrap();
    world.settle(&stages).await;
    assert_eq!(world.status(id).await, Status::Ready);
    assert!(world.contents(&[id]).await.keys().any(|path| path.ends_with("marked.png")));
}

/// An upload whose reading killed its workers is rejected with the reason, and a redrive reads it
/// again. The sweeper keeps its object until then.
#[tokio::test]
async fn an_upload_that_was_given_up_can_be_taken_back() {
    let world = World::new();
    let jpeg = draw::jpeg(60, 40, 1);
    let image = world.create(1, jpeg.len() as u64).await;
    let event = world.put(image.id, &jpeg).await;
    let reason = domain::Problem::new(Code::Crashed, "the worker was lost at each of 3 attempts");
    world.queue.bury(&event, &reason).await.unwrap();
    let stages = world.stages();
    world.settle(&stages).await;
    assert_eq!(world.status(image.id).await, Status::Rejected);

    world.clock.advance(std::time::Duration::from_hours(48));
    world.queue.send(&[Body::Sweep { cursor: None }.into()]).await.unwrap();
    world.settle(&stages).await;
    let letters = world.queue.letters(None, 10).await.unwrap().items;
    let (catalog, queue) = (&*world.catalog, &*world.queue);
    redrive(catalog, queue, queue, &letters[0].id, world.clock.now()).await.unwrap();
    world.settle(&stages).await;
    assert_eq!(world.status(image.id).await, Status::Ready);
}

#[tokio::test]
async fn every_stage_sends_back_what_is_not_its_own() {
    let world = World::new();
    let stages = world.stages();
    let budget = domain::Budget::unlimited(world.clock.clone());
    let id = domain::ImageId::mint(1, &[1; 10]);
    let accepted: Message = Body::Accepted { image: id }.into();
    let uploaded = super::world::uploaded(Key::Upload { image: id }, b"");
    for (stage, message) in [
        (&stages.ingest as &dyn domain::Stage, &accepted),
        (&stages.resize, &accepted),
        (&stages.describe, &accepted),
        (&stages.fanout, &uploaded),
    ] {
        let answer = stage.handle(message.clone(), &budget).await;
        assert!(matches!(answer, Err(domain::Failure::Misrouted(_))), "{answer:?}");
    }
}
