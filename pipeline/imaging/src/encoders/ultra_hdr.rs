//! A JPEG with its gain map behind it (CIPA DC-007), which says what it means as ISO 21496-1 has it:
//! XMP, in which earlier files say it, is not written.

use crate::fault::Fault;
use crate::gain_map::{ISO, Meaning};

/// Length of the index of two pictures: a TIFF header, a directory of three fields, two entries.
const INDEX: usize = 8 + 2 + 3 * 12 + 4 + 2 * 16;

/// One file of a picture and the map for it, both JPEG.
pub(super) fn join(picture: &[u8], map: &[u8], meaning: Meaning) -> Result<Vec<u8>, Fault> {
    let map = with_segments(map, &[&[ISO, &meaning.to_bytes()].concat()])?;
    // Versions alone: whoever knows them looks for a map.
    let version = [ISO, &[0; 4]].concat();
    let total = picture.len() + segment_length(version.len()) + segment_length(4 + INDEX);
    // Offsets count from the index's own header, behind the version, a marker, a length and a name.
    let header = front(picture) + segment_length(version.len()) + 4 + 4;
    let index = index(total, total - header, map.len())?;
    let mut file = with_segments(picture, &[&version, &[b"MPF\0", &index[..]].concat()])?;
    file.extend_from_slice(&map);
    Ok(file)
}

fn segment_length(body: usize) -> usize {
    4 + body
}

/// Bytes of SOI and the segment of JFIF, which has to follow it.
fn front(jpeg: &[u8]) -> usize {
    match jpeg {
        [_, _, 0xff, 0xe0, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    }
}

/// A JPEG with APP2 segments in front of all but that of JFIF.
fn with_segments(jpeg: &[u8], bodies: &[&[u8]]) -> Result<Vec<u8>, Fault> {
    let (start, rest) = jpeg.split_at_checked(front(jpeg)).ok_or_else(too_long)?;
    let mut file = start.to_vec();
    for body in bodies {
        let length = u16::try_from(body.len() + 2).map_err(|_| too_long())?;
        file.extend_from_slice(&[0xff, 0xe2]);
        file.extend_from_slice(&length.to_be_bytes());
        file.extend_from_slice(body);
    }
    file.extend_from_slice(rest);
    Ok(file)
}

/// The index of the two pictures: version, number, and for each attributes, length and offset.
fn index(picture: usize, offset: usize, map: usize) -> Result<Vec<u8>, Fault> {
    const FIRST_FIELD: u32 = 8;
    const ENTRIES: u32 = 8 + 2 + 3 * 12 + 4;
    /// The picture that stands for the file, of the baseline's kind.
    const PRIMARY: u32 = 0x0003_0000;
    let long = |length: usize| u32::try_from(length).map_err(|_| too_long());
    let mut bytes = b"MM\0*".to_vec();
    bytes.extend(FIRST_FIELD.to_be_bytes());
    bytes.extend(3_u16.to_be_bytes());
    // Tag, type (7 is UNDEFINED, 4 LONG), count, value or offset.
    let fields: [(u16, u16, u32, [u8; 4]); 3] = [
        (0xb000, 7, 4, *b"0100"),
        (0xb001, 4, 1, 2_u32.to_be_bytes()),
        (0xb002, 7, 32, ENTRIES.to_be_bytes()),
    ];
    for (tag, kind, count, value) in fields {
        bytes.extend(tag.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend(value);
    }
    bytes.extend([0; 4]);
    for (attributes, length, offset) in [(PRIMARY, picture, 0), (0, map, offset)] {
        bytes.extend(attributes.to_be_bytes());
        bytes.extend(long(length)?.to_be_bytes());
        bytes.extend(long(offset)?.to_be_bytes());
        bytes.extend([0; 4]);
    }
    Ok(bytes)
}

fn too_long() -> Fault {
    Fault::damaged("The JPEG cannot take its gain map.")
}
