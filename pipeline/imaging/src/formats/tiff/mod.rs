//! TIFF (revision 6.0, 1992; `BigTIFF`; technical notes of Adobe and libtiff), its first picture.
//! Strips or tiles are decoded one row of them at a time.

mod chunk;
mod directory;
mod lines;

use directory::Directory;

use super::{Channels, Format, Header, HeaderError, Whole, short};
use crate::colour::Colour;
use crate::fault::Fault;
use crate::rows::{Guarded, Rows};

const ENDS: &str = "The TIFF ends before its first directory or what it points to does.";

/// Bytes of decoded samples that a row of strips or tiles may have to count as a small part.
const BAND: u64 = 8 << 20;

/// Reads the first directory, which may lie anywhere in the file.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    let directory = Directory::parse(head).ok_or_else(|| short(whole, ENDS))??;
    directory.check()?;
    Ok(Header {
        format: Format::Tiff,
        width: directory.width,
        height: directory.height,
        orientation: directory.orientation,
        frames: 1,
        channels: directory.channels(),
        depth: u8::try_from(directory.bits.min(16)).unwrap_or(16),
        progressive: directory.band_bytes() > BAND,
    })
}

/// A row of strips or tiles as stored, unpacked, and as samples; often that is the whole picture.
pub(crate) fn memory(header: &Header) -> u64 {
    let sample = if header.depth > 8 { 2 } else { 1 };
    let row = u64::from(header.width) * header.channels.count().max(4) as u64 * sample;
    if header.progressive { row * u64::from(header.height) * 4 + (2 << 20) } else { 4 * BAND }
}

/// Opens the picture for reading by rows of strips or tiles.
pub(crate) fn open<'a>(bytes: &'a [u8], header: &Header) -> Result<Box<dyn Rows + 'a>, Fault> {
    let directory = Directory::parse(bytes).ok_or_else(|| Fault::truncated(ENDS))??;
    directory.check()?;
    if (directory.width, directory.height, directory.channels())
        != (header.width, header.height, header.channels)
    {
        return Err(Fault::damaged("The TIFF is another than its header says."));
    }
    let colour = match &directory.profile {
        Some(profile) => Colour::Profile(
            bytes.get(profile.clone()).ok_or_else(|| Fault::truncated(ENDS))?.into(),
        ),
        // Floating point is proportional to light (H.273, table 3: 8).
        None if directory.float() => Colour::Coded { primaries: 1, transfer: 8 },
        None => Colour::Srgb,
    };
    Ok(Box::new(Guarded::new(lines::Lines::new(bytes, directory, header.orientation, colour)?)))
}
