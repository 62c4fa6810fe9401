//! What Darkroom does, as its clients see it. A scenario of `in_both` is played in both homes, and what it
//! shows is the same; the others are about what only the cloud has.

mod adopted;
mod arriving;
mod by_parts;
mod calls;
mod changing;
mod clients;
mod cloud_home;
mod counted;
mod given_up;
mod house;
mod losing;
mod machine;
mod numbers;
mod race;
mod repeating;
mod storm;
mod traced;
mod worker;
