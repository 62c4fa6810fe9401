//! The directories of a TIFF structure (TIFF 6.0, section 2; BigTIFF as Aware Systems wrote it down;
//! EXIF 2.32, 4.6.2): an EXIF block, or a TIFF file.
//!
//! Read here and not by `kamadak-exif`, whose tags and values these are: it wants the whole file in
//! memory, knows no BigTIFF, and makes six million fields in 317 MB (0.6.2, measured) from 64 KiB of
//! directories that overlap.

mod value;

use std::collections::{BTreeSet, VecDeque};

use domain::StoreError;
use exif::{Context, Field, In, Tag, Value};

use crate::container::File;

/// Entries of all directories. A camera writes about a hundred.
const MOST_ENTRIES: u64 = 5_000;

/// Directories that follow each other, as pages do. The first is the picture.
const MOST_PAGES: u16 = 8;

/// Bytes of one value, and of all. What is longer is known by its length only.
const LONGEST_VALUE: u64 = 64 << 10;
const MOST_VALUES: u64 = 1 << 20;

/// Faults that are remembered.
const MOST_FAULTS: usize = 64;

/// What was found.
#[derive(Default)]
pub(crate) struct Directories {
    /// In the order of reading: each directory before those that it points to.
    pub(crate) fields: Vec<Field>,
    /// Where the values of the first directory lie that are blocks of their own.
    pub(crate) places: Vec<Place>,
    /// What made no sense, in words.
    pub(crate) faults: Vec<String>,
}

/// Where a value lies.
pub(crate) struct Place {
    pub(crate) tag: u16,
    /// Bytes from the beginning of the structure.
    pub(crate) at: u64,
    /// Bytes.
    pub(crate) length: u64,
}

impl Directories {
    /// A tag of the first picture; written twice, the last counts.
    pub(crate) fn value(&self, tag: Tag) -> Option<&Value> {
        let is_it = |field: &&Field| field.tag == tag && field.ifd_num == In::PRIMARY;
        self.fields.iter().rev().find(is_it).map(|field| &field.value)
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(what);
        }
    }
}

/// Reads a structure as far as it makes sense: cameras write broken entries beside sound ones.
pub(crate) async fn read(file: &mut File<'_>) -> Result<Directories, StoreError> {
    let mut found = Directories::default();
    let head = file.up_to(0, 16).await?;
    let Some((form, first)) = Form::of(&head) else {
        found.fault("no TIFF structure begins there".to_owned());
        return Ok(found);
    };
    let mut waiting = VecDeque::from([Directory { context: Context::Tiff, page: 0, at: first }]);
    let mut seen = BTreeSet::new();
    let mut room = Room { entries: MOST_ENTRIES, bytes: MOST_VALUES };
    while let Some(directory) = waiting.pop_front() {
        if !seen.insert(directory.at) {
            found.fault(format!("the directory at {} was read before", directory.at));
            continue;
        }
        let (entries, next) = entries(file, form, directory.at, &mut room, &mut found).await?;
        let mut children = Vec::new();
        for entry in entries {
            let tag = Tag(directory.context, entry.tag);
            let value = entry.read(file, form, &mut room).await?;
            let Some(value) = value else {
                found.fault(format!("{tag}: its value lies outside"));
                continue;
            };
            if let Some(context) = child(tag) {
                match value.get_uint(0) {
                    Some(at) => {
                        children.push(Directory { context, page: directory.page, at: at.into() });
                    }
                    None => found.fault(format!("{tag} points to nothing")),
                }
                continue;
            }
            if (directory.context, directory.page) == (Context::Tiff, 0) {
                found.places.push(Place { tag: entry.tag, at: entry.at, length: entry.length });
            }
            found.fields.push(Field { tag, ifd_num: In(directory.page), value });
        }
        // A picture's own directories before the next picture's.
        for child in children.into_iter().rev() {
            waiting.push_front(child);
        }
        if next != 0 && directory.context == Context::Tiff && directory.page + 1 < MOST_PAGES {
            let page = directory.page + 1;
            waiting.push_back(Directory { context: Context::Tiff, page, at: next });
        }
    }
    Ok(found)
}

/// What may still be taken.
struct Room {
    entries: u64,
    bytes: u64,
}

/// A directory that is still to be read.
struct Directory {
    context: Context,
    page: u16,
    at: u64,
}

/// The directory that a tag points to.
fn child(tag: Tag) -> Option<Context> {
    match tag {
        Tag::ExifIFDPointer => Some(Context::Exif),
        Tag::GPSInfoIFDPointer => Some(Context::Gps),
        Tag::InteropIFDPointer => Some(Context::Interop),
        _ => None,
    }
}

/// The order of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

/// How wide counts and offsets are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Classic,
    Big,
}

/// How the numbers of a structure are written.
#[derive(Clone, Copy)]
struct Form {
    order: Order,
    width: Width,
}

