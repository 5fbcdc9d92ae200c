//! The reporters, on reports put together by hand.

mod containers;
mod golden;
mod limits;
mod list;
mod sample;
mod secrets;
