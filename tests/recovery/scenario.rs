//! Everything that may happen to images, played on a home whose ports fail at a chosen call.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use domain::{
    Catalog as _, DeadLetters as _, Image, ImageId, Key, Objects as _, Sha256, Status, Visibility,
    message::Body, query::Filter,
};
use jiff::Timestamp;

use super::{
    draw,
    fuse::Fuse,
    home::{Home, Loans},
    ports::Delays,
    world::{ADOPTION_SECRET, ALBUMS, uploaded},
};

/// What is left at the end: records without times and versions, and all objects.
#[derive(Debug, PartialEq)]
pub struct End {
    /// Where each image stood when the queue was empty for the first time: no sweep had helped.
    pub unswept: Vec<Status>,
    /// Who was told of which end.
    pub told: BTreeSet<(ImageId, Status, String)>,
    pub records: BTreeMap<ImageId, Image>,
    pub objects: BTreeMap<String, Sha256>,
    pub letters: usize,
}

/// What the second set of presets adds to the first.
const MORE: &str = "
[variants.tiny]
width = 4
height = 4
formats = ['png']
";

/// What waits to be asked for.
const ON_REQUEST: &str = "
[variants.hero]
width = 12
formats = ['png']
when = 'request'
";

/// Plays it all, to the end.
pub async fn play(fuse: Arc<Fuse>, delays: Delays, loans: Loans) -> End {
    let mut home = Home::new(fuse, delays, loans);
    home.presets.push_str(ON_REQUEST);
    let images = home.one_of_everything().await;
    home.settle().await;
    let mut unswept = Vec::new();
    for &image in &images {
        unswept.push(home.status(image).await);
    }

    // One that can be made, and one that cannot.
    for image in [images[0], images[3]] {
        home.ask(image, "hero.png").await;
    }

    home.erase(images[4]).await;
    home.settle().await;

    home.presets.push_str(MORE);
    home.post(Body::Reprocess { query: Filter::default(), cursor: None }).await;
    home.settle().await;

    // A sweep may die after it wrote down that it asked, and before it did: the next one makes up for
    // it, however patient it is by then, and one more removes the upload that is not needed any more.
    for _ in 0..3 {
        home.world.clock.advance(Duration::from_hours(17));
        home.post(Body::Sweep { cursor: None }).await;
        home.settle().await;
    }
    End { unswept, ..home.end(&images).await }
}

impl Home {
    /// One of everything.
    async fn one_of_everything(&mut self) -> Vec<ImageId> {
        let jpeg = draw::jpeg(40, 24, 1);
        let make = (0x010f, draw::Tag::Text(b"Darkroom\0"));
        let tiff = draw::tiff(&[make], &[], &[]);
        let good = draw::with_exif(&jpeg, &tiff);

        let photograph = self.upload(1, &good).await;
        let drawing = draw::png(30, 30);
        let private = self.create(2, drawing.len() as u64, Visibility::Private).await;
        let event = self.world.put(private, &drawing).await;
        self.post_message(event).await;
        let text = self.upload(3, b"this is not a picture, whatever its name may say").await;
        // Cut within the pixels, so that only decoding finds it out.
        let large = draw::jpeg(96, 96, 4);
        let truncated = self.upload(4, &large[..large.len() * 3 / 4]).await;
        let erased_later = self.upload(5, &draw::png(16, 12)).await;
        let erased_early = self.create(6, jpeg.len() as u64, Visibility::Public).await;
        let event = self.world.put(erased_early, &jpeg).await;
        self.erase(erased_early).await;
        self.post_message(event).await;
        let never_came = self.create(7, 100, Visibility::Public).await;
        let silent = self.create(8, jpeg.len() as u64, Visibility::Public).await;
        self.world.put(silent, &jpeg).await;

        let bytes = draw::jpeg(24, 40, 9);
        let version = Sha256::of(&bytes).to_string();
        let path = "2024/holiday.jpg";
        let adopted = ImageId::adopted(ADOPTION_SECRET, ALBUMS, path, &version);
        let key = Key::Foreign { key: path.to_owned(), version };
        self.world.objects.write_if_absent(&key, Bytes::from(bytes.clone())).await.unwrap();
        let mut event = uploaded(key, &bytes);
        if let Body::Uploaded { bucket, .. } = &mut event.body {
            *bucket = Some(ALBUMS.to_owned());
        }
        self.post_message(event).await;

        vec![
            photograph,
            private,
            text,
            truncated,
            erased_later,
            erased_early,
            never_came,
            silent,
            adopted,
        ]
    }

    /// What is left of these images.
    pub async fn end(&self, images: &[ImageId]) -> End {
        let mut records = BTreeMap::new();
        for &id in images {
            let image = self.world.catalog.image(id).await.unwrap();
            records.insert(id, timeless(image));
        }
        let objects = self.world.contents(images).await;
        let letters = self.world.queue.letters(None, 100).await.unwrap().items.len();
        let told = self.starts.iter().filter_map(|message| match &message.body {
            Body::Notify { image, status, endpoint, .. } => {
                Some((*image, *status, endpoint.clone()))
            }
            _ => None,
        });
        End { unswept: Vec::new(), told: told.collect(), records, objects, letters }
    }
}

/// Without times and versions, which differ with every delay, and without the number of tries: a
/// doubled reprocessing tries a failed image twice. What was announced last must be what it awaits.
fn timeless(mut image: Image) -> Image {
    if matches!(image.status, Status::Ready | Status::Failed) {
        assert_eq!(image.flipped, Some(image.work.revision()), "{} was not announced", image.id);
    }
    let then = Timestamp::UNIX_EPOCH;
    image.version = 0;
    image.created_at = then;
    image.expires_at = then;
    image.touched_at = then;
    image.ready_at = image.ready_at.map(|_| then);
    image.erased_at = image.erased_at.map(|_| then);
    image.removed_at = image.removed_at.map(|_| then);
    image.work.sent_at = None;
    image.work.round = 0;
    image.work.starts.clear();
    image.work.nudges = 0;
    image.work.opened_at = None;
    image.flipped = None;
    image.requests.values_mut().for_each(|request| request.asked_at = None);
    image
}
