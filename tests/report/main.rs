//! Tests the reporters on reports that are built from values rather than by a scan.

mod containers;
mod every_format;
mod fleet_pages;
mod limits;
mod output;
mod pages;
mod sample;
#[path = "../kit/sarif.rs"]
mod sarif;
mod secrets;
mod snapshots;
