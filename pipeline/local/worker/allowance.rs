//! What a worker may still write over one message: each object that the message asks for, once, and
//! no larger than it can become. However long a worker that was taken over goes on, the disk takes
//! no more of it than that.

use std::collections::BTreeMap;

use domain::{
    Key, Message, PieceId,
    message::{Body, Order},
};
use imaging::Work;

/// More bytes than a pixel of a variant takes in any format: noise, and every table unfit for it.
const MOST_A_PIXEL: u64 = 16;

/// More bytes than a variant has beside its pixels.
const MOST_BESIDE: u64 = 64 << 10;

/// What is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance(BTreeMap<Object, u64>);

/// An object that a message may bring about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Object {
    /// A copy of the upload, which is as large as the upload.
    Original,
    /// Raw metadata.
    Metadata,
    /// The file of a piece.
    Variant(PieceId),
}

impl Allowance {
    /// What handling this message can need.
    pub fn of(message: &Message) -> Self {
        Self(match &message.body {
            Body::Uploaded { .. } => BTreeMap::from([(Object::Original, u64::MAX)]),
            Body::Describe { .. } => BTreeMap::from([(Object::Metadata, metadata::MOST_RAW)]),
            Body::Render { pieces, .. } => pieces.iter().filter_map(variant).collect(),
            _ => BTreeMap::new(),
        })
    }

    /// Takes an object out of it, or says why that is too much.
    pub fn take(&mut self, key: &Key, bytes: u64) -> Result<(), String> {
        let object = match key {
            Key::Original { .. } => Object::Original,
            Key::Metadata { .. } => Object::Metadata,
            Key::Variant { file, revision, .. } => {
                Object::Variant(PieceId { name: file.clone(), revision: revision.clone() })
            }
            Key::Upload { .. } | Key::Part { .. } | Key::Foreign { .. } | Key::Asset { .. } => {
                return Err(format!("{key} is not its own"));
            }
        };
        match self.0.remove(&object) {
            None => Err(format!("{key} is more than its message needs")),
            Some(most) if bytes > most => {
                Err(format!("{key} was to have {bytes} bytes, where {most} are the most"))
            }
            Some(_) => Ok(()),
        }
    }

    /// The most bytes that can come with one call; a copy comes with none.
    pub fn largest(&self) -> u64 {
        let written = self.0.iter().filter(|(object, _)| **object != Object::Original);
        written.map(|(_, most)| *most).max().unwrap_or(0)
    }
}

fn variant(order: &Order) -> Option<(Object, u64)> {
    let Work::Variant(rendition) = &order.piece.work else { return None };
    let pixels = u64::from(rendition.width) * u64::from(rendition.height);
    let most = pixels.saturating_mul(MOST_A_PIXEL).saturating_add(MOST_BESIDE);
    Some((Object::Variant(order.id.clone()), most))
}
