//! The home on one machine, with the real program: started, used, killed, stopped and started again
//! from outside, as its owner does.

mod command_line;
mod drain;
mod durability;
mod grants;
mod kill;
mod pictures;
mod poison;
mod refusals;
mod server;
mod upload;
