//! What files say of themselves, in every container: against exiftool over real files, against
//! fixtures that others wrote, and against bytes that make no sense.

pub(crate) mod build;
mod containers;
mod exif;
mod exiftool;
mod expected;
mod formats;
pub(crate) mod hostile;
mod packets;
mod precedence;
pub(crate) mod reading;
mod record;
