//! The embedded home's storage: what it refuses, what it survives, and how it is on disk. That it
//! keeps the ports' promises is the contract's business.

mod catalog;
mod commits;
mod data_directory;
mod database;
mod full_disk;
mod housekeeping;
mod objects;
mod plans;
mod queue;
pub(super) mod support;
