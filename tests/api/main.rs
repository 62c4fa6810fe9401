//! The HTTP API, over real sockets and the reference adapters. Every JSON answer that a test gets
//! is held against `/openapi.json` on the way (see [`schema`]), and every refusal is checked to be
//! a complete problem with a code of the table (see [`client`]).

mod access;
mod client;
mod dead_letters;
mod delivery;
mod events;
mod home;
mod images;
mod receive;
mod schema;
mod server;
mod uploads;
mod variants;
