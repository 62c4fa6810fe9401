//! Boxes (ISO/IEC 14496-12) and what they hold of a picture file (ISO/IEC 23008-12): items, their
//! places, properties and references.

use std::ops::Range;

use crate::fault::Fault;

/// Items of a file. A phone's picture has some fifty: tiles, thumbnail, metadata.
const ITEMS: usize = 8_192;

/// What is read from the front; `None` where it ends.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
    /// Where `rest` begins in the file.
    pub(super) at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(rest: &'a [u8], at: usize) -> Bytes<'a> {
        Bytes { rest, at }
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        self.at += count;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// A number of 0, 2, 4 or 8 bytes.
    fn sized(&mut self, size: u8) -> Option<u64> {
        Some(match size {
            0 => 0,
            2 => self.u16()?.into(),
            4 => self.u32()?.into(),
            8 => u64::from(self.u32()?) << 32 | u64::from(self.u32()?),
            _ => return None,
        })
    }

    /// A number of an item: wide from some version of its box on.
    fn id(&mut self, wide: bool) -> Option<u32> {
        if wide { self.u32() } else { self.u16().map(u32::from) }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// A box: its type and body. A body that goes on behind the bytes given is cut.
pub(super) struct Box4<'a> {
    pub(super) kind: [u8; 4],
    pub(super) body: Bytes<'a>,
    /// Whether all of the body is there.
    pub(super) whole: bool,
}

/// The next box; `None` where not even its header is there.
pub(super) fn next<'a>(bytes: &mut Bytes<'a>) -> Option<Box4<'a>> {
    let mut ahead = *bytes;
    let size = ahead.u32()?;
    let kind = *ahead.take(4)?.first_chunk()?;
    let mut header = 8;
    let size = match size {
        0 => u64::MAX,
        1 => {
            header = 16;
            ahead.sized(8)?
        }
        size => size.into(),
    };
    let length = usize::try_from(size.checked_sub(header)?).unwrap_or(usize::MAX);
    let whole = size == u64::MAX || length <= ahead.rest.len();
    let at = ahead.at;
    let body = ahead.take(length.min(ahead.rest.len()))?;
    *bytes = ahead;
    Some(Box4 { kind, body: Bytes::new(body, at), whole })
}

/// An item: coded picture, grid, metadata.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    pub(super) id: u32,
    pub(super) kind: [u8; 4],
    /// Its bytes lie in the `idat` box rather than in the file.
    in_idat: bool,
    extents: Vec<(u64, u64)>,
    /// One-based numbers of its properties, in order.
    properties: Vec<u16>,
}

/// A reference from one item to others.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) kind: [u8; 4],
    pub(super) from: u32,
    pub(super) to: Vec<u32>,
}

/// A `meta` box.
#[derive(Debug, Default)]
pub(super) struct Meta {
    pub(super) primary: u32,
    items: Vec<Item>,
    pub(super) references: Vec<Reference>,
    /// Type and place in the file of each.
    properties: Vec<([u8; 4], Range<usize>)>,
    idat: Range<usize>,
}

impl Meta {
    /// `None` where the box contradicts itself.
    pub(super) fn parse(mut body: Bytes<'_>) -> Option<Meta> {
        body.u32()?;
        let mut meta = Meta::default();
        while let Some(Box4 { kind, body, .. }) = next(&mut body) {
            match &kind {
                b"pitm" => meta.primary = primary(body)?,
                b"iinf" => meta.entries(body)?,
                b"iloc" => meta.places(body)?,
                b"iref" => meta.refer(body)?,
                b"iprp" => meta.describe(body)?,
                b"idat" => meta.idat = body.at..body.at + body.rest().len(),
                _ => {}
            }
        }
        Some(meta)
    }

    /// The item of a number, made where it is not there yet: boxes come in any order.
    fn make(&mut self, id: u32) -> Option<&mut Item> {
        // Numbers usually rise, so the last is the likeliest.
        let index = self.items.iter().rposition(|item| item.id == id).or_else(|| {
            (self.items.len() < ITEMS).then(|| {
                self.items.push(Item { id, ..Item::default() });
                self.items.len() - 1
            })
        })?;
        self.items.get_mut(index)
    }

    pub(super) fn item(&self, id: u32) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    fn entries(&mut self, mut body: Bytes<'_>) -> Option<()> {
        let version = body.u32()? >> 24;
        let count = body.id(version > 0)?;
        for _ in 0..count {
            let Some(Box4 { kind, mut body, .. }) = next(&mut body) else { break };
            if &kind != b"infe" {
                continue;
            }
            let version = body.u32()? >> 24;
            if version < 2 {
                continue;
            }
            let id = body.id(version > 2)?;
            body.u16()?;
            let kind = *body.take(4)?.first_chunk()?;
            self.make(id)?.kind = kind;
        }
        Some(())
    }

