//! Layer 1: globs of paths in the syntax of `.gitignore`. They come from ignore files, `friskey.toml` and baselines,
//! which an attacker may control, so their cost is limited. Braces are ordinary characters, as in git.

mod cost;
mod git_pattern;
mod glob;

pub use cost::{GlobCost, TooCostly};
pub use git_pattern::glob_from_git_pattern;
pub use glob::{Glob, GlobBudget, check, covers, quote_shortened};
