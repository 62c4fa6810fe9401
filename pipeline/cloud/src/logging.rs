//! A line of JSON for each thing that happened, to standard output, where CloudWatch reads.

use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

/// A filter, if it is one.
pub(crate) fn filter(text: &str) -> Result<String, ParseError> {
    EnvFilter::try_new(text).map(|_| text.to_owned())
}

/// Begins logging, by a filter as in `info,cloud=debug`.
pub(crate) fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Only fails where logging was begun before.
    let _begun_before = fmt()
        .with_env_filter(filter)
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .try_init();
}
