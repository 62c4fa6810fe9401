//! What stands in for AWS on this machine. Of each part its page says what it cannot prove.

pub(crate) mod client;
pub(crate) mod gateway;
pub(crate) mod home;
pub(crate) mod lambda;
pub(crate) mod mapping;
pub(crate) mod moto;
pub(crate) mod pictures;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod signals;
pub(crate) mod strict;
pub(crate) mod worker;

pub(crate) use self::moto::root;
