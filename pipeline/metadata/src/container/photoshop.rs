//! Image resources of Photoshop (Adobe Photoshop file formats specification, "Image resource
//! blocks"): in JPEG, TIFF and PNG the place of IPTC.

use bytes::Bytes;

use super::{be16, be32};

const SIGNATURE: &[u8] = b"8BIM";
/// IPTC-NAA record.
const IPTC: u16 = 0x0404;
/// MD5 of that record, as it was when the XMP was last brought in step with it.
const IPTC_DIGEST: u16 = 0x0425;

/// What of the resources is metadata.
#[derive(Default)]
pub(super) struct Resources {
    pub(super) iptc: Option<Bytes>,
    pub(super) iptc_digest: Option<[u8; 16]>,
}

/// Reads resources until they make no sense.
pub(super) fn resources(block: &Bytes) -> Resources {
    let mut found = Resources::default();
    let mut rest = &block[..];
    while let Some((id, data, behind)) = resource(rest) {
        match id {
            IPTC if found.iptc.is_none() => found.iptc = Some(block.slice_ref(data)),
            IPTC_DIGEST => found.iptc_digest = data.try_into().ok(),
            _ => {}
        }
        rest = behind;
    }
    found
}

/// Identifier, data, and what comes behind: the name and the data are padded to even lengths.
fn resource(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let bytes = bytes.strip_prefix(SIGNATURE)?;
    let id = be16(bytes, 0)?;
    let name = usize::from(*bytes.get(2)?) + 1;
    let bytes = bytes.get(2 + name.next_multiple_of(2)..)?;
    let length = usize::try_from(be32(bytes, 0)?).ok()?;
    let bytes = bytes.get(4..)?;
    let data = bytes.get(..length)?;
    let behind = bytes.get(length.next_multiple_of(2)..).unwrap_or_default();
    Some((id, data, behind))
}
