//! A WebP without word of EXIF and XMP. The decoder refuses a file that announces what is not there,
//! which tools leave behind that take metadata out; both are read by others.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

/// Where the flags of a VP8X chunk stand, if it is the first (RFC 9649, 2.7).
const FLAGS: u64 = 20;
const EXIF: u8 = 0x08;
const XMP: u8 = 0x04;

/// The bytes of a file, its flags changed.
pub(super) struct Unannounced<'a> {
    file: Cursor<&'a [u8]>,
    flags: Option<[u8; 1]>,
}

impl<'a> Unannounced<'a> {
    pub(super) fn new(file: &'a [u8]) -> Unannounced<'a> {
        let flags = match (file.get(12..16), file.get(20)) {
            (Some(b"VP8X"), Some(flags)) => Some([flags & !(EXIF | XMP)]),
            _ => None,
        };
        Unannounced { file: Cursor::new(file), flags }
    }
}

impl BufRead for Unannounced<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let at = self.file.position();
        match &self.flags {
            Some(flags) if at == FLAGS => Ok(flags),
            Some(_) if at < FLAGS => {
                let rest = self.file.fill_buf()?;
                let before = usize::try_from(FLAGS - at).unwrap_or(usize::MAX);
                Ok(&rest[..rest.len().min(before)])
            }
            _ => self.file.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.file.consume(amount);
    }
}

impl Read for Unannounced<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let part = self.fill_buf()?;
        let count = part.len().min(into.len());
        into[..count].copy_from_slice(&part[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Seek for Unannounced<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
