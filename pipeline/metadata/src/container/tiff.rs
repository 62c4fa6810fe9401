//! TIFF and BigTIFF: the file is its own EXIF block, and tags of its first directory hold the rest.

use domain::StoreError;

use super::{Blocks, File, LONGEST_BLOCK};
use crate::directories::{self, Place};

/// Adobe XMP specification, part 3, 1.1.7.
const XMP: u16 = 700;
/// IPTC-NAA, as Adobe's TIFF technical notes and ISO 12234-2 have it.
const IPTC: u16 = 33_723;
/// Photoshop's image resources, of which only the digest is not also elsewhere.
const PHOTOSHOP: u16 = 34_377;

pub(super) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let mut blocks = Blocks::default();
    let exif = directories::read(file).await?;
    for &Place { tag, at, length } in &exif.places {
        if length > LONGEST_BLOCK || !matches!(tag, XMP | IPTC | PHOTOSHOP) {
            continue;
        }
        let Some(block) = file.at(at, length).await? else { continue };
        match tag {
            XMP => blocks.take_xmp(block),
            IPTC => {
                blocks.iptc.get_or_insert(block);
            }
            _ => blocks.take_photoshop(&block),
        }
    }
    blocks.exif = Some(exif);
    Ok(blocks)
}
