//! The home on one machine: files, SQLite, worker processes and the command line around the stages.
//!
//! The [supervisor](serve) serves HTTP and owns the [database] and the [objects]; stages that touch
//! foreign bytes run in [worker] processes; the [runner] carries messages between them. [`cli`] is
//! the whole program: `main` calls it and nothing else.

pub mod capacity;
pub mod cli;
pub mod client;
pub mod clock;
pub mod connections;
pub mod data_directory;
pub mod database;
mod disk;
pub mod estimate;
mod heap;
pub mod in_memory;
pub mod logging;
mod machine;
pub mod objects;
pub mod presets;
pub mod runner;
pub mod serve;
pub mod settings;
pub mod share;
pub mod stages;
pub mod vitals;
pub mod worker;
