//! Work that waits: for room without end, for anything else about a day.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    Code, DeadLetters as _, Failure, ImageId, Key, Message, Objects as _, Status, StoreError,
    memory::MemoryObjects,
    message::Body,
    signing::Signer,
    stage::{MAX_RETRIES, Verdict, judge},
};
use jiff::Timestamp;

use super::{
    draw,
    world::{BEGINNING, World},
};

const LONGEST: Duration = Duration::from_mins(15);

/// What becomes of a message whose handler met this answer, and how long it is to wait.
fn met(error: &StoreError, message: &Message, now: Timestamp) -> (Verdict, Duration) {
    let verdict = judge(message, Err(Failure::from(error.clone())), now);
    let pause = match &verdict {
        Verdict::Send(messages) => messages[0].delay(now),
        Verdict::Bury(..) => Duration::ZERO,
    };
    (verdict, pause)
}

fn tried_again(verdict: Verdict) -> Message {
    match verdict {
        Verdict::Send(mut messages) if messages.len() == 1 => messages.remove(0),
        other => panic!("it is tried again: {other:?}"),
    }
}

fn accepted() -> Message {
    Body::Accepted { image: ImageId::mint(1, &[1; 10]) }.into()
}

#[test]
fn want_of_room_is_never_a_reason_to_give_up() {
    let full = StoreError::Full("the disk is full".to_owned());
    let mut message = accepted();
    let mut now = BEGINNING;
    let mut pauses = Vec::new();
    for _ in 0..10_000 {
        let (verdict, pause) = met(&full, &message, now);
        message = tried_again(verdict);
        assert!(message.retries > 0, "a fan-out that is begun again sends what is missing at once");
        now += pause;
        pauses.push(pause);
    }
    assert!(pauses[0] <= Duration::from_secs(10), "room may be made at once: {:?}", pauses[0]);
    assert!(pauses.is_sorted() && pauses.last() == Some(&LONGEST), "{:?}", &pauses[..12]);

    // Nor does it leave less patience with other trouble than nine tenths.
    let refused = StoreError::Refused("policy".to_owned());
    let mut tries = 0;
    while let (Verdict::Send(mut again), _) = met(&refused, &message, now) {
        message = again.remove(0);
        tries += 1;
    }
    assert!((MAX_RETRIES * 9 / 10..=MAX_RETRIES).contains(&tries), "{tries}");
}

#[test]
fn anything_else_is_given_up_after_a_hundred_tries() {
    let busy = StoreError::Busy { retry_after: Duration::from_secs(1), reason: "slow".to_owned() };
    let refused = StoreError::Refused("no right to".to_owned());
    for error in [busy, refused, StoreError::Broken("a bad sector".to_owned())] {
        let mut message = accepted();
        for _ in 0..MAX_RETRIES {
            message = tried_again(met(&error, &message, BEGINNING).0);
        }
        // Want of room in between takes no try away, and gives none.
        let full = StoreError::Full("the disk is full".to_owned());
        message = tried_again(met(&full, &message, BEGINNING).0);
        match met(&error, &message, BEGINNING).0 {
            Verdict::Bury(_, problem) => assert_eq!(problem.code, Code::KeptFailing, "{error}"),
            Verdict::Send(again) => panic!("{error}: {again:?}"),
        }
    }
}

/// A disk that is full for ten days, which is ten times as long as other trouble may last.
#[tokio::test]
async fn an_upload_waits_ten_days_for_room() {
    let bytes = draw::jpeg(60, 40, 1);
    let ballast = Key::Upload { image: ImageId::mint(7, &[7; 10]) };
    let room = bytes.len() as u64 * 2 + 100_100;
    let signer = Signer::new(*b"secret", "http://127.0.0.1");
    let objects = Arc::new(MemoryObjects::new(signer).with_room(room));
    let world = World { objects, ..World::new() };
    world.objects.write_if_absent(&ballast, Bytes::from(vec![0; 100_000])).await.unwrap();
    let id = world.upload(1, &bytes).await;
    let stages = world.stages();
    for _ in 0..10 * 24 * 4 {
        while world.step(&stages).await {}
        world.clock.advance(LONGEST);
    }
    assert_eq!(world.status(id).await, Status::Processing, "there is no room for its variants");
    let letters = world.queue.letters(None, 10).await.unwrap().items;
    assert_eq!(letters, [], "nothing is given up");

    world.objects.delete(&ballast).await.unwrap();
    world.settle(&stages).await;
    assert_eq!(world.status(id).await, Status::Ready);
}
