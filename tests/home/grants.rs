//! What a worker that was taken over could do: nothing but what its message is about.

use domain::{
    ImageId, Key, Message, PieceId, Problem, Revision, Sha256, Visibility,
    key::Prefix,
    message::{Body, Order},
};
use imaging::{Lineage, Piece, Shrink, Space, Work};
use local::worker::{grant::Grant, wire::Operation};

fn image(n: u8) -> ImageId {
    ImageId::mint(u64::from(n), &[n; 10])
}

fn revision(n: u8) -> Revision {
    Revision::short(Sha256([n; 32]))
}

fn order(name: &str, n: u8) -> Order {
    let lineage =
        Lineage { shrink: Shrink { across: 1, down: 1 }, space: Space::Srgb, steps: Vec::new() };
    Order {
        id: PieceId { name: name.to_owned(), revision: revision(n) },
        piece: Piece { name: name.to_owned(), work: Work::Derived { lineage } },
    }
}

fn variant(of: u8, n: u8, file: &str) -> Key {
    Key::Variant {
        image: image(of),
        revision: revision(n),
        file: file.to_owned(),
        visibility: Visibility::Public,
    }
}

fn original(of: u8) -> Key {
    Key::Original { image: image(of), hash: Sha256([of; 32]) }
}

fn upload(of: u8) -> Key {
    Key::Upload { image: image(of) }
}

fn render() -> Message {
    let pieces = vec![order("small.webp", 1), order("derived", 2)];
    Body::Render { image: image(1), pieces }.into()
}

fn uploaded() -> Message {
    Body::Uploaded { key: upload(1), bucket: None, size: 1, etag: String::new(), sequencer: None }
        .into()
}

#[test]
fn a_renderer_reads_the_original_and_writes_its_pieces() {
    let grant = Grant::of(&render()).unwrap();
    let record = |of: u8, name: &str| {
        let outcome = domain::image::Outcome::Dropped("larger".to_owned());
        let piece = PieceId { name: name.to_owned(), revision: revision(1) };
        Operation::Record { id: image(of), outcomes: vec![(piece, outcome)] }
    };
    let list = |prefix| Operation::List { prefix, cursor: None, limit: 10 };
    for allowed in [
        Operation::Read { key: original(1) },
        Operation::Write { key: variant(1, 1, "small.webp") },
        Operation::Head { key: variant(1, 1, "small.webp") },
        Operation::Delete { key: variant(1, 1, "small.webp") },
        Operation::Image { id: image(1) },
        list(Prefix::Public(image(1))),
        record(1, "small.webp"),
    ] {
        assert!(grant.allows(&allowed), "{allowed:?}");
    }
    let problem = Problem::new(domain::Code::Damaged, "no");
    for refused in [
        Operation::Read { key: original(2) },
        Operation::Read { key: upload(1) },
        Operation::Write { key: original(1) },
        Operation::Write { key: variant(1, 1, "large.webp") },
        Operation::Write { key: variant(1, 2, "small.webp") },
        Operation::Write { key: variant(2, 1, "small.webp") },
        Operation::Delete { key: original(1) },
        Operation::Delete { key: upload(1) },
        Operation::Copy { from: original(1), to: variant(1, 1, "small.webp") },
        Operation::Image { id: image(2) },
        list(Prefix::Public(image(2))),
        list(Prefix::Originals(image(1))),
        list(Prefix::Uploads),
        Operation::Reject { id: image(1), problem },
        record(1, "large.webp"),
        record(2, "small.webp"),
    ] {
        assert!(!grant.allows(&refused), "{refused:?}");
    }
}

#[test]
fn ingest_touches_the_upload_and_its_copy() {
    let grant = Grant::of(&uploaded()).unwrap();
    for allowed in [
        Operation::ReadRange { key: upload(1), start: 0, end: 9 },
        Operation::Copy { from: upload(1), to: original(1) },
        Operation::Delete { key: upload(1) },
    ] {
        assert!(grant.allows(&allowed), "{allowed:?}");
    }
    for refused in [
        Operation::ReadRange { key: upload(2), start: 0, end: 9 },
        Operation::Copy { from: upload(2), to: original(1) },
        Operation::Copy { from: upload(1), to: original(2) },
        Operation::Copy { from: upload(1), to: variant(1, 1, "small.webp") },
        Operation::Write { key: original(1) },
        Operation::Write { key: variant(1, 1, "small.webp") },
    ] {
        assert!(!grant.allows(&refused), "{refused:?}");
    }
}

#[test]
fn what_may_follow_is_the_next_step_of_the_same_image() {
    let renders = Grant::of(&render()).unwrap();
    let ingests = Grant::of(&uploaded()).unwrap();
    let rest = |of: u8, name: &str| -> Message {
        Body::Render { image: image(of), pieces: vec![order(name, 1)] }.into()
    };
    let completed =
        |of: u8| -> Message { Body::Completed { image: image(of), revision: revision(9) }.into() };
    let accepted = |of: u8| -> Message { Body::Accepted { image: image(of) }.into() };
    assert!(renders.allows_sending(&rest(1, "small.webp")));
    assert!(renders.allows_sending(&completed(1)));
    assert!(ingests.allows_sending(&accepted(1)));
    for refused in [
        rest(1, "large.webp"),
        rest(2, "small.webp"),
        completed(2),
        accepted(1),
        Body::Erase { image: image(1), round: 0 }.into(),
        Body::Erase { image: image(2), round: 0 }.into(),
        Body::Sweep { cursor: None }.into(),
    ] {
        assert!(!renders.allows_sending(&refused), "{refused:?}");
    }
    assert!(!ingests.allows_sending(&accepted(2)));
    assert!(!ingests.allows_sending(&completed(1)));
}

#[test]
fn what_runs_beside_the_database_is_given_to_no_worker() {
    for message in [
        Body::Accepted { image: image(1) },
        Body::Erase { image: image(1), round: 0 },
        Body::Sweep { cursor: None },
    ] {
        assert_eq!(Grant::of(&message.into()), None);
    }
}
