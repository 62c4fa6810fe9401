//! JPEG: application segments in front of the picture (ITU-T T.81, B.2.4.6).

use bytes::{Bytes, BytesMut};
use domain::StoreError;

use super::{Blocks, EXIF, File, LONGEST_BLOCK, LONGEST_EXTENSION, Portion, be32};

/// Where the search ends. What is in front of a picture ends within a few megabytes.
const LONGEST_HEADER: u64 = 16 << 20;

/// Segments and fill bytes that are walked over.
const MOST_STEPS: usize = 4_096;

/// Adobe XMP specification, part 3, 1.1.3 and 1.1.3.1.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const XMP_EXTENSION: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

/// Adobe's name of its image resources; one list of them may span segments.
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

const MARKER: u8 = 0xff;
const APP1: u8 = 0xe1;
const APP13: u8 = 0xed;
const COMMENT: u8 = 0xfe;

pub(super) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let mut blocks = Blocks::default();
    let mut exif = BytesMut::new();
    let mut photoshop = BytesMut::new();
    let mut at = 2;
    for _ in 0..MOST_STEPS {
        if at > LONGEST_HEADER {
            break;
        }
        let Some(head) = file.at(at, 4).await? else { break };
        let &[MARKER, kind, high, low] = &head[..] else { break };
        match kind {
            // Fill bytes, and markers without a length.
            MARKER => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            // The picture begins, or there is none.
            0xda | 0xd9 => break,
            _ => {
                let length = u64::from(u16::from_be_bytes([high, low]));
                let Some(body) = length.checked_sub(2) else { break };
                if matches!(kind, APP1 | APP13 | COMMENT)
                    && let Some(segment) = file.at(at + 4, body).await?
                {
                    match kind {
                        APP1 => app1(&mut blocks, &mut exif, &segment),
                        APP13 => app13(&mut photoshop, &segment),
                        _ => comment(&mut blocks, &segment),
                    }
                }
                at += 2 + length;
            }
        }
    }
    if !exif.is_empty() {
        blocks.take_exif(&exif.freeze()).await?;
    }
    blocks.take_photoshop(&photoshop.freeze());
    Ok(blocks)
}

/// EXIF (EXIF 2.32, 4.7.2), XMP, or a part of extended XMP.
fn app1(blocks: &mut Blocks, exif: &mut BytesMut, segment: &Bytes) {
    if let Some(tiff) = segment.strip_prefix(EXIF) {
        // The first counts; what is too long for one segment goes on in the next, though the
        // standard does not allow it.
        let goes_on = !matches!(tiff, [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..]);
        if exif.is_empty() || goes_on && (exif.len() + tiff.len()) as u64 <= LONGEST_BLOCK {
            exif.extend_from_slice(tiff);
        }
        return;
    }
    if let Some(packet) = segment.strip_prefix(XMP) {
        blocks.take_xmp(segment.slice_ref(packet));
    } else if let Some(part) = segment.strip_prefix(XMP_EXTENSION)
        && let Some((guid, rest)) = part.split_first_chunk()
        && let (Some(full), Some(offset)) = (be32(rest, 0), be32(rest, 4))
    {
        let held: usize = blocks.extension.iter().map(|portion| portion.bytes.len()).sum();
        let bytes = segment.slice_ref(rest.get(8..).unwrap_or_default());
        if held + bytes.len() <= LONGEST_EXTENSION {
            blocks.extension.push(Portion { guid: *guid, full, offset, bytes });
        } else {
            blocks.fault("the extended XMP is too long");
        }
    }
}

fn app13(photoshop: &mut BytesMut, segment: &[u8]) {
    if let Some(resources) = segment.strip_prefix(PHOTOSHOP)
        && (photoshop.len() + resources.len()) as u64 <= LONGEST_BLOCK
    {
        photoshop.extend_from_slice(resources);
    }
}

/// A comment has no charset (B.2.4.5).
fn comment(blocks: &mut Blocks, segment: &[u8]) {
    blocks.take_text("comment", &String::from_utf8_lossy(segment));
}
