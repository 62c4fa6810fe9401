//! From the blocks of a file to what is known.

use domain::{Key, Objects, StoreError, record::Metadata};

use crate::{
    container::{self, Blocks, File, Portion},
    fields::{self, Digest},
    iptc::DataSets,
    raw,
    xmp::Properties,
};

/// What a picture says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// The normalised fields.
    pub fields: Metadata,
    /// All of it as JSON, in bounded size; none where there is nothing.
    pub raw: Option<Vec<u8>>,
}

/// Reads what an object of so many bytes says about itself, whatever format it is of, around its
/// pixels. Bytes that make no sense are a picture that says nothing; an error is the store's.
pub async fn expose(objects: &dyn Objects, key: &Key, size: u64) -> Result<Exposition, StoreError> {
    let blocks = container::read(&mut File::new(objects, key, size)).await?;
    Ok(exposition(blocks))
}

fn exposition(blocks: Blocks) -> Exposition {
    let Blocks { exif, xmp, extension, iptc, iptc_digest, text, mut faults } = blocks;
    let mut properties = xmp.as_deref().map(Properties::of).unwrap_or_default();
    faults.extend(properties.fault.take().map(|fault| format!("XMP: {fault}")));
    match extended(&properties, &extension) {
        Ok(None) => {}
        Ok(Some(packet)) => properties.append(Properties::of(&packet)),
        Err(fault) => faults.push(fault.to_owned()),
    }
    let sets = iptc.as_deref().map(DataSets::of).unwrap_or_default();
    faults.extend(sets.fault.map(|fault| format!("IPTC: {fault}")));
    if let Some(exif) = &exif {
        faults.extend(exif.faults.iter().map(|fault| format!("EXIF: {fault}")));
    }
    let digest = Digest::of(iptc.as_deref(), iptc_digest);
    let fields = fields::normalised(exif.as_ref(), &properties, &sets, digest, &text);
    let raw = raw::json(&raw::All {
        exif: exif.as_ref(),
        iptc: &sets,
        text: &text,
        xmp: &properties,
        faults: &faults,
    });
    Exposition { fields, raw }
}

/// The second packet that the first one names, put together from its portions, which may stand in
/// any order; none where it names none.
fn extended(first: &Properties, portions: &[Portion]) -> Result<Option<Vec<u8>>, &'static str> {
    let Some(guid) = first.value("xmpNote:HasExtendedXMP") else { return Ok(None) };
    let guid = guid.trim().as_bytes();
    let mut ours: Vec<&Portion> =
        portions.iter().filter(|portion| portion.guid.eq_ignore_ascii_case(guid)).collect();
    ours.sort_by_key(|portion| portion.offset);
    let mut packet = Vec::new();
    for portion in &ours {
        if usize::try_from(portion.offset) != Ok(packet.len()) {
            return Err("the extended XMP has gaps");
        }
        packet.extend_from_slice(&portion.bytes);
    }
    let whole = ours.first().is_some_and(|first| usize::try_from(first.full) == Ok(packet.len()));
    if whole { Ok(Some(packet)) } else { Err("the extended XMP is not all there") }
}
