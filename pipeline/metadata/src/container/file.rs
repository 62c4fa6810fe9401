//! A file that is read here and there.

use bytes::Bytes;
use domain::{Key, Objects, StoreError};

/// Bytes of the first read: what stands in front of the picture lies within it, nearly always.
const FIRST: u64 = 128 << 10;

/// Bytes of a read somewhere else; each that goes on where the last ended is twice as long.
const SHORT: u64 = 64 << 10;

/// Bytes of the longest read ahead.
const LONG: u64 = 1 << 20;

/// Reads of one file, at most. What lies behind more of them was put there to be looked for.
pub(crate) const MOST_READS: u32 = 256;

/// Bytes read of one file, at most: formats that have to be walked through (GIF, PNG with small
/// chunks) are walked so far.
pub(crate) const MOST_BYTES: u64 = 64 << 20;

/// A stored object, or a block that was taken out of one, read by ranges within bounds.
pub(crate) struct File<'a> {
    source: Option<(&'a dyn Objects, &'a Key)>,
    size: u64,
    start: u64,
    window: Bytes,
    ahead: u64,
    reads: u32,
    read: u64,
    spent: Spent,
}

/// Whether the bounds of reading were met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spent {
    No,
    Yes,
}

impl<'a> File<'a> {
    /// An object of so many bytes.
    pub(crate) fn new(objects: &'a dyn Objects, key: &'a Key, size: u64) -> Self {
        Self { source: Some((objects, key)), size, ahead: FIRST, ..Self::within(Bytes::new()) }
    }

    /// Bytes that are here already.
    pub(crate) fn within(bytes: Bytes) -> Self {
        Self {
            source: None,
            size: bytes.len() as u64,
            start: 0,
            window: bytes,
            ahead: 0,
            reads: 0,
            read: 0,
            spent: Spent::No,
        }
    }

    /// Bytes of the whole.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Whether something was not read because too much had been.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent == Spent::Yes
    }

    /// Exactly `length` bytes; none where the file ends before, or where enough was read of it.
    pub(crate) async fn at(&mut self, from: u64, length: u64) -> Result<Option<Bytes>, StoreError> {
        let Some(end) = from.checked_add(length).filter(|end| *end <= self.size) else {
            return Ok(None);
        };
        if let Some(bytes) = self.held(from, length) {
            return Ok(Some(bytes));
        }
        let Some((objects, key)) = self.source else { return Ok(None) };
        let held = self.start + self.window.len() as u64;
        let goes_on = from >= self.start && from <= held.saturating_add(SHORT);
        self.ahead = match self.reads {
            0 => FIRST,
            _ if goes_on => (self.ahead * 2).min(LONG),
            _ => SHORT,
        };
        let end = self.size.min(end.max(from.saturating_add(self.ahead)));
        if self.reads >= MOST_READS || self.read + (end - from) > MOST_BYTES {
            self.spent = Spent::Yes;
            return Ok(None);
        }
        self.reads += 1;
        self.read += end - from;
        self.window = objects.read_range(key, from..end).await?;
        self.start = from;
        Ok(self.held(from, length))
    }

    /// As `at`, but fewer bytes where the file ends before.
    pub(crate) async fn up_to(&mut self, from: u64, most: u64) -> Result<Bytes, StoreError> {
        let length = self.size.saturating_sub(from).min(most);
        Ok(self.at(from, length).await?.unwrap_or_default())
    }

    fn held(&self, from: u64, length: u64) -> Option<Bytes> {
        let begin = usize::try_from(from.checked_sub(self.start)?).ok()?;
        let end = begin.checked_add(usize::try_from(length).ok()?)?;
        (end <= self.window.len()).then(|| self.window.slice(begin..end))
    }
}
