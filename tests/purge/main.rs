//! `friskey purge` and `friskey prove`, with real git and real servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod comparison;
mod disguise;
#[path = "../kit/git.rs"]
mod git;
mod hand_purge;
mod hostile_refs;
mod interrupted;
mod layouts;
mod literal;
mod objects;
mod oracle;
mod places;
mod prove;
mod prove_scope;
mod random;
mod random_history;
mod refusals;
#[path = "../kit/scratch.rs"]
mod scratch;
mod selection;
mod server;
mod support;
mod treatments;
