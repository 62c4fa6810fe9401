//! Which trace the work under way belongs to. *One image is one trace.*
//!
//! The trace of an image is a function of its id ([`domain::trace::trace_id`]), and of nothing that would
//! have to be carried. S3's notifications and the client's PUT bring no header, a redelivery may have lost
//! it, and a sweep or a person comes to an image from a trace of their own: whoever sends a message about
//! an image, or handles one, says the image's trace. It goes along in `AWSTraceHeader` all the same, for
//! X-Ray, which links the invocations that it samples by it. Whether it samples is left to it, so the header
//! has a `Root` only.
//!
//! What is about no one image (a sweep) belongs to the trace of whoever sent it, and what came without any
//! (a schedule) to one that is named after its record, so that a redelivery belongs there too. Requests to
//! the API have the trace of their invocation; of the images that they are about, their messages have.

use std::future::Future;

use domain::{ImageId, Message, Sha256, trace::trace_id};

tokio::task_local! {
    static TRACE: Option<String>;
}

/// Does work as part of a trace: the value of an `X-Amzn-Trace-Id` header.
pub(crate) async fn within<F: Future>(trace: Option<String>, work: F) -> F::Output {
    TRACE.scope(trace, work).await
}

/// The trace of the work under way.
pub(crate) fn current() -> Option<String> {
    TRACE.try_with(Clone::clone).ok().flatten()
}

/// The trace of an image.
pub(crate) fn of(image: ImageId) -> String {
    format!("Root={}", trace_id(image))
}

/// The trace that a message is sent in.
pub(crate) fn sent(message: &Message) -> Option<String> {
    message.image().map(of).or_else(current)
}

/// The trace of a record that came without one, by its name in the queue. The digest is laid out as that of
/// a W3C trace, whose first bits are no time either.
pub(crate) fn begun_by(record: &str) -> String {
    let digest = Sha256::of(record.as_bytes()).to_string();
    format!("Root=1-{}-{}", &digest[..8], &digest[8..32])
}

/// Its id alone: the `Root` of the header.
pub(crate) fn root(header: &str) -> &str {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="));
    root.unwrap_or(header)
}
