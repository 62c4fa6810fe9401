//! Workers that are not the program that was started. The test sits at the worker's end of the pipe
//! and says what such a one could: it gets what its message needs, once, and no more.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    Catalog as _, Clock as _, Code, Failure, ImageId, Key, Message, Objects, PieceId, Problem,
    Revision, Sha256, Status, StoreError, Visibility,
    image::Outcome,
    message::{Body, Order},
};
use imaging::{Coding, Format, Frames, Limits, Lineage, Piece, Rendition, Shrink, Space, Work};
use local::worker::{
    conversation::{Breach, Ports, converse},
    wire::{self, Assignment, FromWorker, Operation, Reply, ToWorker},
};
use tokio::{
    io::{DuplexStream, duplex},
    time::sleep,
};

use crate::pipeline::{
    intruder::{Intruder, Moment},
    world::World,
};

const MINUTE: Duration = Duration::from_mins(1);

/// The worker's end of the pipe.
struct Liar {
    pipe: DuplexStream,
    call: u64,
}

impl Liar {
    async fn hear(&mut self) -> (ToWorker, Bytes) {
        wire::receive(&mut self.pipe, 1 << 20).await.unwrap().expect("the supervisor is there")
    }

    /// Asks for something; does not come back where the conversation ends over it.
    async fn ask(&mut self, operation: Operation, bytes: &[u8]) -> Result<Reply, StoreError> {
        self.call += 1;
        let call = FromWorker::Call { call: self.call, operation };
        wire::send(&mut self.pipe, &call, bytes).await.unwrap();
        match self.hear().await {
            (ToWorker::Answer { reply, .. }, _) => reply,
            (other, _) => panic!("{other:?} is no answer"),
        }
    }

    async fn done(&mut self, answer: Result<Vec<Message>, Failure>) {
        wire::send(&mut self.pipe, &FromWorker::Done { answer }, &[]).await.unwrap();
    }
}

fn ports(world: &World) -> Ports {
    Ports {
        objects: world.objects.clone(),
        catalog: world.catalog.clone(),
        clock: world.clock.clone(),
    }
}

/// How the supervisor's side ends while somebody says this.
async fn told(
    ports: Ports,
    message: Message,
    deadline: Duration,
    lie: impl AsyncFnOnce(&mut Liar),
) -> Result<Result<Vec<Message>, Failure>, Breach> {
    let (ours, pipe) = duplex(1 << 16);
    let (mut from, mut to) = tokio::io::split(ours);
    let limits = Limits::default();
    let assignment = Assignment { message, time_ms: 1000, limits };
    let mut liar = Liar { pipe, call: 0 };
    let lying = async {
        assert!(matches!(liar.hear().await.0, ToWorker::Handle(_)));
        lie(&mut liar).await;
        pending::<()>().await;
    };
    tokio::select! {
        ended = converse(&mut from, &mut to, assignment, &ports, deadline) => ended,
        () = lying => unreachable!("it waits for ever"),
    }
}

/// Whether the conversation ended over something that has these words.
fn is_nonsense<T>(ended: &Result<T, Breach>, words: &str) -> bool {
    matches!(ended, Err(Breach::Nonsense(what)) if what.contains(words))
}

fn id() -> ImageId {
    ImageId::mint(1, &[1; 10])
}

fn order(name: &str) -> Order {
    let lineage =
        Lineage { shrink: Shrink { across: 1, down: 1 }, space: Space::Srgb, steps: Vec::new() };
    let rendition = Rendition {
        variant: "small".to_owned(),
        format: Format::Jpeg,
        quality: 80,
        coding: Coding::Usual,
        frames: Frames::First,
        width: 10,
        height: 10,
        lineage,
    };
    Order {
        id: PieceId { name: name.to_owned(), revision: Revision::short(Sha256([7; 32])) },
        piece: Piece { name: name.to_owned(), work: Work::Variant(rendition) },
    }
}

fn render(names: &[&str]) -> Message {
    Body::Render { image: id(), pieces: names.iter().map(|name| order(name)).collect() }.into()
}

fn describe() -> Message {
    Body::Describe { image: id(), piece: order("metadata").id }.into()
}

fn write(key: Key) -> Operation {
    Operation::Write { key }
}

fn raw(bytes: &[u8]) -> Key {
    Key::Metadata { image: id(), hash: Sha256::of(bytes) }
}

fn original(bytes: &[u8]) -> Key {
    Key::Original { image: id(), hash: Sha256::of(bytes) }
}

fn variant(visibility: Visibility) -> Key {
    let PieceId { name: file, revision } = order("small.jpeg").id;
    Key::Variant { image: id(), revision, file, visibility }
}

