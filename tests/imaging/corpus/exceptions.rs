//! Where our answer to a file of the corpus differs from that of two other decoders, and why; and
//! the files that may take more time or memory than others.

/// Name, our outcome, reason. At most 2 % of the files.
pub(super) const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Name and reason.
pub(super) const GIANTS: &[(&str, &str)] = &[];
