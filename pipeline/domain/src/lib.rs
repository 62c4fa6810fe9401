//! What an image is, which messages it lives through, and what a home must offer to carry them.
//!
//! Pure decisions are at the bottom ([`image`], [`key`], [`message`], [`problem`]); the [`ports`]
//! say what the outside must guarantee; [`stage`] joins the two. Nothing here knows a disk, a
//! network or AWS: a home brings those and proves them with the [`contract`].

pub mod budget;
pub mod contract;
pub mod digest;
pub mod failure;
pub mod forms;
pub mod image;
pub mod key;
pub mod memory;
pub mod message;
pub mod offers;
pub mod parts;
pub mod ports;
pub mod problem;
pub mod query;
pub mod record;
pub mod signing;
pub mod stage;
pub mod trace;

pub use budget::Budget;
pub use digest::Sha256;
pub use failure::{Failure, StoreError};
pub use image::{Image, Status, Visibility};
pub use key::{ImageId, Key, PieceId, Revision, Tenant};
pub use message::{Body, Message, StageName};
pub use offers::Offers;
pub use parts::Parts;
pub use ports::{Catalog, Clock, DeadLetters, Keyring, Objects, Outbox, Queue};
pub use problem::{Code, Problem};
pub use stage::Stage;
