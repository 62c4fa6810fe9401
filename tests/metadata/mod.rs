//! What files say of themselves, in every container: against exiftool over real files, against
//! fixtures that others wrote, and against bytes that make no sense.

mod build;
mod containers;
mod exif;
mod exiftool;
mod expected;
mod formats;
mod hostile;
mod packets;
mod precedence;
mod reading;
mod record;