#[tokio::test]
async fn one_message_follows_with_the_starts_that_it_had() {
    let world = World::new();
    let message = Message { attempts: 1, ..render(&["small.jpeg", "large.jpeg"]) };
    let rest = |attempts, retries| Message { attempts, retries, ..render(&["large.jpeg"]) };
    let said = async |follow: Vec<Message>| {
        told(ports(&world), message.clone(), MINUTE, async |liar| liar.done(Ok(follow)).await).await
    };
    for honest in [rest(1, 0), rest(2, 0)] {
        assert_eq!(said(vec![honest.clone()]).await, Ok(Ok(vec![honest])));
    }
    assert!(is_nonsense(&said(vec![rest(1, 0), rest(1, 0)]).await, "2 messages"));
    let later = rest(1, 0).not_before(world.clock.now());
    for lie in [rest(0, 0), rest(1, 1), later, describe()] {
        assert!(is_nonsense(&said(vec![lie.clone()]).await, "was to follow"), "{lie:?}");
    }
}

/// An order with the same name and other contents would have any size that its forger likes.
#[tokio::test]
async fn orders_are_passed_on_as_they_came() {
    let world = World::new();
    let message = render(&["small.jpeg", "large.jpeg"]);
    let mut forged = order("large.jpeg");
    let Work::Variant(rendition) = &mut forged.piece.work else { unreachable!() };
    rendition.width = 60_000;
    let follow = Message::from(Body::Render { image: id(), pieces: vec![forged] });
    let ended = told(ports(&world), message, MINUTE, async |liar| {
        liar.done(Ok(vec![follow.clone()])).await;
    });
    assert!(is_nonsense(&ended.await, "was to follow"));
}

#[tokio::test]
async fn no_message_follows_itself_for_ever() {
    let world = World::new();
    let message = render(&["small.jpeg", "large.jpeg"]);
    let said = async |follow: Message| {
        told(ports(&world), message.clone(), MINUTE, async |liar| liar.done(Ok(vec![follow])).await)
            .await
    };
    assert!(is_nonsense(&said(message.clone()).await, "was to follow"));
    let twice = render(&["small.jpeg", "small.jpeg", "large.jpeg"]);
    let more = Message { attempts: 1, ..twice };
    assert!(is_nonsense(&said(more).await, "was to follow"));
    // A start that was lost may leave everything to be done again.
    let lost = Message { attempts: 1, ..message.clone() };
    assert_eq!(said(lost.clone()).await, Ok(Ok(vec![lost])));
}

/// What is written down of a piece stands in every record that is served, and in the catalog.
#[tokio::test]
async fn what_is_written_down_is_brief() {
    let world = World::new();
    let long = || Problem::new(Code::Damaged, "x".repeat(16 << 10));
    let piece = || order("small.jpeg").id;
    let record = |outcomes| Operation::Record { id: id(), outcomes };
    let dropped = || (piece(), Outcome::Dropped("larger".to_owned()));
    for outcomes in [
        vec![(piece(), Outcome::Failed(long()))],
        vec![(piece(), Outcome::Dropped(long().detail))],
        vec![dropped(), dropped()],
    ] {
        let ended = told(ports(&world), render(&["small.jpeg"]), MINUTE, async |liar| {
            drop(liar.ask(record(outcomes.clone()), &[]).await);
        });
        assert!(is_nonsense(&ended.await, "does not grant"));
    }
    let image = world.create(1, 4).await.id;
    let event = world.put(image, b"text").await;
    let ended = told(ports(&world), event, MINUTE, async |liar| {
        drop(liar.ask(Operation::Reject { id: image, problem: long() }, &[]).await);
    });
    assert!(is_nonsense(&ended.await, "does not grant"));
    let ended = told(ports(&world), render(&["small.jpeg"]), MINUTE, async |liar| {
        liar.done(Err(Failure::Permanent(long().detail))).await;
    });
    assert!(is_nonsense(&ended.await, "more words"));
}

#[tokio::test]
async fn when_something_happened_is_not_the_workers_to_say() {
    let world = World::new();
    let image = world.create(1, 4).await.id;
    let event = world.put(image, b"text").await;
    world.clock.advance(MINUTE);
    let problem = Problem::new(Code::Damaged, "no");
    let ended = told(ports(&world), event.clone(), MINUTE, async |liar| {
        let operation = Operation::Reject { id: image, problem };
        assert_eq!(liar.ask(operation, &[]).await, Ok(Reply::Rejected(true)));
        liar.done(Ok(Vec::new())).await;
    });
    assert_eq!(ended.await, Ok(Ok(Vec::new())));
    let image = world.catalog.image(image).await.unwrap();
    assert_eq!((image.status, image.touched_at), (Status::Rejected, world.clock.now()));
}

#[tokio::test]
async fn what_is_named_by_its_digest_has_it() {
    let world = World::new();
    let ended = told(ports(&world), describe(), MINUTE, async |liar| {
        drop(liar.ask(write(raw(b"{}")), b"{ }").await);
    });
    assert!(is_nonsense(&ended.await, "SHA-256"));

    let image = id();
    let event = world.put(image, b"a picture").await;
    let copy = |of: &[u8]| Operation::Copy { from: Key::Upload { image }, to: original(of) };
    let ended = told(ports(&world), event.clone(), MINUTE, async |liar| {
        drop(liar.ask(copy(b"another"), &[]).await);
    });
    assert!(is_nonsense(&ended.await, "SHA-256"));
    let upload = [Key::Upload { image }.path()];
    assert_eq!(world.contents(&[image]).await.into_keys().collect::<Vec<_>>(), upload);

    let ended = told(ports(&world), event.clone(), MINUTE, async |liar| {
        assert!(liar.ask(copy(b"a picture"), &[]).await.is_ok());
        liar.done(Ok(Vec::new())).await;
    });
    assert_eq!(ended.await, Ok(Ok(Vec::new())));
    assert_eq!(world.objects.read(&original(b"a picture")).await.unwrap(), "a picture");
}

