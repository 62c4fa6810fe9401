//! Nothing is lost, nothing is made twice, and no image holds another, whatever fails: the stages
//! on memory adapters, with failures at every port call.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod budget;
#[path = "../pipeline/draw.rs"]
mod draw;
mod every_call;
mod fuse;
mod home;
mod poison;
mod ports;
mod scenario;
mod storm;
#[path = "../pipeline/world.rs"]
mod world;
