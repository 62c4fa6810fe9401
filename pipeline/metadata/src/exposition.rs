//! From an EXIF block to what is known.

use domain::record::Metadata;
use exif::{Exif, Reader};

use crate::{fields, raw};

/// What a picture says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// The normalised fields.
    pub fields: Metadata,
    /// Every tag as JSON, in bounded size; none where there is no tag.
    pub raw: Option<Vec<u8>>,
}

/// Parses a TIFF structure as far as it goes: cameras write broken entries beside sound ones.
pub fn explain(tiff: Vec<u8>) -> Exposition {
    let mut faults = Vec::new();
    let parsed = Reader::new()
        .continue_on_error(true)
        .read_raw(tiff)
        .or_else(|error| error.distill_partial_result(|errors| faults = errors));
    let exif: Exif = match parsed {
        Ok(exif) => exif,
        Err(error) => {
            tracing::debug!(%error, "an EXIF block that cannot be parsed");
            return Exposition::default();
        }
    };
    Exposition { fields: fields::normalised(&exif), raw: raw::json(&exif, &faults) }
}
