//! `imaging`, from outside: what it promises, held against independent readers where there are any.

mod animations;
mod attention;
pub(crate) mod corpus;
pub(crate) mod draw;
mod effects;
mod every;
mod formats;
mod generated;
mod geometry;
mod headers;
mod looks;
pub(crate) mod made;
mod photographs;
mod pixels;
mod planned;
mod plans;
mod presets;
mod privacy;
mod quality;
mod shapes;
mod turned;
