//! What `darkroom estimate` takes for counted and for derived, taken in from where it belongs.

#[path = "../../../../local/estimate/counted.rs"]
pub(super) mod counted;
#[path = "../../../../local/estimate/counts.rs"]
mod counts;

use serde::Serializer;

pub(super) use self::counts::Counts;

/// Those of `estimate::Inputs` that counts follow from.
pub(super) struct Inputs {
    pub(super) variants: u32,
    pub(super) upload_bytes: u32,
    pub(super) batch: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
fn rounded<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*number)
}
