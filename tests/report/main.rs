//! Tests the reporters on reports assembled by hand.

mod containers;
mod limits;
mod list;
mod output;
mod pages;
mod sample;
#[path = "../kit/sarif.rs"]
mod sarif;
mod secrets;
mod snapshots;
