//! Objects that arrive in somebody else's bucket, where they may be overwritten.

use std::sync::Arc;

use bytes::Bytes;
use domain::{
    Catalog as _, Code, DeadLetters as _, ImageId, Key, Message, Objects as _, Outbox as _, Sha256,
    Status, StoreError, Visibility, memory::MemoryObjects, message::Body,
};

use super::{
    draw,
    intruder::{Intruder, Moment},
    world::{ADOPTION_SECRET, ALBUMS, Stages, World, uploaded},
};
use crate::report;

const PATH: &str = "2024/summer holiday/a+b.jpg";

/// The key of these bytes, in a bucket that keeps no versions.
fn key(bytes: &[u8]) -> Key {
    Key::Foreign { key: PATH.to_owned(), version: Sha256::of(bytes).to_string() }
}

fn id(bytes: &[u8]) -> ImageId {
    ImageId::adopted(ADOPTION_SECRET, ALBUMS, PATH, &Sha256::of(bytes).to_string())
}

fn event(bytes: &[u8]) -> Message {
    let mut message = uploaded(key(bytes), bytes);
    if let Body::Uploaded { bucket, sequencer, .. } = &mut message.body {
        *bucket = Some(ALBUMS.to_owned());
        *sequencer = Some("0055AED6DCD90281E5".to_owned());
    }
    message
}

/// What its owner does, in a bucket that keeps versions.
async fn put(objects: &MemoryObjects, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    objects.write_if_absent(&key(&bytes), bytes).await.unwrap();
}

/// What its owner does, in a bucket that keeps none: whoever asks for the old one gets the new.
async fn overwrite(objects: &MemoryObjects, old: &[u8], new: &[u8]) {
    objects.delete(&key(old)).await.unwrap();
    objects.write_if_absent(&key(old), Bytes::copy_from_slice(new)).await.unwrap();
    put(objects, new).await;
}

#[tokio::test]
async fn an_adopted_object_is_one_image_however_often_it_is_announced() {
    let world = World::new();
    let bytes = draw::jpeg(60, 40, 1);
    put(&world.objects, &bytes).await;
    world.queue.send(&[event(&bytes), event(&bytes)]).await.unwrap();
    world.settle(&world.stages()).await;
    let image = world.image(id(&bytes)).await;
    assert_eq!(image.status, Status::Ready);
    assert_eq!(
        (image.visibility, image.filename.as_deref()),
        (Visibility::Public, Some("a+b.jpg"))
    );
    world.queue.send(&[event(&bytes)]).await.unwrap();
    world.settle(&world.stages()).await;
    assert_eq!(world.image(id(&bytes)).await, image, "a late copy changes nothing");
    assert_eq!(world.objects.read(&key(&bytes)).await.unwrap(), bytes, "it is its owner's still");
}

#[tokio::test]
async fn an_overwritten_object_is_another_image_and_a_late_event_none() {
    let world = World::new();
    let (old, new) = (draw::jpeg(60, 40, 1), draw::jpeg(60, 40, 2));
    put(&world.objects, &old).await;
    overwrite(&world.objects, &old, &new).await;
    // The old event comes last, when its bytes are gone.
    world.queue.send(&[event(&new), event(&old)]).await.unwrap();
    world.settle(&world.stages()).await;
    let image = world.image(id(&new)).await;
    assert_eq!(image.source.unwrap().sha256, Sha256::of(&new));
    let gone = world.catalog.image(id(&old)).await;
    assert!(matches!(gone, Err(StoreError::Missing(_))), "{gone:?}");
}

/// Where versions are kept, each is an image, in whatever order their events come.
#[tokio::test]
async fn each_version_is_an_image() {
    let world = World::new();
    let (old, new) = (draw::jpeg(60, 40, 1), draw::jpeg(60, 40, 2));
    put(&world.objects, &old).await;
    put(&world.objects, &new).await;
    world.queue.send(&[event(&new), event(&old)]).await.unwrap();
    world.settle(&world.stages()).await;
    for bytes in [old, new] {
        let image = world.image(id(&bytes)).await;
        assert_eq!(image.source.unwrap().sha256, Sha256::of(&bytes));
    }
}

