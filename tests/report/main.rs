//! The reporters, on reports assembled by hand.

mod containers;
mod limits;
mod list;
mod output;
mod sample;
mod secrets;
mod snapshots;
