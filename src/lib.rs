//! Frisks git repositories for OpenAI API keys.
//!
//! The library behind the `friskey` command. `docs/architecture.md` in the repository describes the modules and
//! their layers; a module uses only lower layers.

pub mod alignment;
pub mod cache;
pub mod cli;
pub mod container;
pub mod detect;
pub mod fleet;
pub mod git;
pub mod globs;
pub mod model;
pub mod prove;
#[cfg(feature = "online")]
pub mod provider;
pub mod purge;
pub mod report;
pub mod rules;
pub mod scan;
pub mod source;
pub mod suppress;
pub mod threads;
pub mod untrusted;
