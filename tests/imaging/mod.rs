//! `imaging`, from outside: what it promises, held against independent readers where there are any.

mod animations;
mod attention;
mod corpus;
pub(crate) mod draw;
mod effects;
mod formats;
mod generated;
mod geometry;
mod headers;
mod looks;
mod pixels;
mod plans;
mod presets;
mod quality;
mod turned;
