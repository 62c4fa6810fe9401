//! A thousand copies of an event are one event.

use std::collections::BTreeMap;

use domain::{Key, Message, Outbox as _, Status, message::Body, ports::Written};

use super::{
    draw,
    fuse::{Entry, Fuse},
    home::{Home, Loans},
    ports::{Delays, Random},
};
use crate::report;

const IMAGES: u8 = 20;
const COPIES: usize = 1_000;

#[tokio::test]
async fn a_thousand_copies_of_each_event_make_one_fan_out_an_image() {
    // Everything that follows is shuffled as well: late by up to two minutes.
    let delays = Delays { copies: 1, longest: 120, seed: 20 };
    let mut home = Home::new(Fuse::unarmed(), delays, Loans::GivenBack);
    home.lot = 100;
    let mut images = Vec::new();
    let mut storm: Vec<Message> = Vec::new();
    for number in 0..IMAGES {
        let picture = draw::jpeg(30, 20, number);
        let visibility = domain::Visibility::Public;
        let id = home.create(number, picture.len() as u64, visibility).await;
        let event = home.world.put(id, &picture).await;
        storm.extend((0..COPIES).flat_map(|_| home.queue.scattered(&event)));
        images.push(id);
    }
    Random(3).shuffle(&mut storm);
    home.world.queue.send(&storm).await.unwrap();
    home.settle().await;

    let ledger = home.fuse.ledger();
    let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
    let mut notices = std::collections::BTreeSet::new();
    let mut objects: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for entry in &ledger {
        match entry {
            Entry::Sent(message) => {
                *sent.entry(message.name()).or_default() += 1;
                if let Body::Notify { image, revision, status, endpoint } = &message.body {
                    notices.insert(fanout::notification_id(*image, revision, *status, endpoint));
                }
            }
            Entry::Written(key, written) => {
                let kind = match key {
                    Key::Variant { .. } => "variants",
                    Key::Metadata { .. } => "raw metadata",
                    _ => "others",
                };
                let counts = objects.entry(kind).or_default();
                counts.0 += 1;
                counts.1 += usize::from(*written == Written::Created);
            }
        }
    }
    report::say(
        "storm",
        format_args!("{} events of {IMAGES} images; sent since: {sent:?}", storm.len()),
    );
    report::say(
        "storm",
        format_args!("objects as (asked, created): {objects:?}; notices: {}", notices.len()),
    );

    let images_made = usize::from(IMAGES);
    assert_eq!(sent.get("describe"), Some(&images_made));
    assert_eq!(sent.get("render"), Some(&images_made));
    assert_eq!(objects.get("variants"), Some(&(images_made * 4, images_made * 4)));
    assert_eq!(notices.len(), images_made, "one id an image, however often it is delivered");
    assert!(
        sent.get("accepted").is_some_and(|&accepted| accepted > images_made),
        "copies arrived while images were worked on, or this shows nothing"
    );
    for id in images {
        assert_eq!(home.status(id).await, Status::Ready);
    }
}
