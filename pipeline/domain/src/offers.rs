//! What presets offer on request, as far as whoever is asked has to know it: the names of files, and
//! which presets they are of. How they are made is between presets and the fan-out.

use std::collections::BTreeSet;

use imaging::Presets;

use crate::{Revision, Sha256};

/// What may be asked for of every image, beside what every image has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    /// Which presets: under others, the same name may mean another picture.
    pub presets: Revision,
    /// The files: `hero.webp`.
    pub files: BTreeSet<String>,
}

impl From<&Presets> for Offers {
    fn from(presets: &Presets) -> Self {
        Self {
            presets: Revision::short(Sha256(presets.digest())),
            files: presets.on_request().collect(),
        }
    }
}
