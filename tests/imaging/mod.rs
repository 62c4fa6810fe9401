//! `imaging`, from outside: what it promises, held against independent readers where there are any.

mod attention;
pub(crate) mod corpus;
mod draw;
mod effects;
mod every;
mod formats;
mod geometry;
mod headers;
mod pixels;
mod planned;
mod plans;
mod presets;
mod privacy;
mod shapes;
mod turned;