/// Each with a right digest, so that only their number can be what is wrong.
#[tokio::test]
async fn an_object_is_written_once_a_message() {
    let world = World::new();
    let ended = told(ports(&world), describe(), MINUTE, async |liar| {
        assert!(liar.ask(write(raw(b"{}")), b"{}").await.is_ok());
        drop(liar.ask(write(raw(b"")), b"").await);
    });
    assert!(is_nonsense(&ended.await, "more than its message needs"));

    // The same file in the other folder is a second one.
    let ended = told(ports(&world), render(&["small.jpeg"]), MINUTE, async |liar| {
        assert!(liar.ask(write(variant(Visibility::Public)), b"").await.is_ok());
        drop(liar.ask(write(variant(Visibility::Private)), b"").await);
    });
    assert!(is_nonsense(&ended.await, "more than its message needs"));
    let image = id();
    let event = world.put(image, b"a picture").await;
    let ended = told(ports(&world), event.clone(), MINUTE, async |liar| {
        for _twice in 0..2 {
            let to = original(b"a picture");
            drop(liar.ask(Operation::Copy { from: Key::Upload { image }, to }, &[]).await);
        }
    });
    assert!(is_nonsense(&ended.await, "more than its message needs"));
    assert_eq!(world.contents(&[image]).await.len(), 4, "upload, original, metadata and variant");
}

#[tokio::test]
async fn nothing_is_larger_than_it_can_become() {
    let world = World::new();
    let most = usize::try_from(metadata::MOST_RAW).unwrap();
    for (bytes, fits) in [(most, true), (most + 1, false)] {
        let bytes = vec![b' '; bytes];
        let ended = told(ports(&world), describe(), MINUTE, async |liar| {
            assert!(liar.ask(write(raw(&bytes)), &bytes).await.is_ok());
            liar.done(Ok(Vec::new())).await;
        });
        assert_eq!(is_nonsense(&ended.await, "are taken"), !fits);
    }
    // A file of a hundred pixels, beside one that may be larger.
    let message = Message::from(Body::Render {
        image: id(),
        pieces: vec![order("small.jpeg"), {
            let mut large = order("large.jpeg");
            let Work::Variant(rendition) = &mut large.piece.work else { unreachable!() };
            rendition.width = 1000;
            large
        }],
    });
    let ended = told(ports(&world), message.clone(), MINUTE, async |liar| {
        drop(liar.ask(write(variant(Visibility::Public)), &vec![0; 100_000]).await);
    });
    assert!(is_nonsense(&ended.await, "are the most"));
    assert_eq!(world.contents(&[id()]).await.len(), 1, "the metadata that fits");
}

#[tokio::test]
async fn whoever_asks_for_what_is_not_granted_is_not_asked_again() {
    let world = World::new();
    let ended = told(ports(&world), render(&["small.jpeg"]), MINUTE, async |liar| {
        drop(liar.ask(Operation::Image { id: ImageId::mint(2, &[2; 10]) }, &[]).await);
    });
    assert!(is_nonsense(&ended.await, "does not grant"));
}

/// Ports whose first answer takes this long.
fn slow(world: &World, answer: Duration) -> Ports {
    let deed =
        move || Box::pin(sleep(answer)) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    let objects: Arc<dyn Objects> = Arc::new(Intruder::new(world, Moment::Call(0), deed));
    Ports { objects, ..ports(world) }
}

async fn looks_once(liar: &mut Liar) {
    drop(liar.ask(Operation::Head { key: original(b"") }, &[]).await);
    liar.done(Ok(Vec::new())).await;
}

#[tokio::test]
async fn a_slow_disk_is_not_the_workers_fault() {
    let world = World::new();
    // The first look takes longer than what the worker has left of its own time after its pause.
    let (deadline, pause, answer) =
        (Duration::from_secs(4), Duration::from_secs(2), Duration::from_secs(3));
    let ended = told(slow(&world, answer), render(&["small.jpeg"]), deadline, async |liar| {
        sleep(pause).await;
        looks_once(liar).await;
    });
    assert_eq!(ended.await, Ok(Ok(Vec::new())));

    let short = Duration::from_millis(200);
    let ended = told(slow(&world, MINUTE), render(&["small.jpeg"]), short, looks_once);
    assert_eq!(ended.await, Err(Breach::Stalled));
    let ended = told(ports(&world), render(&["small.jpeg"]), short, async |_| {});
    assert_eq!(ended.await, Err(Breach::Late));
}
