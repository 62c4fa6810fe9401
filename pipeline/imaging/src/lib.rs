//! Pixels: what a picture claims to be, which pieces it is turned into, and the turning.
//!
//! The crate is pure. It reads no file, no clock and no environment, starts no thread and knows no
//! message or store; bytes come in and bytes go out. The order of work:
//!
//! 1. [`Header::parse`](formats::Header::parse) reads the claims of a file without decoding it.
//! 2. [`Limits::check`](limits::Limits::check) refuses what is too large, from the header alone.
//! 3. [`Presets::plan`](recipe::Presets::plan) makes a [`Plan`](plan::Plan): plain data that says
//!    for each piece how its pixels come about, down to every intermediate size.
//! 4. [`open`](formats::open) decodes the file as [`Rows`](rows::Rows).
//! 5. [`Plan::run`](plan::Plan::run) reads the rows once and makes every piece.
//!
//! *Architecture invariant:* the bytes of a piece depend on the source, its header, the piece and
//! [`ENGINE`] alone: not on the other pieces of the plan, their order, the budget, the number of
//! cores or the clock.

pub mod colour;
pub mod decimal;
pub mod effects;
pub mod fault;
pub mod formats;
pub mod geometry;
pub mod limits;
pub mod plan;
pub mod recipe;
pub mod rows;

mod attention;
mod canvas;
mod derived;
mod encoders;
mod linear;
mod resample;
mod run;
mod steps;

pub use colour::{Colour, Rgba, Space};
pub use decimal::Decimal;
pub use effects::{AssetId, Assets, Effect};
pub use fault::{Fault, FaultCode};
pub use formats::{Channels, Format, Header, HeaderError, Whole, open};
pub use geometry::{Area, Fit, Orientation, Point, Size};
pub use limits::Limits;
pub use plan::{
    Backdrop, Budget, Change, Coding, Frames, Lineage, Made, Part, Piece, Plan, Progress, Rendition,
};
pub use plan::{Resample, Shrink, Step, Unlimited, Work};
pub use recipe::{Preset, Presets, PresetsError};
pub use rows::{Depth, Layout, Picture, Rows};

/// The version of this code and of the crates that decide bytes. It is hashed into every
/// [revision](plan::Piece::revision), so the first number is raised whenever a change here changes
/// bytes; a test holds the others to `Cargo.lock`.
pub const ENGINE: &str = "4 zune-jpeg-0.5.15 jpeg-decoder-0.3.2 png-0.18.1 gif-0.14.2 \
                          image-webp-0.2.4 weezl-0.1.12 flate2-1.1.11 fax-0.2.7 re_rav1d-0.1.3 \
                          jxl-oxide-0.12.6 jxl-render-0.12.4 resvg-0.49.0 usvg-0.49.0 \
                          tiny-skia-0.12.0 moxcms-0.9.2 libm-0.2.16 fast_image_resize-6.1.0 \
                          jpeg-encoder-0.7.1 libwebp-sys-0.14.4 rav1e-0.8.1 ravif-0.13.0 \
                          quantette-0.6.0 ab_glyph-0.2.32 \
                          ab_glyph_rasterizer-0.1.10 thumbhash-0.1.0";
