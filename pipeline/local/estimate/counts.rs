//! What one image takes: what was [counted](COUNTED), what follows from it for other inputs, and what no
//! emulator counts and is derived from the code instead.

use serde::Serialize;

use super::{
    Inputs,
    counted::{COUNTED, VARIANTS},
    rounded,
};

/// Bytes that ingest reads at a time (`pipeline/ingest`).
const CHUNK: u32 = 8 << 20;

/// What a look at the record reads beside the image: the key. Derived.
const READS_OF_A_KEY: u32 = 1;

/// Photographs say something of themselves, which is kept as an object. The counted image does not. Derived.
const RAW_METADATA: u32 = 1;

/// S3 tells the queue that something arrived: a request to SQS like any other. Derived; the emulator does it
/// unseen.
const ARRIVALS: u32 = 1;

/// Sweeps that look at an upload, and so read its image: the one that removes it, once its URL is not good
/// any more. Derived.
pub(super) const SWEEPS: u32 = 1;

/// Bytes of a photograph's item in the table, and of what is added to it, as
/// `pipeline/cloud/src/catalog/item.rs` writes them. Derived.
mod item {
    /// As it is created, with the name of a file.
    pub(super) const PENDING: u32 = 860;
    /// The header and the digest of the source.
    pub(super) const SOURCE: u32 = 320;
    /// The name of a piece that is awaited.
    pub(super) const EXPECTED: u32 = 32;
    /// What a phone says of a photograph.
    pub(super) const DESCRIBED: u32 = 530;
    /// A variant.
    pub(super) const MADE: u32 = 170;
    /// Placeholder and colour.
    pub(super) const DERIVED: u32 = 105;
    /// Its entries in the three indexes in which it stays, and what DynamoDB adds for it and for each.
    pub(super) const INDEXED: u32 = 870;
}

/// Entries of indexes that a write makes or takes away, one unit each: moving is both. An index of which no
/// attribute changes is not written. Derived.
mod entries {
    /// Into `by_tenant`, `by_status` and `by_due`.
    pub(super) const CREATED: u32 = 3;
    /// Moved in `by_status` and `by_due`, and into `by_hash`.
    pub(super) const ACCEPTED: u32 = 5;
    /// Its place in `by_due` stays while it is only later due.
    pub(super) const EXPECTED: u32 = 0;
    /// Likewise.
    pub(super) const RECORDED: u32 = 0;
    /// Moved in `by_status`, and out of `by_due`.
    pub(super) const ANNOUNCED: u32 = 3;
}

/// What one image takes, as AWS bills it. Shares come of batches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// Requests to the API: creating the upload, and looking at the record.
    pub api_requests: u32,
    /// Invocations of the functions of ingest, metadata and resize.
    #[serde(serialize_with = "rounded")]
    pub stage_invocations: f64,
    /// Requests to SQS: S3's and ours, and the mappings' receiving and deleting.
    #[serde(serialize_with = "rounded")]
    pub sqs_requests: f64,
    /// PUTs of the upload itself and of its variants.
    pub s3_puts: u32,
    /// Other requests at the price of a PUT: the original's copy, and raw metadata.
    pub s3_other_writes: u32,
    /// GETs and HEADs by our own functions.
    pub s3_reads: u32,
    /// Write units of the table and its indexes.
    pub dynamodb_write_units: u32,
    /// Read units, all of them consistent.
    pub dynamodb_read_units: u32,
    /// Bytes of the item and of its entries in the indexes.
    pub dynamodb_bytes: u32,
}

impl Counts {
    /// Of an image under these inputs.
    pub fn of(inputs: &Inputs) -> Self {
        let item = Item::of(inputs.variants);
        // The metadata stage and ingest are handed batches; a picture is resized alone, as one that ends its
        // function takes along whatever came with it.
        let batched = f64::from(COUNTED.ingest + COUNTED.metadata) / f64::from(inputs.batch);
        let invocations = batched + f64::from(COUNTED.resize);
        // What a mapping receives at once it deletes at once, and what follows from a batch is sent at once.
        let carried = 2.0 * invocations;
        let sent = f64::from(COUNTED.sqs_send) / f64::from(inputs.batch);
        let more_chunks = inputs.upload_bytes.div_ceil(CHUNK).saturating_sub(1);
        Self {
            api_requests: COUNTED.api,
            stage_invocations: invocations,
            sqs_requests: f64::from(ARRIVALS) + sent + carried,
            s3_puts: COUNTED.s3_upload + COUNTED.s3_put - VARIANTS + inputs.variants,
            s3_other_writes: COUNTED.s3_copy + RAW_METADATA,
            s3_reads: COUNTED.s3_head + COUNTED.s3_get + more_chunks,
            dynamodb_write_units: item.write_units(),
            dynamodb_read_units: item.read_units(),
            dynamodb_bytes: item.whole + item::INDEXED,
        }
    }
}

const _: () = assert!(
    COUNTED.dynamodb_put == 4 && COUNTED.dynamodb_update == 2,
    "another write of the table than those that Item::write_units lists was counted"
);

/// Bytes of an image's item, as it grows.
struct Item {
    pending: u32,
    accepted: u32,
    expected: u32,
    /// Metadata ends before resize, nearly always.
    half: u32,
    whole: u32,
}

impl Item {
    fn of(variants: u32) -> Self {
        let accepted = item::PENDING + item::SOURCE;
        // Beside the variants: what is derived from the pixels, and metadata.
        let expected = accepted + (variants + 2) * item::EXPECTED;
        let half = expected + item::DESCRIBED;
        let whole = half + variants * item::MADE + item::DERIVED;
        Self { pending: item::PENDING, accepted, expected, half, whole }
    }

    /// In their order: created, accepted, expected, described, made, announced.
    fn write_units(&self) -> u32 {
        let writes = [
            (self.pending, entries::CREATED),
            (self.accepted, entries::ACCEPTED),
            (self.expected, entries::EXPECTED),
            (self.half, entries::RECORDED),
            (self.whole, entries::RECORDED),
            (self.whole, entries::ANNOUNCED),
        ];
        writes.iter().map(|(bytes, entries)| bytes.div_ceil(1024) + entries).sum()
    }

    /// Whoever announces, looks or sweeps reads the whole item, all others one that is smaller.
    fn read_units(&self) -> u32 {
        let whole = self.whole.div_ceil(4096);
        let before = (COUNTED.dynamodb_get - 1) * self.half.div_ceil(4096);
        let look = READS_OF_A_KEY + whole;
        before + whole + look + SWEEPS * whole
    }
}
