//! HEIF, HEIC and AVIF: metadata are items of the file's `meta` box (ISO/IEC 23008-12, annex A;
//! ISO/IEC 14496-12, 8.11).

use bytes::{Bytes, BytesMut};
use domain::StoreError;

use super::{
    Blocks, File, LONGEST_BLOCK, be16, be32,
    boxes::{self, BoxAt},
};

/// The longest `meta` box, in bytes: a picture of many thousand tiles has one of a megabyte.
const LONGEST_META: u64 = 4 << 20;

/// Items of metadata that are told apart, and pieces that one may lie in.
const MOST_ITEMS: usize = 16;
const MOST_EXTENTS: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exif,
    Xmp,
}

struct Item {
    id: u32,
    kind: Kind,
}

/// A piece of an item, and what its offset counts from (8.11.3.3).
struct Extent {
    offset: u64,
    length: u64,
    method: Method,
}

#[derive(Clone, Copy)]
enum Method {
    File,
    ItemData,
}

pub(super) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let mut blocks = Blocks::default();
    let top = boxes::top(file).await?;
    let Some(meta) = top.iter().find(|found| &found.kind == b"meta") else { return Ok(blocks) };
    let &BoxAt { body, length, .. } = meta;
    if length > LONGEST_META {
        blocks.fault("the meta box is too long");
        return Ok(blocks);
    }
    let Some(meta) = file.at(body, length).await? else { return Ok(blocks) };
    let meta = Meta::of(&meta);
    for kind in [Kind::Exif, Kind::Xmp] {
        let Some(item) = meta.item(kind) else { continue };
        let Some(content) = content(file, &meta, item).await? else { continue };
        match kind {
            Kind::Xmp => blocks.take_xmp(content),
            Kind::Exif => {
                // In front of the TIFF structure stands how far away it begins (A.2.1).
                let begin = be32(&content, 0).and_then(|offset| usize::try_from(offset).ok());
                let begin = begin.and_then(|offset| offset.checked_add(4));
                if let Some(begin) = begin.filter(|begin| *begin <= content.len()) {
                    blocks.take_exif(&content.slice(begin..)).await?;
                }
            }
        }
    }
    Ok(blocks)
}

/// All of an item, where it is no longer than a block may be.
async fn content(
    file: &mut File<'_>,
    meta: &Meta<'_>,
    item: u32,
) -> Result<Option<Bytes>, StoreError> {
    let mut content = BytesMut::new();
    for Extent { offset, length, method } in meta.extents(item) {
        // No length: to the end of what it counts from.
        let length = match (length, method) {
            (0, Method::File) => file.size().saturating_sub(offset),
            (0, Method::ItemData) => (meta.data.len() as u64).saturating_sub(offset),
            (length, _) => length,
        };
        if content.len() as u64 + length > LONGEST_BLOCK {
            return Ok(None);
        }
        match method {
            Method::File => match file.at(offset, length).await? {
                Some(part) => content.extend_from_slice(&part),
                None => return Ok(None),
            },
            Method::ItemData => {
                let part = usize::try_from(offset).ok().and_then(|offset| {
                    meta.data.get(offset..)?.get(..usize::try_from(length).ok()?)
                });
                let Some(part) = part else { return Ok(None) };
                content.extend_from_slice(part);
            }
        }
    }
    Ok((!content.is_empty()).then(|| content.freeze()))
}

/// What the `meta` box says.
#[derive(Default)]
struct Meta<'a> {
    primary: Option<u32>,
    items: Vec<Item>,
    /// Which item describes which.
    describes: Vec<(u32, u32)>,
    locations: &'a [u8],
    data: &'a [u8],
}

impl<'a> Meta<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let mut meta = Self::default();
        for (kind, body) in boxes::within(bytes.get(4..).unwrap_or_default()) {
            match &kind {
                b"pitm" => meta.primary = Cursor::versioned(body).and_then(|(v, mut c)| c.id(v, 1)),
                b"iinf" => meta.items = items(body).unwrap_or_default(),
                b"iref" => meta.describes = descriptions(body).unwrap_or_default(),
                b"iloc" => meta.locations = body,
                b"idat" => meta.data = body,
                _ => {}
            }
        }
        meta
    }

    /// The item that describes the primary picture; where none says so, the first.
    fn item(&self, kind: Kind) -> Option<u32> {
        let all = || self.items.iter().filter(|item| item.kind == kind);
        let of_primary = |item: &&Item| {
            self.primary.is_some_and(|primary| self.describes.contains(&(item.id, primary)))
        };
        all().find(of_primary).or_else(|| all().next()).map(|item| item.id)
    }

    fn extents(&self, item: u32) -> Vec<Extent> {
        extents(self.locations, item).unwrap_or_default()
    }
}