impl Form {
    /// By the header, with the place of the first directory.
    fn of(head: &[u8]) -> Option<(Self, u64)> {
        let order = match head.get(..2)? {
            b"II" => Order::Little,
            b"MM" => Order::Big,
            _ => return None,
        };
        let classic = Self { order, width: Width::Classic };
        match order.number(head.get(2..4)?)? {
            42 => Some((classic, order.number(head.get(4..8)?)?)),
            // Offsets of eight bytes, and a zero.
            43 if order.number(head.get(4..8)?) == Some(Self::eight(order)) => {
                Some((Self { width: Width::Big, ..classic }, order.number(head.get(8..16)?)?))
            }
            _ => None,
        }
    }

    /// The 16-bit numbers 8 and 0 as one of 32 bits.
    fn eight(order: Order) -> u64 {
        match order {
            Order::Little => 8,
            Order::Big => 8 << 16,
        }
    }

    /// Bytes of a count of entries, of an entry, and of an offset.
    fn sizes(self) -> (u64, u64, u64) {
        match self.width {
            Width::Classic => (2, 12, 4),
            Width::Big => (8, 20, 8),
        }
    }
}

impl Order {
    /// A number of as many bytes as there are, which are at most eight.
    fn number(self, bytes: &[u8]) -> Option<u64> {
        let add = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        (bytes.len() <= 8).then(|| match self {
            Self::Big => bytes.iter().fold(0, add),
            Self::Little => bytes.iter().rev().fold(0, add),
        })
    }
}

/// One entry of a directory, with its value still where it lies.
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    at: u64,
    length: u64,
}

impl Entry {
    /// The value; none where it lies outside.
    async fn read(
        &self,
        file: &mut File<'_>,
        form: Form,
        room: &mut Room,
    ) -> Result<Option<Value>, StoreError> {
        if self.at.checked_add(self.length).is_none_or(|end| end > file.size()) {
            return Ok(None);
        }
        if self.length > LONGEST_VALUE.min(room.bytes) {
            return Ok(Some(self.unread()));
        }
        room.bytes -= self.length;
        let bytes = file.at(self.at, self.length).await?;
        Ok(Some(
            bytes
                .and_then(|bytes| value::of(form.order, self.kind, &bytes))
                .unwrap_or_else(|| self.unread()),
        ))
    }

    /// What is known of a value without its bytes.
    fn unread(&self) -> Value {
        Value::Unknown(self.kind, u32::try_from(self.count).unwrap_or(u32::MAX), 0)
    }
}

/// The entries of a directory, as far as they are there, and the place of the next directory.
async fn entries(
    file: &mut File<'_>,
    form: Form,
    at: u64,
    room: &mut Room,
    found: &mut Directories,
) -> Result<(Vec<Entry>, u64), StoreError> {
    let (count_size, entry_size, offset_size) = form.sizes();
    let count = file.at(at, count_size).await?.and_then(|bytes| form.order.number(&bytes));
    let Some(count) = count else {
        found.fault(format!("the directory at {at} lies outside"));
        return Ok((Vec::new(), 0));
    };
    let taken = count.min(room.entries);
    room.entries -= taken;
    let begin = at + count_size;
    let bytes = file.up_to(begin, taken * entry_size).await?;
    let mut entries = Vec::new();
    let size = usize::try_from(entry_size).unwrap_or(usize::MAX);
    for (index, entry) in (0..).zip(bytes.chunks_exact(size)) {
        match self::entry(form, entry, begin + index * entry_size) {
            Some(entry) => entries.push(entry),
            None => found.fault(format!("entry {index} of the directory at {at} has no length")),
        }
    }
    if (entries.len() as u64) < count {
        found.fault(format!(
            "the directory at {at} has {count} entries, {} were read",
            entries.len()
        ));
    }
    let next = begin.checked_add(count.saturating_mul(entry_size));
    let next = match next {
        Some(next) => file.at(next, offset_size).await?,
        None => None,
    };
    Ok((entries, next.and_then(|bytes| form.order.number(&bytes)).unwrap_or(0)))
}

/// An entry that stands at a place. A value that fits stands in it; of others it has the place.
fn entry(form: Form, bytes: &[u8], at: u64) -> Option<Entry> {
    let (_, size, offset_size) = form.sizes();
    let fits = usize::try_from(size - offset_size).ok()?;
    let tag = u16::try_from(form.order.number(bytes.get(..2)?)?).ok()?;
    let kind = u16::try_from(form.order.number(bytes.get(2..4)?)?).ok()?;
    let count = form.order.number(bytes.get(4..fits)?)?;
    let length = count.checked_mul(value::size(kind))?;
    let at = if length <= offset_size {
        at + size - offset_size
    } else {
        form.order.number(bytes.get(fits..)?)?
    };
    Some(Entry { tag, kind, count, at, length })
}
