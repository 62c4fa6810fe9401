//! All that a file says, as the file has it, as JSON: by kind of block, in bounded size.

mod exif;

use serde_json::{Map, Value as Json, json};

use crate::{
    directories::Directories,
    iptc::{self, DataSets},
    xmp::Properties,
};

/// Values that are kept. A camera writes about a hundred, an editor a few hundred.
const MOST_VALUES: usize = 1_000;

/// Bytes of all values and of their names together, as they are written.
const MOST_BYTES: usize = 256 << 10;

/// More bytes than the whole object has: names and values, and what JSON puts around them, the first
/// faults and the names of the blocks, which together take less than as much again.
pub const MOST_RAW: u64 = 2 * MOST_BYTES as u64;

/// Numbers and bytes of one value. What is longer (makers' notes, tables, previews) is for programs
/// that know it, and they have the original.
const MOST_ITEMS: usize = 64;

/// The longest text of one value in bytes. What is longer is a picture or a table in disguise.
const LONGEST_TEXT: usize = 64 << 10;

/// Faults that are told, and the bytes of one.
const MOST_FAULTS: usize = 64;
const LONGEST_FAULT: usize = 200;

/// Everything that is to be written.
pub(crate) struct All<'a> {
    pub(crate) exif: Option<&'a Directories>,
    pub(crate) iptc: &'a DataSets,
    pub(crate) text: &'a [(String, String)],
    pub(crate) xmp: &'a Properties,
    pub(crate) faults: &'a [String],
}

/// The bytes of the object; none where the file says nothing. The same file always gives the same.
pub(crate) fn json(all: &All<'_>) -> Option<Vec<u8>> {
    let mut ledger = Ledger { values: 0, bytes: 0, left_out: all.xmp.left_out };
    let mut blocks: Map<String, Json> = Map::new();
    let mut keep = |name: &str, block: Map<String, Json>| {
        if !block.is_empty() {
            blocks.insert(name.to_owned(), block.into());
        }
    };
    keep("exif", all.exif.map(|exif| exif::block(exif, &mut ledger)).unwrap_or_default());
    keep("iptc", sets(all.iptc, &mut ledger));
    keep("text", repeated(all.text, &mut ledger));
    keep("xmp", repeated(&all.xmp.all, &mut ledger));
    if blocks.is_empty() {
        return None;
    }
    if ledger.left_out > 0 {
        blocks.insert("left_out".to_owned(), ledger.left_out.into());
    }
    let cut = |fault: &String| fault[..fault.floor_char_boundary(LONGEST_FAULT)].to_owned();
    let faults: Vec<String> = all.faults.iter().take(MOST_FAULTS).map(cut).collect();
    if !faults.is_empty() {
        blocks.insert("faults".to_owned(), faults.into());
    }
    serde_json::to_vec(&blocks).ok()
}

/// What was written so far.
struct Ledger {
    values: usize,
    bytes: usize,
    left_out: usize,
}

impl Ledger {
    /// Whether there is room for a value under a name; it is taken where there is.
    fn takes(&mut self, name: &str, value: &Json) -> bool {
        // Measured as they will be written.
        let bytes = Json::from(name).to_string().len() + value.to_string().len();
        let fits = self.values < MOST_VALUES && self.bytes + bytes <= MOST_BYTES;
        if fits {
            self.values += 1;
            self.bytes += bytes;
        } else {
            self.left_out += 1;
        }
        fits
    }
}

fn sets(sets: &DataSets, ledger: &mut Ledger) -> Map<String, Json> {
    let mut block = Map::new();
    for set in &sets.all {
        let value = match &set.value {
            iptc::Value::Text(text) => plain(text),
            iptc::Value::Bytes(bytes) => binary(bytes),
        };
        add(&mut block, iptc::name(set), value, ledger);
    }
    block
}

fn repeated(all: &[(String, String)], ledger: &mut Ledger) -> Map<String, Json> {
    let mut block = Map::new();
    for (name, text) in all {
        add(&mut block, name.clone(), plain(text), ledger);
    }
    block
}

/// Adds a value; those of one name become a list.
fn add(block: &mut Map<String, Json>, name: String, value: Json, ledger: &mut Ledger) {
    if !ledger.takes(&name, &value) {
        return;
    }
    match block.get_mut(&name) {
        None => {
            block.insert(name, value);
        }
        Some(Json::Array(list)) => list.push(value),
        Some(first) => *first = json!([first.take(), value]),
    }
}

fn plain(text: &str) -> Json {
    if text.len() > LONGEST_TEXT { json!({ "bytes": text.len() }) } else { text.into() }
}

/// Bytes as hexadecimal digits, where they are few.
fn binary(bytes: &[u8]) -> Json {
    if bytes.len() > MOST_ITEMS {
        return json!({ "bytes": bytes.len() });
    }
    json!({ "hex": hex::encode(bytes) })
}
