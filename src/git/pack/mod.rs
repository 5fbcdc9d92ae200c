//! Packs: entry headers, deltas, and which entry hangs on which.

pub mod delta;
pub mod entry;
mod fan;
mod file;
mod tree;

pub(crate) use file::{Pack, PackError};
pub(crate) use tree::{Entry, Tree, TreeFault};