    fn places(&mut self, mut body: Bytes<'_>) -> Option<()> {
        let version = body.u32()? >> 24;
        let sizes = body.u16()?;
        let size = |shift: u16| u8::try_from(sizes >> shift & 15).unwrap_or(u8::MAX);
        let count = body.id(version > 1)?;
        for _ in 0..count {
            let id = body.id(version > 1)?;
            let method = if version > 0 { body.u16()? & 15 } else { 0 };
            body.u16()?;
            let base = body.sized(size(4))?;
            let extents = body.u16()?;
            let mut found = Vec::new();
            for _ in 0..extents {
                if version > 0 {
                    body.sized(size(0))?;
                }
                let offset = body.sized(size(12))?;
                let length = body.sized(size(8))?;
                found.push((base.checked_add(offset)?, length));
            }
            let item = self.make(id)?;
            item.in_idat = method == 1;
            // Items made of other items' bytes are not read.
            item.extents = if method > 1 { Vec::new() } else { found };
        }
        Some(())
    }

    fn refer(&mut self, mut body: Bytes<'_>) -> Option<()> {
        let wide = body.u32()? >> 24 > 0;
        while let Some(Box4 { kind, mut body, .. }) = next(&mut body) {
            let from = body.id(wide)?;
            let count = body.u16()?;
            let to = (0..count).map(|_| body.id(wide)).collect::<Option<Vec<u32>>>()?;
            if self.references.len() < ITEMS {
                self.references.push(Reference { kind, from, to });
            }
        }
        Some(())
    }

    fn describe(&mut self, mut body: Bytes<'_>) -> Option<()> {
        while let Some(Box4 { kind, mut body, .. }) = next(&mut body) {
            match &kind {
                b"ipco" => {
                    while let Some(Box4 { kind, body, .. }) = next(&mut body) {
                        self.properties.push((kind, body.at..body.at + body.rest().len()));
                    }
                }
                b"ipma" => {
                    let head = body.u32()?;
                    let (wide, long) = (head >> 24 > 0, head & 1 == 1);
                    for _ in 0..body.u32()? {
                        let id = body.id(wide)?;
                        let count = body.u8()?;
                        let mut found = Vec::new();
                        for _ in 0..count {
                            found.push(if long {
                                body.u16()? & 0x7fff
                            } else {
                                u16::from(body.u8()? & 0x7f)
                            });
                        }
                        self.make(id)?.properties.extend(found);
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// The properties of an item, in its order: type and body.
    pub(super) fn properties<'a>(
        &'a self,
        file: &'a [u8],
        item: &'a Item,
    ) -> impl Iterator<Item = ([u8; 4], Bytes<'a>)> {
        item.properties.iter().filter_map(move |number| {
            let index = usize::from(*number).checked_sub(1)?;
            let (kind, range) = self.properties.get(index)?;
            Some((*kind, Bytes::new(file.get(range.clone())?, range.start)))
        })
    }

    /// The numbers that `from` refers to by references of a kind.
    pub(super) fn targets(&self, kind: [u8; 4], from: u32) -> &[u32] {
        self.references
            .iter()
            .find(|reference| reference.kind == kind && reference.from == from)
            .map_or(&[], |reference| &reference.to)
    }

    /// The bytes of an item, joined.
    pub(super) fn data(&self, file: &[u8], item: &Item) -> Result<Vec<u8>, Fault> {
        let ends = || Fault::truncated("The file ends before a part of its picture does.");
        let (source, most) = if item.in_idat {
            (file.get(self.idat.clone()).ok_or_else(ends)?, self.idat.len())
        } else {
            (file, file.len())
        };
        let mut joined = Vec::new();
        for (offset, length) in &item.extents {
            let from = usize::try_from(*offset).map_err(|_| ends())?;
            let to = match length {
                0 => most,
                _ => usize::try_from(*length)
                    .ok()
                    .and_then(|length| from.checked_add(length))
                    .ok_or_else(ends)?,
            };
            joined.extend_from_slice(source.get(from..to).ok_or_else(ends)?);
            // Extents may overlap; more than the file has is made to waste memory.
            if joined.len() > file.len() {
                return Err(Fault::damaged("A part of the picture is longer than its file."));
            }
        }
        if joined.is_empty() {
            return Err(Fault::damaged("A part of the picture has no bytes."));
        }
        Ok(joined)
    }
}

fn primary(mut body: Bytes<'_>) -> Option<u32> {
    let version = body.u32()? >> 24;
    body.id(version > 0)
}
