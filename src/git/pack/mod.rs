//! Packs: entry headers, deltas, and which entry hangs on which.

pub mod delta;
pub mod entry;
mod file;
mod tree;

pub use file::{Pack, PackError};
pub use tree::{Entry, Tree, TreeFault};
