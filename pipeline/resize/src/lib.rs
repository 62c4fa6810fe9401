//! Making variants, and what is derived from reduced pixels.
//!
//! The order of work: see what is still wanted, skip what is there, read the original once, decode
//! it once, write each object as it is encoded, record. What no time is left for follows as a
//! message. A picture that cannot be decoded is a result of all its pieces, and is recorded.
//!
//! **A piece that kills its worker** takes down the recording of every other piece that is made from
//! the same decode. So the three starts of an image differ ([`Pace`]): the first makes all pieces
//! and records them at its end, as cheaply as can be; the second records what the first had
//! written, and then each piece as it is made, from the last to the first; the third does the same
//! from the first to the last. Whichever piece kills, the second start has made those behind it
//! and the third those before it, and no start was spent on one piece alone.
//!
//! *Architecture invariant:* this crate touches pixels through [`imaging`] alone, and never on a
//! thread that carries messages.

mod atelier;
mod render;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Budget, Catalog, Failure, Message, Objects, Stage, message::Body};
use imaging::Limits;

/// The stage of [`Body::Render`].
pub struct Resize {
    /// Where originals are kept and variants go.
    pub objects: Arc<dyn Objects>,
    /// What is awaited and what has ended.
    pub catalog: Arc<dyn Catalog>,
    /// What may be decoded.
    pub limits: Limits,
}

/// How pieces are made and recorded, by the starts that were lost before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// All, recorded together.
    Together,
    /// From the last to the first, each recorded at once.
    Backward,
    /// From the first to the last, each recorded at once.
    Forward,
}

impl Pace {
    fn of(attempts: u32) -> Self {
        match attempts {
            0 => Self::Together,
            1 => Self::Backward,
            _ => Self::Forward,
        }
    }
}

#[async_trait]
impl Stage for Resize {
    async fn handle(&self, message: Message, budget: &Budget) -> Result<Vec<Message>, Failure> {
        match message.body {
            Body::Render { image, pieces } => {
                self.render(image, pieces, message.attempts, budget).await
            }
            _ => Err(Failure::Misrouted(message.name().to_owned())),
        }
    }
}
