//! `imaging`, from outside: what it promises, held against independent readers where there are any.

mod attention;
pub(crate) mod corpus;
mod draw;
mod effects;
mod formats;
mod geometry;
mod headers;
mod pixels;
mod plans;
mod presets;
mod turned;
