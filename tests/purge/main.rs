//! `friskey purge` and `friskey prove`, with real git and real servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../kit/git.rs"]
mod git;
mod layouts;
mod refusals;
mod support;
mod treatments;
mod hand_purge;
mod prove;
mod support;
