//! What one image asks of AWS, as `pipeline/cloud/tests/behaviour/counted.rs` counts it on an emulator: the
//! test takes this file in, prints what it counts, and fails where that is something else.
//!
//! Its image is a JPEG of half a kilobyte that says nothing of itself. It gets the variants of the built-in
//! presets, each message is an invocation, and nothing is lost. Counted on 2026-11-24, ten images.

/// Requests and invocations of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The client's own, to the URL that it was given.
    pub s3_upload: u32,
    /// One a variant.
    pub s3_put: u32,
    /// The original's.
    pub s3_copy: u32,
    /// Ingest's.
    pub s3_head: u32,
    /// Ingest, metadata and resize read it once each.
    pub s3_get: u32,
    /// The API's of a key, all others of the image; without those of the look.
    pub dynamodb_get: u32,
    /// Created, accepted, expected, announced.
    pub dynamodb_put: u32,
    /// What the metadata stage and what resize record.
    pub dynamodb_update: u32,
    /// Ingest's, to both queues.
    pub sqs_send: u32,
    /// Creating the upload, and one look at the record when it is ready.
    pub api: u32,
    /// The fan-out is handled in it.
    pub ingest: u32,
    /// One of these two announces the image in the same invocation.
    pub metadata: u32,
    /// One decode.
    pub resize: u32,
    /// What belongs to no single upload, so none.
    pub fanout: u32,
}

/// The variants that were made.
pub const VARIANTS: u32 = 6;

/// An image's.
pub const COUNTED: Counted = Counted {
    s3_upload: 1,
    s3_put: VARIANTS,
    s3_copy: 1,
    s3_head: 1,
    s3_get: 3,
    dynamodb_get: 11,
    dynamodb_put: 4,
    dynamodb_update: 2,
    sqs_send: 2,
    api: 2,
    ingest: 1,
    metadata: 1,
    resize: 1,
    fanout: 0,
};

impl Counted {
    /// Requests, by what the test calls them.
    pub fn requests(&self) -> [(&'static str, u32); 9] {
        [
            ("s3 PutObject (upload)", self.s3_upload),
            ("s3 PutObject", self.s3_put),
            ("s3 CopyObject", self.s3_copy),
            ("s3 HeadObject", self.s3_head),
            ("s3 GetObject", self.s3_get),
            ("dynamodb GetItem", self.dynamodb_get),
            ("dynamodb PutItem", self.dynamodb_put),
            ("dynamodb UpdateItem", self.dynamodb_update),
            ("sqs SendMessageBatch", self.sqs_send),
        ]
    }

    /// Invocations, by function.
    pub fn invocations(&self) -> [(&'static str, u32); 5] {
        [
            ("api", self.api),
            ("ingest", self.ingest),
            ("metadata", self.metadata),
            ("resize", self.resize),
            ("fanout", self.fanout),
        ]
    }
}
