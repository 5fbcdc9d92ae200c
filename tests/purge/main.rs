//! Tests `friskey purge` and `friskey prove` with real git and real servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod comparison;
mod filter_repo;
#[path = "../kit/git.rs"]
mod git;
mod hand_purge;
mod hostile_refs;
mod interrupted;
mod key_files;
mod layouts;
mod literal;
mod objects;
mod places;
mod prove;
mod prove_scope;
mod random_history;
mod random_purges;
mod refusals;
mod replacement;
#[path = "../kit/scratch.rs"]
mod scratch;
mod selection;
mod server;
mod support;
