//! WebP: chunks of a RIFF file (RFC 9649, 2.3 and 2.7.1.5).

use domain::StoreError;

use super::{Blocks, File, LONGEST_BLOCK};

pub(super) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let mut blocks = Blocks::default();
    let mut at = 12;
    while let Some(head) = file.at(at, 8).await? {
        let &[a, b, c, d, ref length @ ..] = &head[..] else { break };
        let Ok(length) = <[u8; 4]>::try_from(length).map(u32::from_le_bytes) else { break };
        let length = u64::from(length);
        let kind = [a, b, c, d];
        // Adobe's name of the chunk ends with a space, and some writers' with a zero.
        let wanted = matches!(&kind, b"EXIF" | b"XMP " | b"XMP\0");
        if wanted
            && length <= LONGEST_BLOCK
            && let Some(block) = file.at(at + 8, length).await?
        {
            if &kind == b"EXIF" {
                blocks.take_exif(&block).await?;
            } else {
                blocks.take_xmp(block);
            }
        }
        at += 8 + length.next_multiple_of(2);
    }
    Ok(blocks)
}
