//! Darkroom's home in AWS: the ports on S3, `DynamoDB` and SQS, and the stages as functions and as a
//! long-running worker.
//!
//! *Architecture invariant:* nothing else in the workspace names a crate of AWS.

mod answer;
mod carry;
mod catalog;
mod clients;
mod events;
mod function;
mod home;
mod incoming;
mod keyring;
mod letters;
mod logging;
pub mod metrics;
mod objects;
mod presets;
mod queues;
pub mod run;
mod settings;
mod table;
mod trace;
mod vitals;
pub mod worker;

pub use self::{
    catalog::CloudCatalog,
    clients::{BucketStyle, Clients},
    home::{Handler, Home, SystemClock},
    incoming::Incoming,
    keyring::CloudKeyring,
    letters::CloudLetters,
    objects::{Buckets, CloudObjects},
    queues::{CloudQueues, Lent, QueueUrls},
    settings::{Settings, SettingsError, WorkerSettings},
    table::{INDEXES, Table},
};
