//! Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2).

use domain::StoreError;

use super::{File, be32};

/// Boxes at the top of a file that are walked over: a picture has a dozen, an animation in parts
/// has thousands.
const MOST_BOXES: usize = 4_096;

/// Where one is.
pub(super) struct BoxAt {
    pub(super) kind: [u8; 4],
    /// Its first byte behind the header.
    pub(super) body: u64,
    /// Bytes behind the header.
    pub(super) length: u64,
}

/// The boxes at the top of a file, until they make no sense.
pub(super) async fn top(file: &mut File<'_>) -> Result<Vec<BoxAt>, StoreError> {
    let mut found = Vec::new();
    let mut at: u64 = 0;
    while found.len() < MOST_BOXES {
        // Sixteen are the longest header; the last box may be shorter.
        let head = file.up_to(at, 16).await?;
        let Some((kind, header, length)) = header(&head, file.size() - at) else { break };
        found.push(BoxAt { kind, body: at + header, length: length - header });
        let Some(next) = at.checked_add(length).filter(|next| *next < file.size()) else { break };
        at = next;
    }
    Ok(found)
}

/// The boxes within bytes that are here, until they make no sense.
pub(super) fn within(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (kind, header, length) = header(bytes, bytes.len() as u64)?;
        let header = usize::try_from(header).ok()?;
        let length = usize::try_from(length).ok()?;
        let body = bytes.get(header..length)?;
        bytes = bytes.get(length..)?;
        Some((kind, body))
    })
}

/// Type, bytes of the header, bytes of the whole, which are never more than there is room for and
/// never fewer than the header's.
fn header(head: &[u8], room: u64) -> Option<([u8; 4], u64, u64)> {
    let kind = *head.get(4..)?.first_chunk()?;
    let (header, length) = match be32(head, 0)? {
        // To the end of the file.
        0 => (8, room),
        1 => (16, head.get(8..)?.first_chunk().map(|&bytes| u64::from_be_bytes(bytes))?),
        length => (8, u64::from(length)),
    };
    // A box that is cut off still has what came before.
    (length >= header && room >= header).then_some((kind, header, length.min(room)))
}
