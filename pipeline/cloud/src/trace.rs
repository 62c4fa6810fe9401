//! Which trace the work under way belongs to: a message carries its sender's, so that one image is one
//! trace however many functions it passes.

use std::future::Future;

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

/// Its id alone: the `Root` of the header.
pub(crate) fn root(header: &str) -> &str {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="));
    root.unwrap_or(header)
}
