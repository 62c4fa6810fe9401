//! WebP (RFC 9649).

mod decode;
mod encode;

pub(crate) use decode::{header, memory, open};
pub(crate) use encode::{encode, encoder_memory};
