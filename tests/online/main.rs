//! Tests of the commands that send requests to the provider, against a fake of its API over real TLS.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod by_hand;
mod dead_ends;
mod description;
mod doubts;
#[path = "../kit/git.rs"]
mod git;
#[cfg(unix)]
mod interrupted;
mod keys;
mod offline;
#[path = "../kit/openai.rs"]
mod openai;
mod replace;
mod report;
mod revoke;
mod send_key;
mod support;
#[path = "../kit/tls.rs"]
mod tls;
mod trouble;
mod verdicts;
mod verify;
