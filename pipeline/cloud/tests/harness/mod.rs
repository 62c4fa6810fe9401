//! What stands in for AWS on this machine. Of each part its page says what it cannot prove.

pub(crate) mod moto;
