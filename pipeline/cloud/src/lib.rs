//! Darkroom's home in AWS: the ports on S3, `DynamoDB` and SQS, and the stages as functions and as a
//! long-running worker.
//!
//! *Architecture invariant:* nothing else in the workspace names a crate of AWS.

mod answer;
mod catalog;
mod clients;
mod incoming;
mod keyring;
mod letters;
mod objects;
mod queues;
mod table;
mod trace;

pub use self::{
    catalog::CloudCatalog,
    clients::{BucketStyle, Clients},
    incoming::Incoming,
    keyring::CloudKeyring,
    letters::CloudLetters,
    objects::{Buckets, CloudObjects},
    queues::{CloudQueues, QueueUrls},
    table::{INDEXES, Table},
};
