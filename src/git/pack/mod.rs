//! Packs: their entries, deltas, and delta trees.

pub mod delta;
mod delta_tree;
pub mod entry;
mod fanout;
mod file;

pub(crate) use delta_tree::{DeltaTree, Entry, EntryFault};
pub(crate) use file::{Pack, PackError};