/// Overwritten at any moment of its reading, bytes are never recorded under the other's id.
#[tokio::test]
async fn bytes_of_an_overwrite_never_get_the_older_id() {
    let (old, new) = (draw::jpeg(60, 40, 1), draw::jpeg(60, 44, 2));
    assert_ne!(old.len(), new.len());
    // Of the same length, so that only the digest tells.
    let mut twin = old.clone();
    let last = twin.len() - 5;
    twin[last] ^= 0x10;
    for other in [new, twin] {
        let mut overwritten = 0;
        for call in 0.. {
            let world = World::new();
            put(&world.objects, &old).await;
            let moment = Moment::Call(call);
            let intruder = Intruder::new(&world, moment, {
                let (objects, old, other) = (world.objects.clone(), old.clone(), other.clone());
                move || {
                    let (objects, old, other) = (objects.clone(), old.clone(), other.clone());
                    Box::pin(async move { overwrite(&objects, &old, &other).await })
                }
            });
            let intruder = Arc::new(intruder);
            let stages =
                Stages::over(intruder.clone(), world.catalog.clone(), super::world::BEGINNING);
            world.queue.send(&[event(&old)]).await.unwrap();
            world.settle(&stages).await;
            let kept = world.contents(&[id(&old)]).await;
            for (path, hash) in &kept {
                if let Some(named) = path.strip_prefix(&format!("o/{}/", id(&old))) {
                    assert_eq!(named, hash.to_string(), "call {call}");
                    assert_eq!(*hash, Sha256::of(&old), "call {call}");
                }
            }
            if !intruder.came() {
                break;
            }
            overwritten += 1;
            world.queue.send(&[event(&other)]).await.unwrap();
            world.settle(&stages).await;
            let source = world.image(id(&other)).await.source.unwrap();
            assert_eq!(source.sha256, Sha256::of(&other), "its own event brings it");
        }
        report::say("adoption", format_args!("overwritten before each of {overwritten} calls"));
        assert!(overwritten >= 4);
    }
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_remembered() {
    let world = World::new();
    let bytes = b"a text in the album";
    put(&world.objects, bytes).await;
    world.queue.send(&[event(bytes)]).await.unwrap();
    world.settle(&world.stages()).await;
    let image = world.image(id(bytes)).await;
    assert_eq!(image.status, Status::Rejected);
    assert_eq!(image.problem.unwrap().code, Code::UnsupportedFormat);
}

/// Erasing takes our copies and leaves the owner's object, whose event brings nothing back.
#[tokio::test]
async fn an_erased_image_stays_erased_and_its_object_stays_its_owners() {
    let world = World::new();
    let bytes = draw::jpeg(60, 40, 1);
    put(&world.objects, &bytes).await;
    world.queue.send(&[event(&bytes)]).await.unwrap();
    let stages = world.stages();
    world.settle(&stages).await;
    let image = id(&bytes);
    world.catalog.erase(image, super::world::BEGINNING).await.unwrap();
    world.queue.send(&[Body::Erase { image, round: 0 }.into(), event(&bytes)]).await.unwrap();
    world.settle(&stages).await;
    assert_eq!(world.status(image).await, Status::Erased);
    assert!(world.contents(&[image]).await.is_empty());
    assert_eq!(world.objects.read(&key(&bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn another_bucket_is_not_adopted() {
    let world = World::new();
    let bytes = draw::jpeg(60, 40, 1);
    put(&world.objects, &bytes).await;
    let mut message = event(&bytes);
    if let Body::Uploaded { bucket, .. } = &mut message.body {
        *bucket = Some("elsewhere".to_owned());
    }
    world.queue.send(&[message]).await.unwrap();
    world.settle(&world.stages()).await;
    let letters = world.queue.letters(None, 10).await.unwrap().items;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.detail.contains("elsewhere"), "{}", letters[0].reason.detail);
}
