//! Things to store.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::{
    Code, Image, ImageId, Key, PieceId, Problem, Revision, Sha256, Tenant, Visibility,
    image::{Announced, FocalPoint, Made, Outcome, Source},
    ports::{ByteStream, Exactly},
    record::{Description, Gps, Metadata, Placeholder},
};

/// A moment, in seconds after an arbitrary first one.
pub(super) fn at(seconds: i64) -> Timestamp {
    const FIRST: Timestamp = Timestamp::constant(1_790_000_000, 0);
    FIRST + jiff::SignedDuration::from_secs(seconds)
}

/// An image's id. Higher numbers sort behind lower ones, as later ids do behind earlier ones.
pub(super) fn id(number: u8) -> ImageId {
    ImageId::mint(1_790_000_000_000 + u64::from(number), &[number; 10])
}

/// A name that is not that of any sample.
pub(super) fn stranger() -> ImageId {
    ImageId::mint(1_789_999_999_999, &[0xee; 10])
}

/// Another owner.
pub(super) fn tenant(name: &str) -> Tenant {
    name.parse().unwrap_or_else(|_| Tenant::local())
}

/// An image as it is when its upload is created, with everything that a client can say.
pub(super) fn pending(number: u8) -> Image {
    let announced = Announced {
        content_length: u64::from(u32::MAX) + 1,
        content_type: "image/jpeg".to_owned(),
        checksum_sha256: Some(Sha256::of(&[number])),
    };
    Image {
        visibility: Visibility::Private,
        filename: Some("Übersicht “1”\u{1f4f7}\n.jpg".to_owned()),
        tags: BTreeMap::from([("a'b\"c\\".to_owned(), "x\0y".to_owned())]),
        focal_point: Some(FocalPoint { x: 0.1, y: 0.3 }),
        ..Image::pending(id(number), Tenant::local(), announced, at(0), at(3600))
    }
}

/// A kept original.
pub(super) fn source() -> Source {
    Source {
        header: imaging::Header {
            format: imaging::Format::Jpeg,
            width: 4032,
            height: 3024,
            orientation: imaging::Orientation::default(),
            frames: 1,
            channels: imaging::Channels::Rgb,
            depth: 8,
            progressive: false,
        },
        bytes: 2_190_194,
        sha256: Sha256::of(b"source"),
    }
}

/// A piece by its name.
pub(super) fn piece(name: &str) -> PieceId {
    PieceId { name: name.to_owned(), revision: Revision::short(Sha256::of(name.as_bytes())) }
}

/// The set of these pieces.
pub(super) fn pieces<const N: usize>(names: [&str; N]) -> BTreeSet<PieceId> {
    names.into_iter().map(piece).collect()
}

/// A piece that was made.
pub(super) fn made(name: &str) -> (PieceId, Outcome) {
    let made = Made {
        format: imaging::Format::WebP,
        width: 200,
        height: 150,
        bytes: 9120,
        sha256: Sha256::of(name.as_bytes()),
    };
    (piece(name), Outcome::Made(made))
}

/// A piece that was not.
pub(super) fn failed(name: &str) -> (PieceId, Outcome) {
    (piece(name), Outcome::Failed(problem("it could not be made")))
}

/// Every kind of outcome, with fractions that only an exact store keeps.
pub(super) fn outcomes() -> Vec<(PieceId, Outcome)> {
    let description = Description {
        fields: Metadata {
            gps: Some(Gps { latitude: 60.146_706, longitude: 0.1 + 0.2, altitude_m: Some(12.5) }),
            keywords: vec!["été".to_owned()],
            ..Metadata::default()
        },
        raw: Some(Sha256::of(b"raw")),
    };
    let placeholder = Placeholder { thumbhash: "1QcSHQRn".to_owned(), color: "#8a7f70".to_owned() };
    vec![
        made("small.webp"),
        failed("large.jpg"),
        (piece("small.jpg"), Outcome::Dropped("larger than webp".to_owned())),
        (piece("derived"), Outcome::Derived(placeholder)),
        (piece("metadata"), Outcome::Described(Box::new(description))),
    ]
}

/// A reason.
pub(super) fn problem(detail: &str) -> Problem {
    Problem::new(Code::Damaged, detail)
}

/// The upload of an image.
pub(super) fn upload(number: u8) -> Key {
    Key::Upload { image: id(number) }
}

/// A public variant of an image.
pub(super) fn variant(number: u8, file: &str) -> Key {
    let revision = Revision::short(Sha256::of(b"variant"));
    Key::Variant {
        image: id(number),
        revision,
        file: file.to_owned(),
        visibility: Visibility::Public,
    }
}

/// So many bytes, different for each seed and everywhere.
pub(super) fn bytes(seed: u8, length: usize) -> Bytes {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// What these bytes must turn out to be.
pub(super) fn exactly(bytes: &Bytes) -> Exactly {
    Exactly { size: bytes.len() as u64, sha256: Some(Sha256::of(bytes)) }
}

/// The bytes in chunks of so many, with an empty one before each.
pub(super) fn stream_of(bytes: &Bytes, chunk: usize) -> ByteStream {
    let chunks: Vec<_> = bytes
        .chunks(chunk)
        .flat_map(|chunk| [Ok(Bytes::new()), Ok(Bytes::copy_from_slice(chunk))])
        .collect();
    stream::iter(chunks).boxed()
}
