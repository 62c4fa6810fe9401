//! Nothing is lost, nothing is made twice, and no image holds another, whatever fails: the stages
//! on memory adapters, with failures at every port call.

mod budget;
mod every_call;
mod fuse;
mod home;
mod poison;
mod ports;
mod scenario;
mod storm;

use super::pipeline::{draw, world};
