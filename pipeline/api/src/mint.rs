//! Ids of images.

use domain::ImageId;
use jiff::Timestamp;

/// A new id, of the moment and the system's random bytes; an error where the system has none.
pub fn mint(now: Timestamp) -> Result<ImageId, String> {
    let millis = u64::try_from(now.as_millisecond()).map_err(|error| error.to_string())?;
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    Ok(ImageId::mint(millis, &random))
}
