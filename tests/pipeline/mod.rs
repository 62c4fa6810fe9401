//! The path of an image, from its upload to its announcement and its end, on memory adapters.

mod adoption;
mod calm;
pub(super) mod draw;
mod ending;
pub(super) mod intruder;
mod late;
mod on_request;
mod on_request_meanwhile;
mod path;
mod refusals;
mod sweeping;
mod waiting;
pub(super) mod world;
