//! The path of an image, from its upload to its announcement and its end, on memory adapters.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod adoption;
mod calm;
mod draw;
mod ending;
mod exif;
mod exiftool;
mod intruder;
mod path;
mod refusals;
mod sweeping;
mod world;
