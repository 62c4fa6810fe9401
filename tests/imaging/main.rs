//! `imaging`, from outside: what it promises, held against independent readers where there are any.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod corpus;
mod draw;
mod geometry;
mod headers;
mod pixels;
mod plans;
mod presets;