/// Item information (8.11.6), of those that are metadata.
fn items(body: &[u8]) -> Option<Vec<Item>> {
    let (version, mut cursor) = Cursor::versioned(body)?;
    let _count = cursor.id(version, 1)?;
    let entries = boxes::within(cursor.rest()).filter(|(kind, _)| kind == b"infe");
    Some(entries.filter_map(|(_, entry)| item(entry)).take(MOST_ITEMS).collect())
}

fn item(entry: &[u8]) -> Option<Item> {
    let (version, mut cursor) = Cursor::versioned(entry)?;
    if version < 2 {
        return None;
    }
    let id = cursor.id(version, 3)?;
    let _protection = cursor.number(2)?;
    let kind = cursor.take(4)?;
    if kind == b"Exif" {
        return Some(Item { id, kind: Kind::Exif });
    }
    // Behind its name, a MIME item has its type, and an encoding, of which none is known here.
    let mut texts = cursor.rest().split(|&byte| byte == 0).skip(1);
    let is_xmp = kind == b"mime"
        && texts.next() == Some(b"application/rdf+xml")
        && texts.next().is_none_or(<[u8]>::is_empty);
    is_xmp.then_some(Item { id, kind: Kind::Xmp })
}

/// References of type `cdsc`, "content describes" (8.11.12).
fn descriptions(body: &[u8]) -> Option<Vec<(u32, u32)>> {
    let (version, cursor) = Cursor::versioned(body)?;
    let mut found = Vec::new();
    for (_, reference) in boxes::within(cursor.rest()).filter(|(kind, _)| kind == b"cdsc") {
        let mut cursor = Cursor(reference);
        let from = cursor.id(version, 1)?;
        for _ in 0..cursor.number(2)?.min(MOST_ITEMS as u64) {
            found.push((from, cursor.id(version, 1)?));
        }
        if found.len() > MOST_ITEMS * MOST_ITEMS {
            break;
        }
    }
    Some(found)
}

/// Where an item lies (8.11.3).
fn extents(body: &[u8], wanted: u32) -> Option<Vec<Extent>> {
    let (version, mut cursor) = Cursor::versioned(body)?;
    let sizes = cursor.number(2)?;
    let [offset_size, length_size, base_size, index_size] =
        [sizes >> 12, sizes >> 8, sizes >> 4, sizes].map(|size| size & 15);
    let index_size = if version == 0 { 0 } else { index_size };
    for _ in 0..cursor.id(version, 2)? {
        let id = cursor.id(version, 2)?;
        let method = if version == 0 { 0 } else { cursor.number(2)? & 15 };
        let data_reference = cursor.number(2)?;
        let base = cursor.number(base_size)?;
        let mut found = Vec::new();
        for _ in 0..cursor.number(2)? {
            cursor.number(index_size)?;
            let offset = cursor.number(offset_size)?;
            let length = cursor.number(length_size)?;
            let method = match method {
                0 => Method::File,
                1 => Method::ItemData,
                _ => continue,
            };
            if id == wanted && found.len() < MOST_EXTENTS {
                found.push(Extent { offset: base.checked_add(offset)?, length, method });
            }
        }
        if id == wanted {
            // Anything but this file would be another one.
            return (data_reference == 0).then_some(found);
        }
    }
    None
}

/// Numbers one after another.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// A full box's version, and what is behind version and flags.
    fn versioned(body: &'a [u8]) -> Option<(u8, Self)> {
        Some((*body.first()?, Self(body.get(4..)?)))
    }

    fn rest(self) -> &'a [u8] {
        self.0
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// An identifier or a count: four bytes from some version of the box on, two before.
    fn id(&mut self, version: u8, wide_from: u8) -> Option<u32> {
        let size = if version >= wide_from { 4 } else { 2 };
        self.number(size).and_then(|number| u32::try_from(number).ok())
    }

    /// A number of 0, 2, 4 or 8 bytes.
    fn number(&mut self, size: u64) -> Option<u64> {
        match size {
            0 => Some(0),
            2 => be16(self.take(2)?, 0).map(u64::from),
            4 => be32(self.take(4)?, 0).map(u64::from),
            8 => self.take(8)?.first_chunk().map(|&bytes| u64::from_be_bytes(bytes)),
            _ => None,
        }
    }
}
