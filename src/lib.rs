//! Frisks git repositories for OpenAI API keys.
//!
//! The library behind the `friskey` command. `docs/architecture.md` in the repository shows how the
//! modules stand to each other: an arrow points downward only.

pub mod cli;
pub mod container;
pub mod detect;
pub mod git;
pub mod model;
pub mod report;
pub mod rules;
pub mod scan;
pub mod source;
pub mod suppress;
pub mod threads;
pub mod untrusted;
