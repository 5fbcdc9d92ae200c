//! Layer 1: globs of paths in the syntax of `.gitignore`. They come from ignore files, `friskey.toml` and baselines, so
//! their cost is limited, and braces nest no deeper than they do in git, where they are ordinary characters.

mod cost;
mod git_pattern;
mod glob;

pub use cost::{GlobCost, TooCostly};
pub use git_pattern::as_glob;
pub use glob::{Glob, GlobBudget, check, shown};
