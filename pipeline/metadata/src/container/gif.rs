//! GIF (89a specification): the comment extension, and XMP in an application extension (Adobe XMP
//! specification, part 3, 1.1.2).

use bytes::{Bytes, BytesMut};
use domain::StoreError;

use super::{Blocks, File, LONGEST_BLOCK, LONGEST_TEXT};

/// The application extension's identifier and authentication code.
const XMP: &[u8] = b"XMP DataXMP";

/// What follows the packet, so that readers of sub-blocks find their way: 0x01, 0xff, 0xfe … 0x00,
/// and the terminator, which is not counted here.
const TRAILER: usize = 257;

const EXTENSION: u8 = 0x21;
const COMMENT: u8 = 0xfe;
const APPLICATION: u8 = 0xff;
const IMAGE: u8 = 0x2c;

pub(super) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let mut blocks = Blocks::default();
    let Some(screen) = file.at(6, 7).await? else { return Ok(blocks) };
    let mut at = 13 + colours(screen.get(4).copied());
    while let Some(introducer) = file.at(at, 2).await? {
        match introducer[..] {
            [IMAGE, _] => {
                let Some(image) = file.at(at, 11).await? else { break };
                // Descriptor, colours, and the smallest code size in front of the data.
                at = skip(file, at + 11 + colours(image.get(9).copied())).await?;
            }
            [EXTENSION, COMMENT] => {
                let (text, end) = sub_blocks(file, at + 2, LONGEST_TEXT).await?;
                // Seven-bit ASCII by the specification, UTF-8 by use.
                blocks.take_text("comment", &String::from_utf8_lossy(&text));
                at = end;
            }
            [EXTENSION, APPLICATION] => {
                let name = file.up_to(at + 2, 1 + XMP.len() as u64).await?;
                at = if name.get(1..) == Some(XMP) {
                    let begin = at + 2 + name.len() as u64;
                    let end = skip(file, begin).await?;
                    take_packet(&mut blocks, file, begin, end).await?;
                    end
                } else {
                    skip(file, at + 2).await?
                };
            }
            [EXTENSION, _] => at = skip(file, at + 2).await?,
            _ => break,
        }
    }
    Ok(blocks)
}

/// The packet is not cut into sub-blocks; they only seem to be there.
async fn take_packet(
    blocks: &mut Blocks,
    file: &mut File<'_>,
    begin: u64,
    end: u64,
) -> Result<(), StoreError> {
    let length = end.saturating_sub(begin);
    if length <= LONGEST_BLOCK
        && let Some(mut packet) = file.at(begin, length).await?
        && let Some(text) = packet.len().checked_sub(TRAILER + 1)
    {
        packet.truncate(text);
        blocks.take_xmp(packet);
    }
    Ok(())
}

/// Bytes of a colour table, by the flags in front of it.
fn colours(flags: Option<u8>) -> u64 {
    match flags {
        Some(flags) if flags & 0x80 != 0 => 3 << ((flags & 7) + 1),
        _ => 0,
    }
}

/// Where a list of sub-blocks ends; the file's end where it does not.
async fn skip(file: &mut File<'_>, from: u64) -> Result<u64, StoreError> {
    Ok(sub_blocks(file, from, 0).await?.1)
}

/// The first bytes of a list of sub-blocks, and where it ends.
async fn sub_blocks(
    file: &mut File<'_>,
    mut at: u64,
    most: usize,
) -> Result<(Bytes, u64), StoreError> {
    let mut data = BytesMut::new();
    while let Some(length) = file.at(at, 1).await? {
        let length = u64::from(length.first().copied().unwrap_or_default());
        if length == 0 {
            return Ok((data.freeze(), at + 1));
        }
        if data.len() < most
            && let Some(part) = file.at(at + 1, length).await?
        {
            data.extend_from_slice(&part);
        }
        at += 1 + length;
    }
    Ok((data.freeze(), file.size()))
}
