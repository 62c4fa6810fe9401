//! Finding the EXIF block in a file without reading its pixels.

use bytes::Bytes;
use domain::{Key, Objects, StoreError};

/// Bytes of one read: the EXIF block of nearly every JPEG lies within the first.
const WINDOW: u64 = 128 << 10;

/// Where the search in a JPEG ends. Its EXIF stands in front of the picture, and what is in front
/// of a picture ends within a few megabytes.
const LONGEST_HEADER: u64 = 16 << 20;

/// The longest EXIF block that is taken. JPEG cannot hold more than 64 KiB; PNG could.
const LONGEST_BLOCK: u64 = 1 << 20;

/// What stands in front of the TIFF structure in a JPEG, and by mistake in other containers.
const EXIF: &[u8] = b"Exif\0\0";

/// A stored object that is read here and there.
pub(crate) struct File<'a> {
    objects: &'a dyn Objects,
    key: &'a Key,
    size: u64,
    start: u64,
    window: Bytes,
}

impl<'a> File<'a> {
    pub(crate) fn new(objects: &'a dyn Objects, key: &'a Key, size: u64) -> Self {
        Self { objects, key, size, start: 0, window: Bytes::new() }
    }

    /// Exactly `length` bytes; none where the file ends before.
    async fn at(&mut self, from: u64, length: u64) -> Result<Option<Bytes>, StoreError> {
        if from.checked_add(length).is_none_or(|end| end > self.size) {
            return Ok(None);
        }
        let inside = |start: u64, window: &Bytes| {
            from >= start && from + length <= start + window.len() as u64
        };
        if !inside(self.start, &self.window) {
            let end = self.size.min(from + length.max(WINDOW));
            self.window = self.objects.read_range(self.key, from..end).await?;
            self.start = from;
        }
        if !inside(self.start, &self.window) {
            return Ok(None);
        }
        // Both fit the window, so both fit memory.
        let begin = usize::try_from(from - self.start).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Some(self.window.slice(begin..begin + length)))
    }
}

/// The TIFF structure of the first APP1 segment that holds one (EXIF 2.32, 4.7.2).
pub(crate) async fn jpeg(file: &mut File<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    const MARKER: u8 = 0xff;
    const APP1: u8 = 0xe1;
    let mut at = 2;
    while at < LONGEST_HEADER {
        let Some(head) = file.at(at, 4).await? else { return Ok(None) };
        let &[MARKER, kind, high, low] = &head[..] else { return Ok(None) };
        match kind {
            // Fill bytes, and markers without a length.
            MARKER => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            // The picture begins, or there is none.
            0xda | 0xd9 => return Ok(None),
            _ => {
                let length = u64::from(u16::from_be_bytes([high, low]));
                let Some(body) = length.checked_sub(2) else { return Ok(None) };
                if kind == APP1
                    && let Some(segment) = file.at(at + 4, body).await?
                    && let Some(tiff) = segment.strip_prefix(EXIF)
                {
                    return Ok(Some(tiff.to_vec()));
                }
                at += 2 + length;
            }
        }
    }
    Ok(None)
}

/// The `eXIf` chunk (PNG, third edition, 11.3.4.3), which may stand behind the picture.
pub(crate) async fn png(file: &mut File<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    /// Length, type and checksum.
    const FRAME: u64 = 12;
    let mut at = 8;
    while let Some(head) = file.at(at, 8).await? {
        let &[a, b, c, d, ref kind @ ..] = &head[..] else { return Ok(None) };
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        match kind {
            b"eXIf" if length <= LONGEST_BLOCK => {
                let block = file.at(at + 8, length).await?;
                return Ok(block.map(|b| b.strip_prefix(EXIF).unwrap_or(&b).to_vec()));
            }
            b"eXIf" | b"IEND" => return Ok(None),
            _ => at += FRAME + length,
        }
    }
    Ok(None)
}
